"""What a verdict says of its claim, in a sentence or two that fit what was found.

A claim can be refuted though every run goes the way it says: by a lead that is there too early,
or by an effect shown to be too small. These sentences say which part failed, and by which p.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis import text
from study.words import sized

if TYPE_CHECKING:
    from analysis.verdicts import Verdict


def conclusion(verdict: Verdict) -> str:
    """The sentence on a verdict that is not withheld."""
    if verdict.verdict == "supported":
        return "This supports the claim: chance is an unlikely explanation."
    if verdict.verdict == "inconclusive":
        return f"This leaves the claim open: {_why_open(verdict)}."
    return _of_a_crossover(verdict) if _crosses(verdict) else _of_an_effect(verdict)


def least_of(verdict: Verdict) -> str:
    """The smallest effect of interest with its unit."""
    return sized(verdict.claim.smallest_effect, verdict.unit)


def when(verdict: Verdict) -> str:
    """ " after 14 epochs" for a crossover, which has more than one budget; else nothing."""
    return f" after {verdict.budgets[-1].budget} epochs" if _crosses(verdict) else ""


def _crosses(verdict: Verdict) -> bool:
    return verdict.claim.decided_by == "crossover"


def _against(verdict: Verdict) -> str:
    shown = text.p(verdict.p_against_holm)
    return f"p against it {shown} after Holm's correction, below {verdict.claim.alpha:g}"


def _as_claimed(verdict: Verdict, place: int = -1) -> bool:
    return verdict.claim.sign * verdict.budgets[place].effect > 0


def _of_an_effect(verdict: Verdict) -> str:
    refutes, least = f"This refutes the claim ({_against(verdict)})", least_of(verdict)
    if verdict.route == "opposite":
        return f"{refutes}: the opposite holds."
    if _as_claimed(verdict):
        return (
            f"{refutes}, although the mean has the direction claimed: the effect is shown to "
            f"be smaller than the {least} declared to matter."
        )
    return (
        f"{refutes}: whatever effect there is, it is shown to be smaller than the {least} "
        "declared to matter."
    )


def _of_a_crossover(verdict: Verdict) -> str:
    claim, least = verdict.claim, least_of(verdict)
    first, last = verdict.budgets[0], verdict.budgets[-1]
    halves = (
        f"The claim has two halves: after {first.budget} epochs {claim.arms[0].label} does not "
        f"lead yet (is not {claim.direction} by {least} or more), and after {last.budget} epochs "
        "it does."
    )
    failed = "first" if verdict.route == "early lead" else "second"
    fails = f"{halves} The {failed} half fails, and with it the claim ({_against(verdict)}):"
    if verdict.route == "early lead":
        return f"{fails} {_early_lead(verdict)}"
    if verdict.route == "opposite":
        other = "lower" if claim.direction == "higher" else "higher"
        return f"{fails} after {last.budget} epochs it is {other} instead."
    if _as_claimed(verdict):
        return (
            f"{fails} after {last.budget} epochs the mean has the direction claimed, but the lead "
            f"is shown to be smaller than the {least} declared to matter."
        )
    return (
        f"{fails} whatever lead there is after {last.budget} epochs, it is shown to be smaller "
        f"than the {least} declared to matter."
    )


def _early_lead(verdict: Verdict) -> str:
    first, last = verdict.budgets[0], verdict.budgets[-1]
    size = (
        f", by {sized(abs(first.effect), verdict.unit)} on average"
        if _as_claimed(verdict, 0)
        else ""
    )
    early = f"it leads already after {first.budget} epochs{size}."
    if not _as_claimed(verdict) or last.p is None or last.p >= verdict.claim.alpha:
        return early
    return (
        f"{early} That it leads after {last.budget} epochs as well does not save the claim, by "
        "which the lead comes with the longer training only."
    )


def _why_open(verdict: Verdict) -> str:
    if verdict.p_holm is None or verdict.p_holm >= verdict.claim.alpha:
        return _why_not_significant(verdict)
    after = f"{when(verdict).strip()}, " if _crosses(verdict) else ""
    return after + _why_size_is_open(verdict)


def _why_not_significant(verdict: Verdict) -> str:
    claim, n = verdict.claim, verdict.n
    if verdict.p is not None and verdict.p < claim.alpha:
        return (
            f"taken alone, {n} seeds would tell it from chance (p {text.p(verdict.p)}), but not "
            "after Holm's correction for all claims decided together "
            f"(p {text.p(verdict.p_holm)})"
        )
    if not _crosses(verdict):
        return _why_no_effect(verdict, "it")
    first, last = verdict.budgets[0], verdict.budgets[-1]
    early, late = ((step.p or 0.0) >= claim.alpha for step in (first, last))
    if not (early or late):  # drawn sign flips: those of a budget alone are others
        early = (first.p or 0.0) > (last.p or 0.0)
        late = not early
    reasons = []
    if early:
        reasons.append(
            f"{n} seeds cannot rule out a lead of {least_of(verdict)} or more already after "
            f"{first.budget} epochs"
        )
    if late:
        reasons.append(_why_no_effect(verdict, "a lead"))
    return "; and ".join(reasons)


def _why_no_effect(verdict: Verdict, effect: str) -> str:
    bounds = (verdict.budgets[-1].low, verdict.budgets[-1].high)
    # Oriented: positive in the direction claimed. Bounds that are missing are not below 0.
    if max(verdict.claim.sign * bound for bound in bounds) < 0:
        return (
            f"the seeds favour the opposite{when(verdict)}, but not so that the claim is refuted "
            f"(p against it {text.p(verdict.p_against_holm)} after Holm's correction)"
        )
    return f"{verdict.n} seeds cannot tell {effect}{when(verdict)} from chance"


def _why_size_is_open(verdict: Verdict) -> str:
    claim, deciding = verdict.claim, verdict.budgets[-1]
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
