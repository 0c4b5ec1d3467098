"""Epochs that a search needs to reach what random search finds: searches replayed on a table.

    uv run python -m benchmarks.replay [--replays 50] [--json PATH]        some minutes

`benchmarks.record` trained a grid of configurations once. Here five searches are replayed on it
with many seeds: what a search suggests is moved to the nearest point of the grid, and the
recorded validation loss of its epochs is reported, two trials at a time, an epoch each in turn.

- random: configurations at random, every one trained to its end.
- plain Optuna: TPE and the median pruner, Optuna's own defaults, without Ray.
- TPE to the end: the same without a pruner.
- OptunaSearch as shipped: Ray's with ASHA, both with their defaults; what ASHA stops is told
  COMPLETE with the value it was stopped at.
- ours: `study.search.StudySearch` and `study.asha`, as `study.run` makes them.

The target is the median, over replays, of the best final validation loss of 64 random trials. A
search has reached it when a trial that ran to its end did. Searches that have not when they have
cost LIMIT times what 64 random trials cost are cut; their epochs count in the expected running
time, the sum of all epochs over the number of successes (Hansen et al. 2021, "COCO"). Intervals
are bootstrapped over replays.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import click
import numpy as np
import optuna
import pandas as pd
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from benchmarks.options import command, json_option
from benchmarks.output import show
from benchmarks.record import GRID, SPACE, TABLE
from study.asha import asha
from study.domains import Float, Int
from study.journal import Journal
from study.metrics import METRICS
from study.plan import SearchSpec
from study.search import StudySearch

METRIC = METRICS["val_loss"]
RANDOM_TRIALS = 64
MOST_TRIALS = 1_000  # no search comes that far
LIMIT = 3
AT_ONCE = 2
Params = dict[str, Any]
DIMENSIONS = {name: SPACE.dimensions[name] for name in GRID}


class Search(Protocol):
    """What the replay asks a search for, and tells it."""

    def ask(self) -> tuple[Any, Params]:
        """A handle of the next trial, and its configuration."""

    def report(self, trial: Any, record: dict[str, Any]) -> bool:
        """Tell of an epoch; whether the trial goes on (it ends by itself after its last)."""


def _define(trial: optuna.Trial) -> Params:
    """The space in Optuna's define-by-run way, for the two that know nothing of ours."""
    params: Params = {}
    for name, domain in DIMENSIONS.items():
        assert isinstance(domain, Float | Int)
        suggest: Callable[..., Any] = (
            trial.suggest_int if isinstance(domain, Int) else trial.suggest_float
        )
        params[name] = suggest(name, domain.low, domain.high, log=domain.log)
    return params


class PlainOptuna:
    """Optuna's ask and tell."""

    def __init__(
        self, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner
    ) -> None:
        self._study = optuna.create_study(sampler=sampler, pruner=pruner)

    def ask(self) -> tuple[optuna.Trial, Params]:
        trial = self._study.ask()
        return trial, _define(trial)

    def report(self, trial: optuna.Trial, record: dict[str, Any]) -> bool:
        trial.report(record[METRIC.name], record["epoch"])
        if record["epoch"] == record["epochs"]:
            self._study.tell(trial, record[METRIC.name])
            return False
        if trial.should_prune():
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return False
        return True


class OnTune:
    """A searcher and a scheduler, told what Tune's controller would tell them."""

    def __init__(self, searcher: Searcher, scheduler: TrialScheduler) -> None:
        self._searcher, self._scheduler, self._asked = searcher, scheduler, 0

    def ask(self) -> tuple[Trial, Params]:
        name = f"trial-{self._asked}"
        self._asked += 1
        config = self._searcher.suggest(name)
        trial = Trial("replayed", stub=True, trial_id=name, config=config)
        self._scheduler.on_trial_add(None, trial)
        return trial, config.get("params", config)

    def report(self, trial: Trial, record: dict[str, Any]) -> bool:
        record = {**record, "training_iteration": record["epoch"]}
        decision = self._scheduler.on_trial_result(None, trial, record)
        if decision == TrialScheduler.CONTINUE and record["epoch"] < record["epochs"]:
            self._searcher.on_trial_result(trial.trial_id, record)
            return True
        self._scheduler.on_trial_complete(None, trial, record)
        self._searcher.on_trial_complete(trial.trial_id, record)
        return False


def random_search(seed: int, run: Path) -> Search:
    return PlainOptuna(optuna.samplers.RandomSampler(seed), optuna.pruners.NopPruner())


def plain_optuna(seed: int, run: Path) -> Search:
    return PlainOptuna(optuna.samplers.TPESampler(seed=seed), optuna.pruners.MedianPruner())


def tpe_to_the_end(seed: int, run: Path) -> Search:
    return PlainOptuna(optuna.samplers.TPESampler(seed=seed), optuna.pruners.NopPruner())


def as_shipped(seed: int, run: Path) -> Search:
    searcher = OptunaSearch(
        space=_define, metric=METRIC.name, mode=METRIC.direction,
        sampler=optuna.samplers.TPESampler(seed=seed),
    )  # fmt: skip
    return OnTune(searcher, ASHAScheduler(metric=METRIC.name, mode=METRIC.direction))


