"""What every system gets right and wrong: a folded part for each arm at each budget."""

from __future__ import annotations

import numpy as np

from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.per_class import confusion, mistakes, pairs_table, scores_table
from analysis.experiment.pixel_diagnostics import pixel_diagnostics
from analysis.experiment.predictions import Predictions, read_predictions
from analysis.experiment.systems import run_summary, unreadable
from analysis.page import Part
from analysis.plots.classes import class_distribution
from analysis.plots.confusions import confusions
from analysis.plots.embeddings import embeddings
from analysis.plots.picture import Picture
from analysis.plots.worst import worst
from study.words import counted


def diagnostics(experiment: Experiment) -> list[Part]:
    """The class distribution, which all systems share, and one part a condition."""
    if experiment.run.task.counts_pixels:
        return pixel_diagnostics(experiment)
    data = experiment.run.manifest.data
    counts = data.get("class_counts") or {}
    longest: dict[str, int] = {}
    for arm, budget in experiment.conditions:
        longest[arm.model] = max(budget, longest.get(arm.model, 0))
    line = (
        "Each system opens with a click: run summary, confusion matrices, the most confident "
        "mistakes, scores by class and, for the longest budget of each model, its features "
        "through t-SNE. Confusions and scores are of the test set, all seeds together; single "
        "images and features are those of seed 0."
    )
    shared = _present(class_distribution(counts, experiment.run.classes))
    parts = [Part("Model by model", lines=[line], pictures=shared)]
    for condition in experiment.conditions:
        drawn = condition.budget == longest[condition.arm.model]
        parts.append(_part(experiment, condition, features=drawn))
    return parts


def _part(experiment: Experiment, condition: Condition, features: bool) -> Part:
    what, slug, data = names.trained(condition), names.slug(condition), experiment.run.data
    predictions = read_predictions(experiment, condition)
    if predictions is None:
        return unreadable(experiment, condition)
    classes = names.classes(experiment.run.classes, predictions.probabilities.shape[-1])
    counts = confusion(predictions)
    pooled = (
        f"{counts.sum():,} predictions pooled over "
        f"{counted(len(predictions.probabilities), 'seed')}"
    )
    task = experiment.run.task
    pictures = confusions(counts, classes, what, slug, pooled, task)
    pictures += _present(worst(mistakes(predictions), classes, what, slug))
    if features:
        pictures += _present(embeddings(predictions.drawn, classes, what, slug))
    tables = [
        run_summary(experiment, condition),
        scores_table(predictions, classes, what, f"per_class-{slug}", data),
        pairs_table(counts, classes, what, f"confused_pairs-{slug}", data, task),
    ]
    heading = f"{what}: {_right(predictions)} of test images classified correctly"
    return Part(heading, predictions.notes, tables, pictures, folded=True)


def _right(predictions: Predictions) -> str:
    return f"{np.mean(predictions.predicted == predictions.labels):.1%}"


def _present(picture: Picture | None) -> list[Picture]:
    return [] if picture is None else [picture]
