"""What arithmetic says about claims before anything is run: the smallest p-values in reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

from study.claim_types import Claim
from study.words import epochs_of

# `analysis.stats` enumerates sign flips up to 14 seeds (2**14 of them); beyond, it draws as many.
FLIPS = 2**14
MOST_PROPOSED = 64  # seeds that a warning proposes; more are no remedy


def minimum_p(claim: Claim, seeds: int | None = None) -> float:
    """The smallest one-sided p-value that this many paired seeds can reach.

    Sign flips of n differences have 2**n outcomes, of which FLIPS are drawn where there are
    more; ranks of k arms in n seeds have k!**n.
    """
    n = claim.seeds if seeds is None else seeds
    if claim.decided_by == "ordered_trend":
        return math.exp(-n * math.lgamma(len(claim.arms) + 1))
    return max(2.0**-n, 1.0 / (FLIPS + 1))


def corrected_minimum_p(claims: Sequence[Claim], seeds: int | None = None) -> dict[str, float]:
    """The smallest p-value each claim can reach after Holm's correction over all of them."""
    smallest = sorted((minimum_p(claim, seeds), claim.id) for claim in claims)
    corrected: dict[str, float] = {}
    running = 0.0
    for rank, (p, id) in enumerate(smallest):
        running = max(running, min(1.0, (len(smallest) - rank) * p))
        corrected[id] = running
    return corrected


def decidability(claims: Sequence[Claim]) -> list[str]:
    """A warning for the claims that no outcome can make significant, with the remedy.

    One for all claims of as many seeds and the same alpha, which have one remedy.
    """
    corrected = corrected_minimum_p(claims)
    undecided = [claim for claim in claims if corrected[claim.id] >= claim.alpha]
    if not undecided:
        return []
    reached = {n: corrected_minimum_p(claims, n) for n in range(2, MOST_PROPOSED + 1)}
    groups: dict[tuple[int, float, bool], list[tuple[Claim, int | None]]] = {}
    for claim in undecided:
        counts = range(claim.seeds, MOST_PROPOSED + 1)
        enough = next((n for n in counts if reached[n][claim.id] < claim.alpha), None)
        alike = groups.setdefault((claim.seeds, claim.alpha, enough is None), [])
        alike.append((claim, enough))
    return [_warning(group, corrected) for group in groups.values()]


def untrained(claims: Sequence[Claim]) -> list[str]:
    """A line, where there are budgets of claims that none is decided at."""
    named = {budget for claim in claims for budget in claim.budgets}
    left = sorted(named - {cell.budget for claim in claims for cell in claim.cells()})
    they = "it is" if len(left) == 1 else "they are"
    return [f"{epochs_of(left)}: no claim is decided there, so {they} not trained"] if left else []


def _warning(group: Sequence[tuple[Claim, int | None]], corrected: dict[str, float]) -> str:
    claims = [claim for claim, _ in group]
    first, ids = claims[0], [claim.id for claim in claims]
    who, they = f"claim {first.id!r}", "it"
    if len(claims) > 1:
        who, they = f"{len(claims)} claims", "they"
    named = f" ({', '.join(ids)})" if len(claims) > 1 else ""
    smallest, largest = (f"{f(corrected[id] for id in ids):.3g}" for f in (min, max))
    p = smallest if smallest == largest else f"{smallest} or more"
    return (
        f"{who} cannot be decided with {first.seeds} seeds{named}: the smallest corrected p-value "
        f"{they} can reach is {p}, alpha is {first.alpha:g}; {_remedy(group)}"
    )


def _remedy(group: Sequence[tuple[Claim, int | None]]) -> str:
    """What would make all of these decidable; fewer claims only where one alone is."""
    remedies = []
    counts = [enough for _, enough in group if enough is not None]
    if counts:
        remedies.append(f"use --seeds {max(counts)} or more (in a file: seeds = {max(counts)})")
    if any(minimum_p(claim) < claim.alpha for claim, _ in group):
        remedies.append("decide fewer claims together")
    elif any(minimum_p(claim, MOST_PROPOSED) < claim.alpha for claim, _ in group) and not counts:
        remedies.append("use more seeds and decide fewer claims together")
    return ", or ".join(remedies) or "choose a larger alpha: no number of seeds reaches it"
