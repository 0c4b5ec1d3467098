"""Claims -> trials of a controlled experiment: ids, cells and their nuisance parameters.

Pure functions. A *cell* is one training of one arm at one budget from one seed; before
the cells, a matched search tries the same candidates for every arm at every budget.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from study.arms import Arm
from study.claims import Claim, cells
from study.claims_toml import claim_to_dict
from study.domains import Choice, Domain, to_json
from study.plan import digest
from study.plugins import used, with_plugin_hashes
from study.records import DEFAULTS, FROM_RUNS, MATCHED, SCHEMA_VERSION
from study.rules import image_side, require_common, require_pretrained, require_task, require_whole
from study.spaces import Space
from trainables.config import CONFIRM, TUNE
from trainables.data import check_train_size, source
from trainables.errors import UserError
from trainables.plugins import Plugin
from trainables.seeding import stream_seed

TUNING_SEED = 1_000_003  # of the matched search: initialisation and split of none of the cells
DECIDED_BY_ARM = ("epochs", "augment_strength")  # dimensions that are not nuisance parameters


@dataclass(frozen=True)
class ExperimentSpec:
    """One experiment, as asked for: everything that its results depend on.

    tuning_trials: candidates per arm and budget in the matched search; 0 takes the
    spaces' defaults. sources: searches that explored instead, by run
    directory or URI. plugins: as of `study.plan.SearchSpec`.
    """

    claims: tuple[Claim, ...]
    data: str | None = None
    data_dir: str | None = None
    train_size: int | None = None
    image_size: int | None = None
    tuning_trials: int = 2
    sources: tuple[str, ...] = ()
    pretrained: bool = False
    precision: str = "auto"
    name: str | None = None
    plugins: tuple[Plugin, ...] = ()

    def __post_init__(self) -> None:
        if not self.claims:
            raise UserError("name at least one claim; --list shows them")
        own = sorted({arm.space.data for claim in self.claims for arm in claim.arms})
        if self.data is None and len(own) > 1:
            raise UserError(
                f"the claims are about different data sets ({', '.join(own)}): choose claims of "
                "one, or name it with --data"
            )
        object.__setattr__(self, "data", self.data or own[0])
        entry = source(str(self.data))
        if self.train_size is None:
            object.__setattr__(self, "train_size", entry.experiment_size)
        require_common(self.name, self.precision, self.train_size)
        check_train_size(str(self.data), self.train_size)
        object.__setattr__(self, "image_size", image_side(str(self.data), self.image_size))
        for model in sorted({arm.model for claim in self.claims for arm in claim.arms}):
            require_task(model, str(self.data))
            if self.pretrained:
                require_pretrained(model)
        require_whole("--tuning-trials", self.tuning_trials, 0)
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.path.abspath(self.data_dir))
        plugins = used(self.plugins, spaces_of(self.claims), str(self.data))
        object.__setattr__(self, "plugins", plugins)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the manifest keeps them."""
        values = with_plugin_hashes(vars(self))
        values["claims"] = [claim_to_dict(claim) for claim in self.claims]
        values["sources"] = list(self.sources)
        return values

    @property
    def tuned_by(self) -> str:
        """Where the nuisance parameters come from, for people."""
        if self.sources:
            return FROM_RUNS
        return MATCHED if self.tuning_trials > 1 else DEFAULTS


def experiment_id(spec: ExperimentSpec) -> str:
    """`<name>-<hash>`: the same experiment has the same id, where paths are the same."""
    spaces = {
        space.name: {key: to_json(domain) for key, domain in space.dimensions.items()}
        for space in spaces_of(spec.claims)
    }
    values = {"schema": SCHEMA_VERSION, **spec.to_dict(), "spaces": spaces}
    return f"{spec.name or f'confirm-{spec.data}'}-{digest(values)}"


def spaces_of(claims: Sequence[Claim]) -> list[Space]:
    """The spaces of the claims' arms, by name."""
    return sorted({arm.space for arm, _ in conditions(claims)}, key=lambda space: space.name)


