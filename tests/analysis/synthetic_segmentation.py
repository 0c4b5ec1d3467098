"""Synthetic segmentations: scenes of ellipses, and networks that blur, confuse and miss them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.style import voc_palette
from study import journal_file, records, run_tables
from study.claims import Claim, arm
from trainables.pixel_scores import average_precision, mean_iou

from .synthetic import MIXED, journal, manifest
from .synthetic_experiment import CLAIMS, Key, experiment_lines, experiment_manifest

PLAIN, AUGMENTED = arm("tiny_scenes"), arm("tiny_scenes_aug")
STRONGEST = arm("tiny_scenes_aug", augment_strength=1.0)
_ARMS = {"tiny": PLAIN, "tiny_aug": AUGMENTED, "tiny_aug[augment_strength=1.0]": STRONGEST}
SCENE_CLAIMS = tuple(
    dataclasses.replace(
        claim,
        arms=tuple(_ARMS[a.name] for a in claim.arms),
        metric="test_miou" if claim.metric == "test_accuracy" else claim.metric,
        sentence=claim.sentence.replace(
            "reads more test images correctly", "has a higher test mean IoU"
        ),
    )
    for claim in CLAIMS
)
CLASSES = [
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tv/monitor"),
]
ABSENT = ("boat", "tv/monitor")  # in no test image; the second is predicted now and then
VOID, BINS = 255, 1_000
SIDE, TEST_SIZE = 48, 24  # of the network's square, pixels; images
SCALE = 2  # the labels' own size, in the network's


@dataclasses.dataclass(frozen=True)
class Scenes:
    """images: uint8 (N, S, S, 3). masks: uint8 (N, S, S), void at the rims and as padding.

    inside: int64 (N, 2), height and width of the picture in its square.
    """

    images: np.ndarray
    masks: np.ndarray
    inside: np.ndarray


def scenes(count: int = TEST_SIZE, side: int = SIDE, seed: int = 0) -> Scenes:
    """Ellipses of other classes on a background; the first image holds none of them."""
    generator = np.random.default_rng(seed)
    palette = voc_palette(len(CLASSES)).astype(float)
    drawable = [n for n, name in enumerate(CLASSES) if n and name not in ABSENT]
    inside = np.tile([side * 3 // 4, side], (count, 1))
    inside[1::4] = inside[1::4, ::-1]
    masks = np.full((count, side, side), VOID, dtype=np.uint8)
    images = np.zeros((count, side, side, 3))
    for number, (height, width) in enumerate(inside):
        mask = np.zeros((height, width), dtype=np.uint8)
        for place in range(0 if number == 0 else 1 + number % 2):
            radius = (0.06 + 0.05 * (number % 7)) * width * np.array([0.8, 1.0])
            centre = generator.uniform([0.3 * height, 0.3 * width], [0.7 * height, 0.7 * width])
            grid = np.stack(np.mgrid[:height, :width], axis=-1)
            far = np.linalg.norm((grid - centre) / radius, axis=-1)
            mask[(far > 1) & (far < 1 + 1.2 / radius[0])] = VOID
            mask[far <= 1] = drawable[(2 * number + place) % len(drawable)]
        masks[number, :height, :width] = mask
        shade = np.where((mask == VOID)[..., None], 150, 90 + 0.5 * palette[np.minimum(mask, 20)])
        images[number, :height, :width] = shade + generator.normal(0, 14, shade.shape)
    return Scenes(np.clip(images, 0, 255).astype(np.uint8), masks, inside)


def probabilities(mask: np.ndarray, skill: float, generator: np.random.Generator) -> np.ndarray:
    """(C, h, w) of a network: objects shifted, confused with the next class or missed."""
    truth = np.where(mask == VOID, 0, mask)
    shift = generator.integers(-2, 3, 2)
    seen = np.roll(truth, shift, axis=(0, 1))
    for number in np.unique(truth)[1:]:
        share = (truth == number).mean()
        if generator.random() > skill + 4 * share:
            seen[seen == number] = 0  # missed, the sooner the smaller
        elif generator.random() > skill + 0.3:
            seen[(seen == number) & (generator.random(seen.shape) < 0.6)] = number % 20 + 1
    logits = generator.normal(0, 1, (len(CLASSES), *truth.shape))
    sure = 6 + np.abs(generator.normal(0, 1.5, (1, *truth.shape)))
    np.put_along_axis(logits, seen[None].astype(int), sure, axis=0)
    odds = np.exp(logits)
    return odds / odds.sum(axis=0)


def cell_arrays(data: Scenes, skill: float, seed: int, drawn: bool) -> dict[str, np.ndarray]:
    """What a cell's `.npz` holds, by the documentation of `trainables.cell_scenes`."""
    generator = np.random.default_rng(seed)
    classes = len(CLASSES)
    confusions = np.zeros((len(data.masks), classes, classes), dtype=np.int32)
    bins = np.zeros((classes, 2, BINS), dtype=np.int64)
    contrast = np.full(len(data.masks), np.nan, dtype=np.float32)
    predictions = np.zeros_like(data.masks)
    for number, (height, width) in enumerate(data.inside):
        mask = data.masks[number, :height, :width]
        image = data.images[number, :height, :width].astype(float)
        scores = probabilities(mask, skill, generator)
        predictions[number, :height, :width] = scores.argmax(axis=0)
        counted = mask != VOID
        truth, scores = mask[counted].astype(int), scores[:, counted]
        flat = truth * classes + scores.argmax(axis=0)
        confusions[number] = np.bincount(flat, minlength=classes**2).reshape(classes, classes)
        at = np.minimum((scores * BINS).astype(int), BINS - 1)
        for c in range(classes):
            np.add.at(bins[c], ((truth == c).astype(int), at[c]), 1)
        objects = counted & (mask > 0)
        if objects.any() and (mask == 0).any():
            contrast[number] = np.linalg.norm(
                image[objects].mean(axis=0) - image[mask == 0].mean(axis=0)
            )
    # Every pixel of the network's size stands for SCALE x SCALE of the labels' own.
    arrays: dict[str, np.ndarray] = {
        "test_confusions": confusions * SCALE**2,
        "test_score_bins": bins * SCALE**2,
        "test_contrast": contrast,
    }
    if drawn:
        at = chosen(confusions)
        arrays |= {
            "test_images": data.images[at],
            "test_truths": data.masks[at],
            "test_predictions": predictions[at],
            "test_images_at": at,
            "test_inside": data.inside[at],
        }
    return arrays


