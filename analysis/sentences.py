"""Verdicts in words, for a reader outside the field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis import text
from analysis.task import TASKS
from study.claim_checks import MOST_SEEDS
from study.metrics import METRICS
from study.words import in_units, sized

if TYPE_CHECKING:
    from analysis.effects import AtBudget
    from analysis.verdicts import Verdict
    from study.claims import Claim

# What a metric means, where its name alone says nothing to a reader outside the field.
_MEANING = {
    "val_loss": "validation loss (error on images kept out of training)",
    "train_loss": "training loss (error on the images trained on)",
    "test_loss": "test loss (error on images used for nothing else)",
    "gap": "generalisation gap (how much larger the error is on new images than on those "
    "trained on)",
    "val_miou": "validation mean IoU (overlap of prediction and truth, averaged over the classes)",
    "test_miou": "test mean IoU (overlap of prediction and truth, averaged over the classes)",
}
_PARTS = {"val": "validation", "train": "training", "test": "test"}
_SHOWN = 5


def plain(verdict: Verdict) -> str:
    """What was found and what it says about the claim."""
    if verdict.verdict == "withheld":
        wanted = len(verdict.claim.cells())
        return (
            f"The experiment on {verdict.data} is not finished: {len(verdict.missing)} of the "
            f"{wanted} trainings this claim needs are missing, so no verdict is given."
        )
    return f"On {verdict.data}, {_finding(verdict)}{_divergence(verdict)} {_conclusion(verdict)}"


def what_would_change_it(verdict: Verdict) -> str:
    """What result or step would lead to another verdict."""
    claim = verdict.claim
    least = sized(claim.smallest_effect, verdict.unit)
    if verdict.verdict == "withheld":
        names = [f"{c.arm.name} at {c.budget} epochs, seed {c.seed}" for c in verdict.missing]
        more = len(names) - _SHOWN
        listed = "; ".join(names[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        return f"Finishing the experiment with the same command. Missing: {listed}."
    if verdict.verdict == "inconclusive":
        if verdict.seeds_needed is None:
            return (
                f"More than {MOST_SEEDS} seeds, if the mean and the spread stayed as they are: the "
                f"effect lies too close to what is to be told apart (0 and {least})."
            )
        return (
            f"About {verdict.seeds_needed} seeds in each arm instead of {verdict.n}, if the "
            "mean and the spread stay as they are."
        )
    elsewhere = "other budgets, data or tuning may come out otherwise"
    if verdict.verdict == "supported":
        return (
            f"A mean effect below {least} over further seeds, or a corrected p-value (now "
            f"{text.p(verdict.p_holm)}) of {claim.alpha:g} or more; {elsewhere}."
        )
    return (
        f"Further seeds that bring an effect of {least} or more in the direction claimed back "
        f"into reach (corrected p-value against it now {text.p(verdict.p_against_holm)}, refuted "
        f"below {claim.alpha:g}); {elsewhere}."
    )


def _in_runs(agreeing: float, n: int) -> str:
    """How many seeds have the direction claimed; ties count half in `agreeing`."""
    agreeing = round(agreeing, 1)
    about = "" if agreeing == int(agreeing) else " (a tie counting half)"
    return f"in {agreeing:g} of {n} paired runs the direction was the one claimed{about}"


def _finding(verdict: Verdict) -> str:
    claim = verdict.claim
    metric = _meaning(claim)
    deciding = verdict.budgets[-1]
    in_runs = _in_runs((verdict.p_improvement or 0.0) * verdict.n, verdict.n)
    if claim.decided_by == "ordered_trend":
        strengths = ", ".join(f"{arm.strength:g}" for arm in claim.arms)
        way = "rose" if deciding.effect > 0 else "fell"
        return (
            f"after {deciding.budget} epochs, the {metric} of {claim.arms[0].model} {way} by "
            f"{sized(abs(deciding.effect), verdict.unit)} over the strengths {strengths}"
            f"{_interval('change', deciding, verdict.unit)}; {in_runs}."
        )
    first, second = (arm.label for arm in claim.arms)
    steps = verdict.budgets if claim.decided_by == "crossover" else (deciding,)
    found = "; ".join(
        f"after {step.budget} epochs, {_compared(step, verdict.unit)}"
        f"{_interval('difference', step, verdict.unit)}"
        for step in steps
    )
    where = f" The two cross {verdict.crossing}." if verdict.crossing else ""
    return f"comparing the {metric} of {first} with that of {second}: {found}; {in_runs}.{where}"


def _meaning(claim: Claim) -> str:
    part, _, kind = claim.metric.partition("_")
    if kind != "accuracy":
        return _MEANING.get(claim.metric, METRICS[claim.metric].label)
    if TASKS[claim.task].counts_pixels:
        return f"share of the {_PARTS[part]} images' pixels predicted correctly"
    return f"share of {_PARTS[part]} images classified correctly"


def _compared(step: AtBudget, unit: str) -> str:
    way = "higher" if step.effect > 0 else "lower"
    size = sized(abs(step.effect), unit)
    return f"{size} {way} on average" if step.effect else "no difference on average"


def _interval(of: str, step: AtBudget, unit: str) -> str:
    if step.low != step.low:
        return ""
    low, high = (in_units(bound, unit)[0] for bound in (step.low, step.high))
    return f" (95% interval of the {of}: {text.interval(low, high)})"


def _divergence(verdict: Verdict) -> str:
    if not verdict.diverged:
        return ""
    of = verdict.n * len(verdict.budgets)
    failed = " and ".join(f"{count} of {of} of {name}" for name, count in verdict.diverged)
    return (
        f" Trainings that failed by diverging: {failed}; each counts as the worst outcome, and "
        "the size of the effect rests on that convention."
    )


def _conclusion(verdict: Verdict) -> str:
    least = sized(verdict.claim.smallest_effect, verdict.unit)
    if verdict.verdict == "supported":
        return "This supports the claim: chance is an unlikely explanation."
    if verdict.verdict == "inconclusive":
        return f"This leaves the claim open: {_why_open(verdict)}."
    return {
        "opposite": "This refutes the claim: the opposite holds.",
        "too small": f"This refutes the claim: whatever effect there is, it is smaller than the "
        f"{least} declared to matter.",
        "early lead": f"This refutes the claim: the lead is there, and at least {least}, already "
        f"at {verdict.budgets[0].budget} epochs.",
    }[verdict.route]


def _why_open(verdict: Verdict) -> str:
    claim, deciding = verdict.claim, verdict.budgets[-1]
    if verdict.p_holm is None or verdict.p_holm >= claim.alpha:
        return f"{verdict.n} seeds cannot tell it from chance"
    agreed, least = "the seeds favour the direction claimed", claim.smallest_effect
    if math.isnan(deciding.low):
        return f"{agreed}, but are too few for an interval that would tell its size"
    # Oriented: positive in the direction claimed.
    low, high = sorted(claim.sign * bound for bound in (deciding.low, deciding.high))
    if low > 0 and high < least:
        return "the effect is real, but too small to be the one claimed and too large to dismiss"
    if low > 0:
        return (
            "the effect is real, but its size is open: the interval reaches from less than the "
            "smallest effect that matters to more"
        )
    if high < least:
        return (
            f"{agreed}, but the interval holds 0 and ends short of the smallest effect that matters"
        )
    return (
        f"{agreed}, but its size is open: the interval holds both 0 and the smallest effect that "
        "matters"
    )
