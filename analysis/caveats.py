"""What a reader must know before believing a search, made from its manifest and tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis import text
from analysis.load import Run
from analysis.tables import with_an_epoch
from study.arms import STRENGTH
from study.domains import Choice, Domain, describe
from study.records import CONFIG
from study.spaces import SPACES
from study.words import counted

EDGE = 0.05  # share of the searched range that counts as its edge

# Memory is what was free, and an autoscaler starts as many nodes as there are trials left.
NOT_COMPARED = ("dirty", "memory_gib", "cpus", "gpus")


def caveats(run: Run, best: pd.Series | None) -> list[str]:
    """One sentence or two each, most consequential first."""
    adaptive = (
        "A search's trials are adaptive and not independent, so nothing statistical is "
        "concluded here. Compare systems with `python -m study.confirm`: matched budgets, "
        "paired seeds, tests and intervals."
    )
    optimistic = (
        f"The best trial was chosen by its {run.objective.label}, so that value is optimistic. "
        "The test set was not touched."
    )
    scope = (
        f"Everything here is about {run.data}{with_sizes(run)}, and says nothing about another "
        "data set or size."
    )
    chosen = [optimistic, *edge_warnings(run, best)] if best is not None else []
    lines = [adaptive, *chosen, *_fixed(run), _seeds(run), *_pruned(run), scope]
    lines += resolution(run)
    lines += [str(notice) for notice in run.manifest.data.get("notices", [])]
    return lines + code_caveats(run)


def with_sizes(run: Run) -> str:
    """ " with 500 training and 250 validation images", to follow the data set; or nothing."""
    data = run.manifest.data
    if "train_size" not in data or "val_size" not in data:
        return ""
    return f" with {data['train_size']:,} training and {data['val_size']:,} validation images"


def the_same(run: Run, further: dict[str, Any]) -> str:
    """What no training of the run varies, by the manifest and `further`; "" where nothing is."""
    stated = run.manifest.spec.get("fixed") or {}
    values = (stated if isinstance(stated, dict) else {}) | further
    named = [f"{text.dimension(name)} {text.number(value)}" for name, value in values.items()]
    return ", ".join(named)


def resolution(run: Run) -> list[str]:
    """At which size pixels are counted; nothing where images are."""
    size = run.manifest.data.get("image_size")
    if not run.task.counts_pixels or not size:
        return []
    height, width = size
    measured = f"Training and validation figures count pixels of images scaled to {height}x{width}"
    if run.manifest.kind == "search":
        return [f"{measured}, borders and padding left out: small objects lose most by that."]
    tested = (
        f"{measured}; test figures count those of the labels' own size, to which predictions are "
        "scaled up. Pixels marked void are left out of both. Average precision tells "
        "probabilities apart to 0.001: a class given less than that everywhere scores as a guess."
    )
    return [tested]


def code_caveats(run: Run) -> list[str]:
    """What the commit on record does not say: uncommitted changes, sessions that differed."""
    lines = []
    sessions = run.manifest.sessions
    if run.manifest.git.get("dirty") or any(s["git"].get("dirty") for s in sessions):
        changed = "The code had uncommitted changes: the commit alone does not repeat this run."
        lines.append(changed)
    for key, word in (
        ("git", "commits"),
        ("packages", "package versions"),
        ("hardware", "machines"),
    ):
        kinds = []
        for session in sessions:
            if session["hardware"].get("cpus") == 0:  # an autoscaler's head: nothing was trained
                continue
            kind = {k: v for k, v in session[key].items() if k not in NOT_COMPARED}
            kinds += [kind] if kind not in kinds else []
        if len(kinds) > 1:
            lines.append(
                f"The run was continued in {len(sessions)} sessions with different {word} "
                "(manifest.json names them): its parts may differ by more than what is compared."
            )
    return lines


def edge_warnings(run: Run, best: pd.Series) -> list[str]:
    """Dimensions whose best value lies within EDGE of the searched range's end."""
    warnings = []
    for name, domain in run.dimensions.items():
        side = edge(domain, best.get(CONFIG + name))
        if side:
            value = text.number(best[CONFIG + name])
            warnings.append(
                f"The best {text.dimension(name)} ({value}) lies at the {side} end of its range "
                f"{describe(domain)}{_beyond(run, name, domain, side)}"
            )
    return warnings


def _beyond(run: Run, name: str, domain: Domain, side: str) -> str:
    """What to do about a best value at that end of its range, to follow the sentence's start."""
    if name == STRENGTH and not isinstance(domain, Choice):
        if side == "lower" and domain.low == 0:
            return f", and 0 is no augmentation: compare it with {_plain_space(run)}."
        if side == "upper" and domain.high == 1:
            return ", and 1 is the strongest augmentation there is."
    return ": a better value may lie outside. Widen the range, where it can be, and search again."


def _plain_space(run: Run) -> str:
    """The registered space of the run's model without augmentation; a plugin's is not known."""
    model = run.manifest.space.get("model")
    for name, space in SPACES.items():
        if space.model == model and STRENGTH not in space.dimensions:
            return f"the plain space, `{name}`"
    return "the same space without augmentation"


def edge(domain: Domain, value: object) -> str:
    """ "lower" or "upper" where the value lies within EDGE of that end of its range, else ""."""
    if isinstance(domain, Choice) or domain.low >= domain.high:
        return ""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return ""
    low, high = float(domain.low), float(domain.high)
    if domain.log:
        if value <= 0:
            return "lower"
        low, high, value = math.log(low), math.log(high), math.log(value)
    place = (value - low) / (high - low)
    return "lower" if place <= EDGE else "upper" if place >= 1 - EDGE else ""


def unfinished(run: Run) -> list[str]:
    """That a run has not come to its end, and the command that continues it; else nothing."""
    if run.finished:
        return []
    ended = int(run.trials["state"].ne("running").sum())
    under_way = len(with_an_epoch(run.trials)) - ended
    without = len(run.trials) - ended - under_way
    asked = run.manifest.spec.get("trials")
    of = f"{ended} of {asked}" if asked else str(ended)
    counts = [f"{of} trials ended"]
    if under_way:
        counts.append(counted(under_way, "is unfinished", "are unfinished"))
    if without:
        them = counted(without, "has no epoch yet", "have no epoch yet")
        counts.append(f"{them}, begun or not")
    what = "was interrupted" if run.manifest.status == "interrupted" else "has not come to its end"
    found = f"This run {what}: {'; '.join(counts)}."
    return [f"{found} The command that continues it: `{run.manifest.command}`"]


def _fixed(run: Run) -> list[str]:
    points = {n: d.default for n, d in run.dimensions.items() if n not in run.searched}
    same = the_same(run, points)
    return [f"Not searched, the same in every trial: {same}."] if same else []


def _seeds(run: Run) -> str:
    seeds = [str(seed) for seed in run.manifest.seeds]
    word = "Seed" if len(seeds) == 1 else "Seeds"
    return (
        f"{word} {text.listed(seeds) or 'unknown'}. Every configuration was trained once: how "
        "much of a difference is luck of initialisation and order cannot be told from this run."
    )


def _pruned(run: Run) -> list[str]:
    pruned = int(run.trials["state"].eq("pruned").sum())
    if not pruned:
        return []
    stopped = f"{counted(pruned, 'trial was', 'trials were')} stopped early"
    slow = "slow starters" + (", strongly augmented ones above all," if run.augmented else "")
    return [f"{stopped} on the strength of a few epochs; {slow} can be lost that way."]