def chosen(confusions: np.ndarray) -> np.ndarray:
    """Three best, median and worst images by mean IoU, and three without a predicted object."""
    order, middle = np.argsort(-mean_iou(confusions), kind="stable"), len(confusions) // 2 - 1
    empty = (confusions.sum(1)[:, 1:].sum(1) == 0) & (confusions.sum(2)[:, 1:].sum(1) > 0)
    found = [*order[:3], *order[middle : middle + 3], *order[-3:], *np.flatnonzero(empty)[:3]]
    return np.array(list(dict.fromkeys(found)), dtype=np.int64)


def final_columns(arrays: dict[str, np.ndarray]) -> dict[str, float]:
    """FINAL_COLUMNS but the loss: means over the classes seen or predicted, or over those seen."""
    counts = arrays["test_confusions"].sum(axis=0).astype(float)
    hits, truth, called = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    there, either = truth > 0, truth + called > 0
    return {
        "test_accuracy": hits.sum() / counts.sum(),
        "test_f1": (2 * hits[either] / (truth + called)[either]).mean(),
        "test_miou": (hits[either] / (truth + called - hits)[either]).mean(),
        "test_precision": (hits / np.maximum(called, 1))[there].mean(),
        "test_recall": (hits[there] / truth[there]).mean(),
        "test_ap": float(np.nanmean(average_precision(arrays["test_score_bins"]))),
    }


def scene_data(**changes: Any) -> dict[str, Any]:
    """`manifest.data` of a segmentation."""
    splits = {"train": scenes(60, seed=1), "val": scenes(20, seed=2), "test": scenes()}
    each = {
        name: np.stack([np.bincount(m.ravel(), minlength=256)[: len(CLASSES)] for m in data.masks])
        for name, data in splits.items()
    }
    described = {
        "name": "voc2012",
        "content_hash": "9c1d70aa52e6b384",
        "task": "segmentation",
        "image_size": [SIDE, SIDE],
        "classes": CLASSES,
        "train_size": 60,
        "val_size": 20,
        "class_counts": {name: counts.sum(axis=0).tolist() for name, counts in each.items()},
        "class_images": {name: (n > 0).sum(axis=0).tolist() for name, n in each.items()},
    }
    return manifest().data | described | changes


def write_segmentation(
    directory: Path, claims: Sequence[Claim] = SCENE_CLAIMS, **changes: Any
) -> Path:
    """A run directory of a segmentation experiment, every completed cell with its `.npz`.

    changes: of manifest fields, or `missing`, `failed`, `diverged` for the journal.
    """
    (directory / records.CELLS).mkdir(parents=True)
    chosen_lines = {
        key: changes.pop(key) for key in ("missing", "failed", "diverged") if key in changes
    }
    lines = _lines(directory, claims, **chosen_lines)
    values = {"data": scene_data(), "run_id": "confirm-voc2012-5e6f7a8b"} | changes
    described = experiment_manifest(claims, **values)
    described.spec["data"] = "voc2012"
    _write(directory, described, lines)
    return directory


def _lines(
    directory: Path, claims: Sequence[Claim], **chosen_lines: Collection[Key]
) -> list[dict[str, Any]]:
    """The journal, with the metrics of a segmentation; writes the cells' files."""
    data, configs = scenes(), {}
    lines = experiment_lines(claims, **chosen_lines)
    for line in lines:
        if line["event"] == "start":
            configs[line["trial"]] = line["config"]
        elif line["event"] == "epoch":
            line["val_miou"] = 0.75 * line["val_accuracy"] ** 2
        if "test_accuracy" in line:
            trial, config = line["trial"], configs[line["trial"]]
            slow = 0.12 * config["augment_strength"] * (1 if config["budget"] < 10 else -0.5)
            skill = 0.35 + 0.06 * math.log2(config["budget"]) - slow
            arrays = cell_arrays(data, skill, trial, config["drawn"])
            line |= final_columns(arrays)
            np.savez_compressed(directory / records.CELLS / f"{trial:05d}.npz", **arrays)
    return lines


def write_scene_search(directory: Path, states: list[str] = MIXED, **changes: Any) -> Path:
    """A run directory of a search on a segmentation, judged by validation mean IoU."""
    directory.mkdir(parents=True)
    lines = journal(states)
    for line in lines:
        if line["event"] == "epoch":
            line["val_miou"] = 0.7 * line["val_accuracy"] ** 2
    objective = {"name": "val_miou", "direction": "max"}
    values = {"data": scene_data(), "objective": objective, "run_id": "fcn-voc2012-0f0f"}
    _write(directory, manifest(**(values | changes)), lines)
    return directory


def _write(directory: Path, described: records.Manifest, lines: list[dict[str, Any]]) -> None:
    records.write_manifest(directory, described)
    for line in lines:
        journal_file.append(directory, line)
    epochs, trials = run_tables.from_journal(lines)
    run_tables.write(directory / records.EPOCHS, epochs)
    run_tables.write(directory / records.TRIALS, trials)
