"""The tiny search and confirmation whose tables are stored, and what of them is compared.

Everything that the numbers depend on is fixed: one slot (a sampler hears of results in one order),
one thread, float32 on the CPU.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from study.claims_toml import load_claims
from study.experiment import experiment
from study.experiment_plan import ExperimentSpec
from study.explore import explore
from study.records import REPORT
from study.resources import Resources

HERE = Path(__file__).parent
CLAIMS = HERE / "claims.toml"
ONE_SLOT = Resources(concurrency=1, gpus_per_trial=0.0)
TIMES = ["seconds", "images_per_second"]
VERDICT = ["claim", "verdict", "effect", "low", "high", "n", "p", "p_holm"]


def searched(storage: Path) -> dict[str, pd.DataFrame]:
    """The epochs and trials of a search of six trials, which ASHA stops some of."""
    result = explore(
        "tiny_aug",
        storage=storage,
        resources=ONE_SLOT,
        data="uci_digits",
        train_size=600,
        trials=6,
        max_epochs=4,
        precision="fp32",
        wandb="off",
        quiet=True,
    )
    return {
        "search-epochs": result.epochs.drop(columns=TIMES),
        "search-trials": result.trials.drop(columns=TIMES),
    }


def confirmed(storage: Path) -> dict[str, pd.DataFrame]:
    """Every training of a confirmation with two claims, its chosen parameters, and its verdicts."""
    spec = ExperimentSpec(
        tuple(load_claims(CLAIMS).values()),
        data="uci_digits",
        train_size=600,
        tuning_trials=2,
        precision="fp32",
    )
    result = experiment(spec, storage, ONE_SLOT, wandb="off", quiet=True)
    last = result.epochs.drop_duplicates("trial", keep="last")
    verdicts = pd.read_json(result.run_dir / REPORT / "verdicts.json")
    return {
        "confirmation-trainings": last.drop(columns=TIMES),
        "confirmation-verdicts": verdicts[VERDICT],
    }


def stored(name: str) -> Path:
    """Where a table is kept."""
    return HERE / "tables" / f"{name}.csv"
