"""The registered claims.

The claims are those of the reference report, made testable: fixed sentences, arms, budgets,
smallest effects of interest and rules, written down before the runs. A user's own come from
a TOML file (`study.claims_toml`). Importing this module is cheap: no SciPy, no pandas.

With 8 seeds, the claims about classification train 40 + 48 cells together. In epochs over
the training images: ResNet18 (3 arms x 14 + 2 x 4) x 8 = 400, CNN (4 x 20 + 2 x 4) x 8 = 704.
The claims about segmentation are on other data and are run on their own: 24 cells of six
seeds, (3 + 9) x 2 x 6 = 144 epochs of FCN-ResNet50, whose steps are so much longer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from study.arms import Arm, arm
from study.claim_types import Cell, Claim
from study.claims_toml import load_claims
from trainables.errors import UserError, unknown_name

__all__ = [
    "CLAIMS",
    "Arm",
    "Cell",
    "Claim",
    "arm",
    "by_task",
    "cells",
    "load_claims",
    "overridden",
    "select",
]

# Matched across models at the short budget, where ResNet18 and the CNN meet; the CNN is
# three times as fast and its long budget is longer.
_SHORT = 4
_LONG = {"resnet18": 14, "cnn": 20}
_SCENES, _SCENES_SEEDS = (3, 9), 6
# 0 and 0.5 are the plain and the augmented arm's own cells.
_GRID = {"resnet18": (0.0, 0.5, 1.0), "cnn": (0.0, 0.25, 0.5, 1.0)}
_TITLE = {
    "resnet18": "ResNet18",
    "cnn": "the CNN",
    "fcn_resnet50": "the ResNet50 segmentation network",
}

# Two points of accuracy or mean IoU; a twentieth of a nat (5% in the likelihood of the right
# class).
_SHARE, _NATS, _NATS_PER_STRENGTH = 0.02, 0.05, 0.10


def _beats(
    id: str,
    sentence: str,
    better: str,
    worse: str,
    metric: str = "test_accuracy",
    budgets: tuple[int, ...] = (_SHORT,),
) -> Claim:
    """A claim of the report's rankings: on the test set, at the short budget."""
    arms = (arm(better), arm(worse))
    return Claim(
        id, sentence, "paired_difference", arms, metric, "higher", budgets, _SHARE, at="short"
    )


def _gap_smaller(id: str, title: str, pair: tuple[Arm, Arm], budgets: tuple[int, int]) -> Claim:
    return Claim(
        id,
        f"Trained long, {title} overfits less with augmentation: the gap between its "
        "validation loss and its clean training loss is smaller.",
        "paired_difference",
        pair,
        "gap",
        "lower",
        budgets,
        _NATS,
    )


def _crossover(id: str, title: str, pair: tuple[Arm, Arm], budgets: tuple[int, int]) -> Claim:
    return Claim(
        id,
        f"Trained briefly, {title} has no lower validation loss with augmentation than "
        "without; trained long, it has a lower one.",
        "crossover",
        pair,
        "val_loss",
        "lower",
        budgets,
        _NATS,
    )


def _augmentation(model: str, prefix: str) -> tuple[Claim, ...]:
    """The report's claims on what augmentation does to a classifier in the long run."""
    title, pair = _TITLE[model], (arm(f"{model}_aug"), arm(model))
    budgets = (_SHORT, _LONG[model])
    return (
        _gap_smaller(f"{prefix}aug_gap_smaller", title, pair, budgets),
        _crossover(f"{prefix}aug_crossover", title, pair, budgets),
        Claim(
            f"{prefix}strength_dose_response",
            f"Trained long, the gap between validation loss and clean training loss of {title} "
            "falls as the augmentation gets stronger.",
            "ordered_trend",
            tuple(arm(f"{model}_aug", augment_strength=s) for s in _GRID[model]),
            "gap",
            "lower",
            budgets,
            _NATS_PER_STRENGTH,
        ),
    )


def _segmentation(model: str) -> tuple[Claim, ...]:
    """The report's claims on the second experiment: FCN-ResNet50, plain and augmented."""
    pair = arm(f"{model}_aug"), arm(model)
    claims = (
        _beats(
            "resnet50_beats_aug_short",
            "Trained briefly, the ResNet50 segmentation network has a higher mean IoU on test "
            "images without augmentation than with it.",
            model,
            f"{model}_aug",
            "test_miou",
            _SCENES,
        ),
        _gap_smaller("seg_aug_gap_smaller", _TITLE[model], pair, _SCENES),
        _crossover("seg_aug_crossover", _TITLE[model], pair, _SCENES),
    )
    return tuple(dataclasses.replace(claim, seeds=_SCENES_SEEDS) for claim in claims)


CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        _beats(
            "resnet18_beats_cnn",
            "Trained briefly, ResNet18 reads more test images correctly than the CNN.",
            "resnet18",
            "cnn",
        ),
        _beats(
            "aug_resnet18_beats_cnn",
            "Trained briefly, even the augmented ResNet18 reads "
            "more test images correctly than the CNN.",
            "resnet18_aug",
            "cnn",
        ),
        _beats(
            "resnet18_beats_aug_short",
            "Trained briefly, ResNet18 reads more test images "
            "correctly without augmentation than with it.",
            "resnet18",
            "resnet18_aug",
        ),
        *_augmentation("resnet18", ""),
        _beats(
            "cnn_beats_aug_short",
            "Trained briefly, the CNN reads more test images "
            "correctly without augmentation than with it.",
            "cnn",
            "cnn_aug",
        ),
        *_augmentation("cnn", "cnn_"),
        *_segmentation("fcn_resnet50"),
    )
}


def by_task(task: str) -> tuple[Claim, ...]:
    """The registered claims about "classification" or "segmentation"."""
    return tuple(claim for claim in CLAIMS.values() if claim.task == task)


def select(
    ids: Iterable[str],
    claims: dict[str, Claim] = CLAIMS,
    *,
    also: Iterable[str] = (),
    more: str = "",
) -> tuple[Claim, ...]:
    """The claims of these ids, in this order; UserError naming every unknown one.

    also: other names, and more: what else, the error offers instead of an unknown one.
    """
    ids, known = list(dict.fromkeys(ids)), [*claims, *also]
    problems = [str(unknown_name("claim", id, known, more)) for id in ids if id not in claims]
    if problems:
        raise UserError("\n".join(problems))
    return tuple(claims[id] for id in ids)


def overridden(
    claims: Iterable[Claim], budgets: Sequence[int] | None = None, seeds: int | None = None
) -> tuple[Claim, ...]:
    """The claims at other budgets (epochs, short to long) and with another number of seeds.

    A claim decided at the short budget takes the first, one decided at the long budget the
    last; a crossover takes all, and those between serve the estimate of where it happens.
    """
    return tuple(
        dataclasses.replace(
            claim,
            budgets=claim.budgets if budgets is None else tuple(budgets),
            seeds=claim.seeds if seeds is None else seeds,
        )
        for claim in claims
    )


def cells(claims: Iterable[Claim]) -> tuple[Cell, ...]:
    """Every training that the claims need, each once however many claims share it."""
    return tuple(dict.fromkeys(cell for claim in claims for cell in claim.cells()))
