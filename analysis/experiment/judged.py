"""Verdicts as the report shows them: a table, a card a claim, and `verdicts.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import text
from analysis.folder import VERDICTS_JSON
from analysis.page import Card
from analysis.table import Table
from analysis.verdicts import VERDICTS, Verdict
from study.claims import Cell
from study.records import plain
from study.words import counted, in_units

TO_REACH = "estimate must reach"
_SAME = (  # fields of `Verdict` that stand in the file as they are
    "verdict",
    "effect",
    "low",
    "high",
    "unit",
    "n",
    "p",
    "p_holm",
    "p_against_holm",
    "standardised",
    "p_improvement",
    "seeds_needed",
    "data",
    "plain",
    "what_would_change_it",
)


def verdict_table(verdicts: Sequence[Verdict], data: str) -> Table:
    """One row a claim: verdict, effect with interval, n, p raw and corrected."""
    rows = []
    for verdict in verdicts:
        effect, unit = in_units(verdict.effect, verdict.unit)
        low, high = (in_units(x, verdict.unit)[0] for x in (verdict.low, verdict.high))
        least = verdict.claim.sign * in_units(verdict.claim.smallest_effect, verdict.unit)[0]
        rows.append(
            {
                "claim": verdict.claim.id,
                "verdict": verdict.verdict,
                "effect": effect,
                "95% low": low,
                "95% high": high,
                "unit": unit,
                TO_REACH: f"{'≥' if least > 0 else '≤'} {text.minus(f'{least:+g}')}",
                "n (seeds)": verdict.n,
                "p": _number(verdict.p),
                "p after Holm": _number(verdict.p_holm),
                "p against, after Holm": _number(verdict.p_against_holm),
                "effect (standard deviations)": _number(verdict.standardised),
                "share of seeds as claimed": _number(verdict.p_improvement),
                "p by Wilcoxon": _number(verdict.p_wilcoxon),
            }
        )
    full = pd.DataFrame(rows)
    shown = full.drop(columns=["95% low", "95% high", *list(full)[-3:]])
    bounds = zip(full["95% low"], full["95% high"], strict=True)
    ranges = [text.interval(low, high) for low, high in bounds]
    shown.insert(3, "95% interval", ranges)
    caption = (
        "The claims decided together. Effect: first arm minus second, mean over "
        "paired seeds, or slope along the strengths; interval: studentised bootstrap over the "
        "seeds; p: one-sided, corrected by Holm over all claims in this table."
    )
    formats: dict[str, Callable[[Any], str]] = {"effect": text.signed}
    formats |= dict.fromkeys([name for name in shown if name.split()[0] == "p"], text.p)
    right = ("95% interval", TO_REACH)
    return Table("verdicts", shown, caption, data, formats, csv=full, right=right)


def rule(verdicts: Sequence[Verdict]) -> str:
    """When a claim is supported, by the columns of `verdict_table`."""
    alphas = text.listed([f"{a:g}" for a in sorted({v.claim.alpha for v in verdicts})])
    crosses = any(v.claim.decided_by == "crossover" for v in verdicts)
    of_crossovers = (
        " (a crossover's p tests that at its long budget, and at its short one whether a lead of "
        "the smallest effect is ruled out; it is the larger of the two)"
    )
    return (
        f"A claim is supported where `p after Holm` is below its alpha ({alphas}) and the "
        "estimate in `effect`, though not the whole of its interval, reaches the smallest effect "
        f"that matters, in `{TO_REACH}`. p tests whether the effect differs from 0 in the "
        f"direction claimed{of_crossovers if crosses else ''}. It is refuted where `p against, "
        "after Holm` is below alpha: the opposite holds, or the effect is shown to be too small "
        "to matter, whatever p is; the claim's card says which."
    )


def cards(verdicts: Sequence[Verdict]) -> list[Card]:
    """Each claim with its sentence, verdict, what was found and what would change it."""
    return [
        Card(
            f"claim-{verdict.claim.id}",
            verdict.claim.id,
            verdict.verdict,
            verdict.claim.sentence,
            verdict.plain.splitlines(),
            [f"What would change it: {verdict.what_would_change_it}"],
        )
        for verdict in verdicts
    ]


def summary(verdicts: Sequence[Verdict], data: str) -> str:
    """How many claims came out which way."""
    counts = {name: sum(v.verdict == name for v in verdicts) for name in VERDICTS}
    found = text.listed([f"{count} {name}" for name, count in counts.items() if count])
    claims = counted(len(verdicts), "claim")
    return f"{claims} about models trained on {data}, registered before the runs: {found}."


def cell_name(cell: Cell) -> str:
    """ "resnet18_aug @ 4 epochs, seed 0"."""
    return f"{cell.arm.name} @ {cell.budget} epochs, seed {cell.seed}"


def write_verdicts(verdicts: Sequence[Verdict], out: Path) -> None:
    """Write `verdicts.json`: a list of plain objects, NaN and infinity as null."""
    values = plain([_as_dict(verdict) for verdict in verdicts])
    content = json.dumps(values, indent=2, allow_nan=False) + "\n"
    (out / VERDICTS_JSON).write_text(content, encoding="utf-8")


def _as_dict(verdict: Verdict) -> dict[str, Any]:
    return {
        "claim": verdict.claim.id,
        "sentence": verdict.claim.sentence,
        **{name: getattr(verdict, name) for name in _SAME},
        "diverged": dict(verdict.diverged),
        "missing": [cell_name(cell) for cell in verdict.missing],
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
