"""What every segmentation gets right and wrong: counts of pixels, scenes, empty predictions."""

from __future__ import annotations

from analysis import text
from analysis.experiment import names
from analysis.experiment.background import Emptied, background, emptied
from analysis.experiment.by_class import class_table
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.per_class import pairs_table
from analysis.experiment.scenes import Pixels, has_background, read_pixels, scenes
from analysis.experiment.systems import run_summary, unreadable
from analysis.page import Part
from analysis.plots.confusions import confusions
from analysis.plots.pixel_classes import pixel_classes
from analysis.plots.segments import segments
from study.words import counted

_LEAD = (
    "Each system opens with a click: run summary, scores by class, confusion matrices and test "
    "images with what was predicted. Scores and confusions count the pixels of the test set, "
    "all seeds together; single images are those of seed 0."
)


def pixel_diagnostics(experiment: Experiment) -> list[Part]:
    """The class distribution, one part a condition, and images predicted as background only."""
    run = experiment.run
    data = run.manifest.data
    counts = data.get("class_counts") or {}
    parts: list[Part] = []
    found: list[Emptied] = []
    sizes = {split: data[f"{split}_size"] for split in ("train", "val") if f"{split}_size" in data}
    classes = run.classes
    # One condition at a time: the counts of a large test set under all seeds are many.
    for condition in experiment.conditions:
        pixels = read_pixels(experiment, condition)
        if pixels is None:
            parts.append(unreadable(experiment, condition))
            continue
        sizes["test"] = pixels.confusions.shape[1]
        classes = names.classes(run.classes, pixels.confusions.shape[-1])
        parts.append(_part(experiment, condition, pixels, classes))
        found.append(emptied(condition, pixels, counts.get("train") or []))
    shared = pixel_classes(counts, data.get("class_images") or {}, sizes, classes)
    first = Part("Model by model", lines=[_LEAD], pictures=[shared] if shared else [])
    return [first, *parts, background(found, classes, run.data)]


def _part(experiment: Experiment, condition: Condition, pixels: Pixels, classes: list[str]) -> Part:
    what, slug, data = names.trained(condition), names.slug(condition), experiment.run.data
    task = experiment.run.task
    counts = pixels.confusions.sum(axis=(0, 1))
    pooled = f"{counts.sum():,} pixels pooled over {counted(len(pixels.confusions), 'seed')}"
    tables = [
        run_summary(experiment, condition),
        class_table(pixels, classes, what, f"per_class-{slug}", data),
        pairs_table(counts, classes, what, f"confused_pairs-{slug}", data, task),
    ]
    pictures = confusions(counts, classes, what, slug, pooled, task)
    pictures += segments(scenes(pixels.drawn, has_background(classes)), classes, what, slug)
    iou = experiment.of(condition)["test_miou"].mean()
    heading = f"{what}: mean IoU {text.metric(iou)} on the test set"
    return Part(heading, pixels.notes, tables, pictures, folded=True)