def conditions(claims: Sequence[Claim]) -> list[tuple[Arm, int]]:
    """Every (arm, budget) that the claims need, the long and costly ones first."""
    found = dict.fromkeys((cell.arm, cell.budget) for cell in cells(claims))
    return sorted(found, key=lambda condition: (-condition[1], condition[0].name))


def candidates(arm: Arm, count: int) -> list[dict[str, Any]]:
    """Nuisance parameters to try for an arm: the defaults, then a seeded Halton sequence.

    Arms of models with the same dimensions get the same candidates, so that the matched
    search is matched in what it tries, not only in how often. Halton 1960; scrambled.
    """
    nuisance = _nuisance(arm)
    tried = [{name: domain.default for name, domain in nuisance.items()}]
    if count > 1:
        from scipy.stats import qmc

        sampler = qmc.Halton(len(nuisance), rng=stream_seed(TUNING_SEED, *nuisance) % 2**32)
        for point in sampler.random(count - 1):
            shares = zip(nuisance.items(), point, strict=True)
            tried.append({name: _at(domain, float(u)) for (name, domain), u in shares})
    return tried[: max(1, count)]


def _nuisance(arm: Arm) -> dict[str, Domain]:
    held = {*DECIDED_BY_ARM, *dict(arm.fixed)}
    return {k: v for k, v in arm.space.dimensions.items() if k not in held}


def _at(domain: Domain, share: float) -> Any:
    """The value at `share` in [0, 1) of a dimension, on its own scale."""
    if isinstance(domain, Choice):
        return domain.options[int(share * len(domain.options))]
    low, high = domain.low, domain.high
    value = low * (high / low) ** share if domain.log else low + (high - low) * share
    return float(value) if isinstance(low, float) else round(value)


def tuned_conditions(spec: ExperimentSpec) -> list[tuple[Arm, int]]:
    """Every (arm, budget) that the matched search tunes; none where nothing is tuned."""
    if spec.tuned_by != MATCHED:
        return []
    return [condition for condition in conditions(spec.claims) if tunable(condition[0])]


def tunable(arm: Arm) -> bool:
    """Whether the candidates of an arm can differ: it does not fix every nuisance parameter."""
    nuisance = _nuisance(arm).values()
    return any(isinstance(domain, Choice) or domain.low < domain.high for domain in nuisance)


def tuning_trials(spec: ExperimentSpec) -> dict[int, dict[str, Any]]:
    """Trials of the matched search by number; none where nothing is tuned."""
    trials: list[dict[str, Any]] = []
    for arm, budget in tuned_conditions(spec):
        for nuisance in candidates(arm, spec.tuning_trials):
            trials.append(
                {
                    "phase": TUNE,
                    "arm": arm.name,
                    "budget": budget,
                    **_training(arm, budget, TUNING_SEED, nuisance),
                    "drawn": False,
                }
            )
    return dict(enumerate(trials))


def cell_trials(
    spec: ExperimentSpec, nuisance: dict[tuple[str, int], dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Trials of the cells by number, seed by seed, so that a part is a balanced part.

    nuisance: parameters by (arm's name, budget). Numbers go on after the matched search's.
    """
    first = len(tuned_conditions(spec)) * spec.tuning_trials
    order = {condition: rank for rank, condition in enumerate(conditions(spec.claims))}
    wanted = sorted(cells(spec.claims), key=lambda cell: (cell.seed, order[cell.arm, cell.budget]))
    return {
        number: {
            "phase": CONFIRM,
            "arm": cell.arm.name,
            "budget": cell.budget,
            **_training(cell.arm, cell.budget, cell.seed, nuisance[cell.arm.name, cell.budget]),
            "drawn": cell.seed == 0,
        }
        for number, cell in enumerate(wanted, start=first)
    }


def _training(arm: Arm, budget: int, seed: int, nuisance: dict[str, Any]) -> dict[str, Any]:
    """The options of `TrainConfig` that make a cell; seed: initialisation, split and order."""
    return {
        "seed": seed,
        "split_seed": seed,
        "epochs": budget,
        **nuisance,
        **arm.settings(),
    }
