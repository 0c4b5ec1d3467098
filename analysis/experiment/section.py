"""The section of an experiment: verdicts first, then what they rest on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from analysis import style
from analysis.experiment import judged, systems
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.context import context
from analysis.experiment.diagnostics import diagnostics
from analysis.experiment.limits import caution, limits
from analysis.experiment.settings import settings_table, unequal
from analysis.page import Part, Section, anchor
from analysis.plots.arm_curves import arm_curves
from analysis.plots.by_budget import by_budget
from analysis.plots.differences import differences
from analysis.plots.picture import Picture
from analysis.plots.strengths import gap_by_strength
from analysis.provenance import provenance
from analysis.verdicts import Verdict, decide
from study.records import CONFIG
from study.words import counted
from trainables.config import CONFIRM
from trainables.errors import FAILED, UserError

_NAMED = 12  # missing cells that are named one by one


def verdicts_of(experiment: Experiment) -> list[Verdict]:
    """Verdicts on the experiment's claims; UserError naming the run where none can be made."""
    run = experiment.run
    try:
        verdicts = decide(experiment.cells, experiment.claims, data=run.data)
    except UserError as error:
        raise UserError(f"{run.path}: {error}", FAILED) from None
    return [_with_caution(experiment, verdict) for verdict in verdicts]


def _with_caution(experiment: Experiment, verdict: Verdict) -> Verdict:
    """Where its systems learned nothing, or were tuned unequally, no verdict without that."""
    if verdict.verdict == "withheld":
        return verdict
    conditions = _conditions(verdict)
    cautions = [*caution(experiment, conditions), *unequal(experiment, conditions)]
    plain = "\n".join([verdict.plain, *cautions])
    return dataclasses.replace(verdict, plain=plain)


def _conditions(verdict: Verdict) -> set[Condition]:
    return {Condition(cell.arm, cell.budget) for cell in verdict.claim.cells()}


def section(experiment: Experiment, verdicts: Sequence[Verdict]) -> Section:
    """Everything the report says about one experiment."""
    run = experiment.run
    with style.styled():
        parts = _parts(experiment, verdicts)
    title = f"{run.manifest.spec.get('name') or 'Experiment'} on {run.data}"
    return Section(anchor(run.manifest.run_id), title, _subtitle(experiment), parts, run.data)


def _parts(experiment: Experiment, verdicts: Sequence[Verdict]) -> list[Part]:
    run = experiment.run
    return [
        Part(
            lines=[
                judged.summary(verdicts, run.data),
                *_guesses(experiment, verdicts),
                *missing(experiment),
            ],
            tables=[judged.verdict_table(verdicts, run.data)],
            notes=[judged.rule(verdicts)],
        ),
        Part("Claim by claim", cards=judged.cards(verdicts)),
        Part(
            "The systems compared",
            tables=[*systems.comparisons(experiment), *settings_table(experiment)],
        ),
        *context(experiment),
        Part("Figures", pictures=_pictures(experiment, verdicts)),
        *diagnostics(experiment),
        Part("Limits and caveats", bullets=limits(experiment)),
        Part("Where this comes from", facts=provenance(run)),
    ]


def _guesses(experiment: Experiment, verdicts: Sequence[Verdict]) -> list[str]:
    """How many verdicts are about systems that may know nothing: beside the first sentence."""
    given = [verdict for verdict in verdicts if verdict.verdict != "withheld"]
    told = sum(bool(caution(experiment, _conditions(verdict))) for verdict in given)
    if not told:
        return []
    these = "1 of these verdicts is" if told == 1 else f"{told} of these verdicts are"
    line = (
        f"{these} about systems that are not shown to be better than always answering the most "
        "frequent class: see the cards."
    )
    return [line]


def _pictures(experiment: Experiment, verdicts: Sequence[Verdict]) -> list[Picture]:
    """The figures of the whole experiment, of what has a cell to show."""
    done = [c.arm.model for c in experiment.conditions if len(experiment.of(c))]
    models = list(dict.fromkeys(done))
    pictures = [by_budget(experiment, model) for model in models]
    pictures += [arm_curves(experiment, model) for model in models]
    pictures += differences(experiment.cells, verdicts)
    if models:
        pictures.append(gap_by_strength(experiment, models))
    return [picture for picture in pictures if picture is not None]


def missing(experiment: Experiment) -> list[str]:
    """Which cells have no result, why where it is known, and the command that finishes."""
    cells, wanted = experiment.missing, len(experiment.wanted)
    if not cells:
        return []
    named = "; ".join(judged.cell_name(cell) for cell in cells[:_NAMED])
    more = f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    line = (
        f"{len(cells)} of {wanted} cells are missing, and the verdicts that need them are "
        f"withheld: {named}{more}. The command that finishes the experiment: "
        f"`{experiment.run.manifest.command}`"
    )
    trials = experiment.run.trials
    failed = trials[trials["state"].eq("failed") & trials[f"{CONFIG}phase"].eq(CONFIRM)]
    reasons = failed["error"].fillna("").replace("", "no reason on record").value_counts()
    return [line, *(f"Failed ({count}): {reason}" for reason, count in reasons.items())]


def _subtitle(experiment: Experiment) -> str:
    run = experiment.run
    budgets = sorted({condition.budget for condition in experiment.conditions})
    seeds = len({cell.seed for cell in experiment.wanted})
    facts = [
        f"Controlled experiment of {counted(len(experiment.claims), 'claim')}",
        f"data set {run.data}",
        f"{seeds} paired seeds",
        f"budgets {', '.join(map(str, budgets))} epochs",
        f"run {run.manifest.run_id}",
    ]
    return " · ".join(facts)
