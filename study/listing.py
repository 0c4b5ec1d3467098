"""What --list prints."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study import domains
from study.claims import Claim
from study.spaces import SPACES, Space
from study.words import epochs_of, sized
from trainables.data import DATASETS
from trainables.models import MODELS


def print_spaces(console: Console) -> None:
    """A table of the spaces, with one row a dimension, then the data sets."""
    for space in SPACES.values():
        title = Text(space.name, style="bold")
        title.append(f"  {space.summary}", style="default")
        console.print(title)
        model = MODELS[space.model]
        about = f"  model {model.name} ({model.parameters:,} parameters), data {space.data}"
        console.print(Text(about))
        console.print(Text(f"  {model.summary}", style="dim"))
        console.print(dimensions(space))
    console.print(Text("data sets (--data)", style="bold"))
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name, entry in DATASETS.items():
        table.add_row(name, entry.summary)
    console.print(table)


def dimensions(space: Space) -> Table:
    """One row a dimension: range, scale, role, default."""
    table = Table(box=None, padding=(0, 2, 0, 2))
    for heading in ("dimension", "range", "scale", "role", "default"):
        table.add_column(heading, header_style="dim")
    for name, domain in space.dimensions.items():
        if isinstance(domain, domains.Choice):
            scale = "choice"
        elif domain.low == domain.high:
            scale = "fixed"
        else:
            scale = "log" if domain.log else "linear"
        default = domain.default
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        table.add_row(name, domains.describe(domain), scale, domain.role, shown)
    return table


def print_claims(console: Console, claims: Sequence[Claim]) -> None:
    """Each claim: its sentence, and how and on what it is decided; by task, where there are two."""
    headed = len({claim.task for claim in claims}) > 1
    for before, claim in itertools.pairwise([None, *claims]):
        assert claim is not None
        if headed and (before is None or before.task != claim.task):
            console.print(Text(f"--claims {claim.task}", style="bold underline"))
        console.print(Text(claim.id, style="bold"))
        console.print(Padding(Text(claim.sentence), (0, 0, 0, 2)))
        how = Text(f"{_rule(claim)}; {claim.seeds} seeds, alpha {claim.alpha:g}", style="dim")
        console.print(Padding(how, (0, 0, 0, 2)))


def _rule(claim: Claim) -> str:
    """What has to be seen for the claim to be supported, by its rule."""
    labels = [arm.label for arm in claim.arms]
    name, short, long = claim.metric, claim.budgets[0], claim.budgets[-1]
    effect = sized(claim.smallest_effect, claim.unit)
    least = f"{claim.direction} by {effect} or more"
    if claim.decided_by == "ordered_trend":
        (at,) = claim.decisive_budgets
        moves = "rises" if claim.direction == "higher" else "falls"
        over = ", ".join(labels)
        return f"ordered trend over {over}: {name} {moves} by {effect} or more at {epochs_of([at])}"
    pair = " against ".join(labels)
    if claim.decided_by == "crossover":
        return (
            f"crossover, {pair}: {name} not {least} at {epochs_of([short])}, and "
            f"{claim.direction} by that at {long}"
        )
    (at,) = claim.decisive_budgets
    return f"paired difference, {pair}: {name} {least} at {epochs_of([at])}"
