"""Bar chart of parameter importance."""

from __future__ import annotations

from analysis import style, text
from analysis.importance import Importance
from analysis.plots.picture import Picture


def importances(found: Importance, label: str) -> Picture:
    """Share of each dimension, most important first. label: the objective in words."""
    names = list(found.shares)[::-1]
    shares = [found.shares[name] for name in names]
    figure = style.figure(0.7 + 0.36 * len(names))
    axes = figure.subplots()
    words = [text.dimension(name) for name in names]
    bars = axes.barh(words, shares, color=style.VALIDATION, height=0.62)
    axes.bar_label(bars, [_percent(share) for share in shares], padding=4, color=style.INK)
    axes.set_xlim(0, max(shares) * 1.15)
    axes.set_xlabel("share of importance (sums to 1)")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize=9, labelcolor=style.INK)
    first = text.dimension(next(iter(found.shares)))
    alt = f"Bar chart of importance for {label}: " + ", ".join(
        f"{word} {_percent(share)}" for word, share in zip(words[::-1], shares[::-1], strict=True)
    )
    caption = (
        f"{first.capitalize()} mattered most for reaching the best {found.target} of "
        f"{found.trials} trials ({found.evaluator}; trials stopped early count as worse than "
        "completed ones)."
    )
    if found.trials < 30:
        caption += " From so few trials, read it as a hint."
    return Picture("importance", "Parameter importance", figure, caption, alt)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"
