"""Verdicts in words, for a reader outside the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import text
from analysis.conclusions import conclusion, least_of, when
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
    "val_loss": "validation loss (cross-entropy on images kept out of training)",
    "train_loss": "training loss (cross-entropy on the images trained on)",
    "test_loss": "test loss (cross-entropy on images used for nothing else)",
    "gap": "generalisation gap (how much larger the loss is on new images than on those "
    "trained on)",
    "val_miou": "validation mean IoU (overlap of prediction and truth, averaged over the classes)",
    "test_miou": "test mean IoU (overlap of prediction and truth, averaged over the classes)",
}
_PARTS = {"val": "validation", "train": "training", "test": "test"}
_SHOWN = 5


def plain(verdict: Verdict) -> str:
    """What was found and, in a line of its own, what it says about the claim."""
    if verdict.verdict == "withheld":
        wanted = len(verdict.claim.cells())
        return (
            f"The experiment on {verdict.data} is not finished: {len(verdict.missing)} of the "
            f"{wanted} trainings this claim needs are missing, so no verdict is given."
        )
    return f"On {verdict.data}, {_finding(verdict)}{_divergence(verdict)}\n{conclusion(verdict)}"


def what_would_change_it(verdict: Verdict) -> str:
    """What result or step would lead to another verdict."""
    claim = verdict.claim
    least = least_of(verdict)
    if verdict.verdict == "withheld":
        names = [f"{c.arm.name} at {c.budget} epochs, seed {c.seed}" for c in verdict.missing]
        more = len(names) - _SHOWN
        listed = "; ".join(names[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        return f"Finishing the experiment with the same command. Missing: {listed}."
    if verdict.verdict == "inconclusive":
        if verdict.seeds_needed is None and verdict.diverged:
            return (
                f"Trainings that do not diverge: that an effect is smaller than {least} is never "
                "concluded from others, and more seeds need not bring a larger one."
            )
        if verdict.seeds_needed is None:
            return (
                f"More than {MOST_SEEDS} seeds, if the mean and the spread stayed as they are: the "
                f"effect lies too close to what is to be told apart (0 and {least})."
            )
        return (
            f"About {verdict.seeds_needed} seeds in each arm instead of {verdict.n}, if the "
            f"mean and the spread stay as they are. These {verdict.n} would be among them: a "
            "second try, which chance gets too."
        )
    elsewhere = "other budgets, data or tuning may come out otherwise"
    if verdict.verdict == "supported":
        return (
            f"A mean effect below {least}{when(verdict)} over further seeds, or a corrected "
            f"p-value (now {text.p(verdict.p_holm)}) of {claim.alpha:g} or more; {elsewhere}."
        )
    reached = f"an effect of {least} or more in the direction claimed{when(verdict)}"
    if verdict.route == "early lead":
        reached = f"a lead of less than {least} after {verdict.budgets[0].budget} epochs"
    return (
        f"Further seeds that bring {reached} back into reach (corrected p-value against the claim "
        f"now {text.p(verdict.p_against_holm)}, refuted below {claim.alpha:g}); {elsewhere}."
    )


def _in_runs(verdict: Verdict, step: AtBudget, rising: str, falling: str) -> str:
    """ ", and lower in 7 of 8 paired runs": in the direction of the mean, ties counting half."""
    claimed = verdict.claim.direction == "higher"
    up = step.effect > 0 if step.effect else claimed
    share = step.improvement if up == claimed else 1 - step.improvement
    agreeing = round(share * verdict.n, 1)
    about = "" if agreeing == int(agreeing) else " (a tie counting half)"
    return f", and {rising if up else falling} in {agreeing:g} of {verdict.n} paired runs{about}"


def _finding(verdict: Verdict) -> str:
    claim = verdict.claim
    metric = _meaning(claim)
    deciding = verdict.budgets[-1]
    if claim.decided_by == "ordered_trend":
        strengths = ", ".join(f"{arm.strength:g}" for arm in claim.arms)
        way = "rose" if deciding.effect > 0 else "fell"
        return (
            f"after {deciding.budget} epochs, the {metric} of {claim.arms[0].model} {way} by "
            f"{sized(abs(deciding.effect), verdict.unit)} over the strengths {strengths}"
            f"{_interval('change', deciding, verdict.unit)}"
            f"{_in_runs(verdict, deciding, 'rose', 'fell')}."
        )
    first, second = (arm.label for arm in claim.arms)
    steps = verdict.budgets if claim.decided_by == "crossover" else (deciding,)
    found = "; ".join(
        f"after {step.budget} epochs, {_compared(step, verdict.unit)}"
        f"{_interval('difference', step, verdict.unit)}"
        f"{_in_runs(verdict, step, 'higher', 'lower')}"
        for step in steps
    )
    where = f" The two cross {verdict.crossing}." if verdict.crossing else ""
    return f"comparing the {metric} of {first} with that of {second}: {found}.{where}"


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