def ours(seed: int, run: Path) -> Search:
    spec = SearchSpec(SPACE.name, trials=MOST_TRIALS, seed=seed, objective=METRIC.name)
    journal = Journal(run)
    searcher = StudySearch(spec, METRIC, journal)
    return OnTune(searcher, asha(METRIC, journal))


WAYS = {
    "random": random_search,
    "plain Optuna": plain_optuna,
    "TPE to the end": tpe_to_the_end,
    "OptunaSearch as shipped": as_shipped,
    "ours": ours,
}


@cache
def curves() -> dict[tuple[float, ...], list[float]]:
    """Validation loss by epoch of every point of the grid."""
    rows = pd.read_parquet(TABLE).sort_values("epoch")
    return {
        point: curve[METRIC.name].tolist() for point, curve in rows.groupby([*GRID], sort=False)
    }


def nearest(params: Params) -> tuple[float, ...]:
    """The point of the grid that is the nearest, in each dimension's own scale."""

    def level(name: str) -> float:
        scale = math.log if DIMENSIONS[name].log else float  # type: ignore[union-attr]
        return min(GRID[name], key=lambda value: abs(scale(value) - scale(params[name])))

    return tuple(level(name) for name in GRID)


def finals(search: Search) -> Iterator[tuple[int, float]]:
    """Endless: the epochs spent so far and the final value, whenever a trial runs to its end."""
    spent = 0
    running: list[tuple[Any, Iterator[tuple[int, float]], Params]] = []
    while True:
        while len(running) < AT_ONCE:
            trial, params = search.ask()
            running.append((trial, iter(list(enumerate(curves()[nearest(params)], 1))), params))
        for slot in list(running):
            trial, curve, params = slot
            epochs = len(curves()[nearest(params)])
            epoch, value = next(curve)
            spent += 1
            record = {
                "epoch": epoch, "epochs": epochs, "progress": round(100 * epoch / epochs),
                METRIC.name: value, "diverged": not math.isfinite(value),
            }  # fmt: skip
            if not search.report(trial, record):
                running.remove(slot)
                if epoch == epochs:
                    yield spent, value


@dataclass(frozen=True)
class Outcome:
    """epochs: spent until the target was reached, or until the search was cut."""

    way: str
    seed: int
    epochs: int
    reached: bool


def best_of_random(seed: int) -> tuple[float, int]:
    """Best final value of RANDOM_TRIALS random trials, and the epochs that they took."""
    with tempfile.TemporaryDirectory() as folder:
        ends = finals(random_search(seed, Path(folder)))
        taken = [next(ends) for _ in range(RANDOM_TRIALS)]
    return min(value for _, value in taken), taken[-1][0]


def reach(job: tuple[str, int], target: float, limit: int) -> Outcome:
    """Replay one search until a final value is at most `target`."""
    way, seed = job
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        for spent, value in finals(WAYS[way](seed, Path(folder))):
            if spent > limit:
                return Outcome(way, seed, limit, False)
            if value <= target:
                return Outcome(way, seed, spent, True)
    raise AssertionError("a search never ends by itself")


def expected(outcomes: pd.DataFrame) -> float:
    """Expected running time in epochs: all that was spent, by the times that it was enough."""
    return float(outcomes.epochs.sum() / max(1, outcomes.reached.sum()))


def summary(outcomes: pd.DataFrame, replays: int) -> Iterator[dict[str, Any]]:
    """A row a way: its expected running time, and ours divided by it, with an interval of 95%."""
    by_way = {way: part.reset_index() for way, part in outcomes.groupby("way")}
    draws = np.random.default_rng(0).integers(replays, size=(2_000, replays))
    for way in WAYS:
        ratios = [expected(by_way["ours"].iloc[d]) / expected(by_way[way].iloc[d]) for d in draws]
        low, high = np.quantile(ratios, [0.025, 0.975])
        yield {
            "search": way,
            "reached": f"{by_way[way].reached.sum()} of {replays}",
            "median epochs": round(by_way[way].epochs.median()),
            "expected epochs": round(expected(by_way[way])),
            "ours / it": expected(by_way["ours"]) / expected(by_way[way]),
            "95% interval": f"{low:.2f} to {high:.2f}",
        }


@command
@click.option(
    "--replays", type=click.IntRange(2), default=50, help="Of each search, from other seeds."
)
@click.option("--processes", type=click.IntRange(1), default=2, help="That replay side by side.")
@json_option
def main(replays: int, processes: int, path: Path | None) -> None:
    """Replay every search with as many seeds and print a table."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bests, costs = zip(*map(best_of_random, range(replays)), strict=True)
    target, cost = float(np.median(bests)), float(np.median(costs))
    print(f"target: validation loss {target:.4f}; {RANDOM_TRIALS} random trials: {cost:.0f} epochs")
    jobs = [(way, replays + seed) for way in WAYS for seed in range(replays)]
    with ProcessPoolExecutor(processes) as pool:
        outcomes = list(
            pool.map(partial(reach, target=target, limit=round(LIMIT * cost)), jobs, chunksize=5)
        )
    show([*summary(pd.DataFrame(outcomes), replays)], path)


if __name__ == "__main__":
    main()
