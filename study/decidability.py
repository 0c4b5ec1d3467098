"""What arithmetic says about claims before anything is run: the smallest p-values in reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

from study.claim_types import Claim

# `analysis.stats` enumerates sign flips up to 14 seeds (2**14 of them); beyond, it draws as many.
FLIPS = 2**14


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
    """One warning for each claim that no outcome can make significant, with the remedy."""
    corrected = corrected_minimum_p(claims)
    warnings = []
    for claim in claims:
        if corrected[claim.id] < claim.alpha:
            continue
        enough = next(
            n
            for n in [*range(claim.seeds, 65), None]
            if n is None or corrected_minimum_p(claims, n)[claim.id] < claim.alpha
        )
        remedy = f"use --seeds {enough} or more, or " if enough else ""
        warnings.append(
            f"claim {claim.id!r} cannot be decided with {claim.seeds} seeds: the smallest "
            f"corrected p-value it can reach is {corrected[claim.id]:.3g}, alpha is "
            f"{claim.alpha:g}; {remedy}decide fewer claims together"
        )
    return warnings
