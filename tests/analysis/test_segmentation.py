"""Segmentation in the report: the same sections, with pixels where classification has images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analysis.experiment.background import HEADING, background, emptied
from analysis.experiment.by_class import class_table
from analysis.experiment.cells import Condition, Experiment, read_experiment
from analysis.experiment.context import context
from analysis.experiment.limits import limits
from analysis.experiment.pixel_diagnostics import pixel_diagnostics
from analysis.experiment.scenes import KINDS, Pixels, read_pixels, scenes
from analysis.experiment.section import verdicts_of
from analysis.experiment.systems import comparisons, run_summary
from analysis.load import load_run
from analysis.plots.segments import segments
from analysis.report import write_report
from analysis.search import section
from analysis.task import TASKS, task_of
from analysis.text import ABSENT as ABSENT_CELL
from study.metrics import guess
from study.records import CELLS
from trainables.data import CLASSIFICATION
from trainables.errors import UserError

from .synthetic import write_run
from .synthetic_segmentation import (
    ABSENT,
    AUGMENTED,
    CLASSES,
    PLAIN,
    SCENE_CLAIMS,
    SIDE,
    TEST_SIZE,
    scene_data,
    write_scene_search,
    write_segmentation,
)
from .test_report import page_of

LONG = Condition(PLAIN, 16)


@pytest.fixture(scope="module")
def experiment(segmentation_run: Path) -> Experiment:
    return read_experiment(load_run(segmentation_run))


@pytest.fixture(scope="module")
def pixels(experiment: Experiment) -> Pixels:
    found = read_pixels(experiment, LONG)
    assert found is not None
    return found


def test_the_page_has_the_sections_of_every_experiment(segmentation_report: Path) -> None:
    text = page_of(segmentation_report).text
    headings = ["Claim by claim", "The systems compared", "Figures", "Model by model"]
    places = [text.index(heading) for heading in [*headings, HEADING, "Limits and caveats"]]
    assert places == sorted(places)
    assert "nan" not in text.lower().split()
    assert "classified correctly" not in text
    assert "t-SNE" not in text
    assert "test mean IoU (overlap of prediction and truth" in text
    tables, figures = segmentation_report.parent / "tables", segmentation_report.parent / "figures"
    for name in ("per_class", "confused_pairs", "summary"):
        for slug in ("tiny-scenes-4", "tiny-scenes-aug-4", "tiny-scenes-16", "tiny-scenes-aug-16"):
            assert (tables / f"{name}-{slug}.csv").exists()
    for name in ("confusion", "confusion_shares", "scenes_best", "scenes_median", "scenes_worst"):
        assert (figures / f"{name}-tiny-scenes-16.svg").stat().st_size > 1000
    assert text.count("left out of the predictions: 00001.npz is missing") == 1
    assert text.count("left out of the predictions: 00002.npz is damaged") == 1


def test_every_caption_names_the_data(segmentation_report: Path) -> None:
    html = segmentation_report.read_text(encoding="utf-8")
    captions = html.count("<figcaption>") + html.count('class="caption"')
    assert html.count("Data: voc2012.") == captions - 1  # the context is of other data


def test_claims_on_mean_iou_are_decided(experiment: Experiment) -> None:
    verdicts = verdicts_of(experiment)
    assert [v.verdict for v in verdicts].count("withheld") == 0
    assert SCENE_CLAIMS[0].metric == "test_miou"
    assert "test mean IoU" in verdicts[0].plain
    cells = experiment.cells.query("budget == 4").pivot(
        index="seed", columns="arm", values="test_miou"
    )
    effect = (cells[PLAIN.name] - cells[AUGMENTED.name]).mean()
    assert verdicts[0].effect == pytest.approx(effect)


def test_systems_are_compared_on_the_test_set_and_in_training(experiment: Experiment) -> None:
    tested, trained = comparisons(experiment)
    assert "test mean IoU (fraction)" in tested.frame
    assert "validation mean IoU (fraction)" in trained.frame
    assert "test pixel accuracy (fraction)" in tested.frame
    assert tested.csv is not None
    row = tested.csv.set_index(["arm", "epochs"]).loc[(PLAIN.name, 16)]
    assert row["test_miou_mean"] == pytest.approx(experiment.of(LONG)["test_miou"].mean())


def test_the_run_summary_has_the_reference_reports_figures(experiment: Experiment) -> None:
    frame = run_summary(experiment, LONG).frame.set_index("name in the reference report")
    named = ["accuracy", "average precision", "F1", "IoU", "precision", "recall"]
    named += ["training accuracy", "training loss", "validation accuracy", "validation loss"]
    assert frame.index.tolist()[: len(named)] == named
    assert frame.loc["IoU", "mean"] == pytest.approx(experiment.of(LONG)["test_miou"].mean())


def test_the_context_is_marked_as_other_peoples(experiment: Experiment) -> None:
    (part,) = context(experiment)
    (table,) = part.tables
    assert part.folded
    assert "reported by others. Context only" in table.title
    summary = table.frame[table.frame["figure"] == "IoU"]
    assert summary["value"].tolist() == [0.05559]


@pytest.mark.parametrize(
    ("data", "shown"), [("voc", 1), ("voc2007", 1), ("street_scenes", 1), ("vocal_cords", 0)]
)
def test_pascal_voc_is_no_context_of_other_scenes(
    experiment: Experiment, data: str, shown: int
) -> None:
    described = experiment.run.manifest.data | {"name": data}
    manifest = dataclasses.replace(experiment.run.manifest, data=described)
    run = dataclasses.replace(experiment.run, manifest=manifest)
    assert len(context(dataclasses.replace(experiment, run=run))) == shown


def test_absent_classes_are_absent_and_in_no_mean(pixels: Pixels) -> None:
    table = class_table(pixels, CLASSES, "FCN", "t", "voc2012")
    assert table.csv is not None
    shown, raw = table.frame.set_index("class"), table.csv.set_index("class")
    for name in ABSENT:
        assert shown.loc[name, "test pixels"] == shown.loc[name, "test images"] == 0
        assert (shown.loc[name].iloc[2:] == ABSENT_CELL).all()
        assert name in table.caption
    there = [name for name in CLASSES if name not in ABSENT]
    assert raw.loc["mean of classes", "IoU"] == pytest.approx(raw.loc[there, "IoU"].mean())
    weights = raw.loc[there, "test pixels"]
    weighted = np.average(raw.loc[there, "recall"], weights=weights)
    assert raw.loc["weighted by pixels", "recall"] == pytest.approx(weighted)
    assert raw.loc["mean of classes", "test images"] == TEST_SIZE
    assert table.foot == 2


def test_what_absent_classes_cost_is_said() -> None:
    pixels = hand_made([0, 0], [9, 0])
    caption = class_table(pixels, ["background", "a", "b"], "FCN", "t", "d").caption
    assert "Absent from the test set, and in neither mean: a and b. 4.50% of the pixels" in caption
    caption = class_table(hand_made([3], [2]), ["background", "a", "b"], "F", "t", "d").caption
    assert "neither mean: b. No pixel is predicted as absent." in caption


def test_means_over_the_seeds_agree_with_the_records(
    experiment: Experiment, pixels: Pixels
) -> None:
    table = class_table(pixels, CLASSES, "FCN", "t", "voc2012")
    assert table.csv is not None
    means = table.csv.set_index("class").loc["mean of classes"]
    cells = experiment.of(LONG)
    for score, column in (("precision", "test_precision"), ("recall", "test_recall")):
        assert means[score] == pytest.approx(cells[column].mean())
    assert means["average precision"] == pytest.approx(cells["test_ap"].mean())


def test_scenes_are_sorted_into_kinds_and_cut_to_the_picture(experiment: Experiment) -> None:
    kinds = set()
    for condition in experiment.conditions:
        pixels = read_pixels(experiment, condition)
        assert pixels is not None
        found = scenes(pixels.drawn)
        kinds |= set(found)
        assert all(len(several) <= 3 for several in found.values())
        ious = [[scene.iou for scene in found[kind]] for kind in ("best", "median", "worst")]
        assert min(ious[0]) >= max(ious[1]) >= min(ious[1]) >= max(ious[2])
        shapes = {scene.image.shape for several in found.values() for scene in several}
        assert shapes <= {(SIDE * 3 // 4, SIDE, 3), (SIDE, SIDE * 3 // 4, 3)}
        assert all(scene.empty for scene in found.get("nothing but background", []))
        without = scenes(pixels.drawn, background=False)
        assert set(without) == {"best", "median", "worst"}
        assert not any(scene.empty for several in without.values() for scene in several)
    assert kinds == set(KINDS)
    assert scenes({}) == {}


def test_large_scenes_are_drawn_small(pixels: Pixels) -> None:
    (first, *_) = scenes(pixels.drawn)["best"]
    large = dataclasses.replace(
        first,
        image=np.full((301, 401, 3), 99, dtype=np.uint8),
        truth=np.full((301, 401), 255, dtype=np.uint8),
        predicted=np.ones((301, 401), dtype=np.uint8),
    )
    (picture,) = segments({"best": [large]}, CLASSES, "FCN", "fcn")
    drawn = [image.get_array() for image in picture.figure.axes[0].images]
    assert {array.shape for array in drawn} == {(101, 134, 3)}
    assert (drawn[0] == 99).all()
    assert (drawn[3] == 255).all()  # void is no error
    labels = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert labels == ["aeroplane", "void", "wrong", "right"]


def hand_made(objects: list[int], predicted: list[int]) -> Pixels:
    """Images of 100 pixels and three classes by their object pixels, truth and predicted."""
    confusions = np.zeros((1, len(objects), 3, 3), dtype=np.int64)
    for number, (true, called) in enumerate(zip(objects, predicted, strict=True)):
        hit = min(true, called)
        confusions[0, number, 1, 1] = hit
        confusions[0, number, 1, 0] = true - hit
        confusions[0, number, 0, 1] = called - hit
        confusions[0, number, 0, 0] = 100 - max(true, called)
    contrast = np.arange(len(objects), dtype=np.float32)
    return Pixels(confusions, np.zeros((1, 3, 2, 1000), dtype=np.int64), contrast)


def test_only_background_by_hand() -> None:
    pixels = hand_made([0, 2, 4, 30, 50], [0, 0, 0, 20, 60])
    found = emptied(LONG, pixels, [800, 150, 50])
    assert found.empty.tolist() == [[True, True, False, False]]  # the first has no object
    size, contrast, frequency = found.measured
    assert size.tolist() == [0.02, 0.04, 0.3, 0.5]
    assert contrast.tolist() == [1, 2, 3, 4]
    assert frequency.tolist() == pytest.approx([0.15] * 4)
    part = background([found], ["background", "a", "b"], "d")
    counts, why = part.tables
    assert counts.frame["with every seed"].tolist() == [2]
    row = why.frame.iloc[0]
    assert (row["emptied: n"], row["others: n"]) == (2, 2)
    assert row["others: median"] == pytest.approx(0.4)
    assert row["p"] == pytest.approx(1 / 3)  # two of six orders of four values
    assert why.frame["p"].iloc[2] == 1
    assert "4 test images that hold an object" in part.lines[0]
    assert "1 of the 1 system with such images" in part.lines[0]


def test_no_image_of_only_background_is_said() -> None:
    part = background([emptied(LONG, hand_made([5], [9]), [])], ["background", "a", "b"], "d")
    assert part.lines[0].startswith("There is none")
    assert len(part.tables) == 1
    every = emptied(LONG, hand_made([5, 7], [0, 0]), [])
    why = background([every], ["background", "a", "b"], "d").tables[1]
    assert why.frame["p"].isna().all()
    nothing = emptied(LONG, hand_made([0], [0]), [])
    assert "No test image" in background([nothing], ["background", "a", "b"], "d").lines[0]
    assert "(sky) is not called background" in background([every], ["sky", "a"], "d").lines[0]


def test_files_that_do_not_fit_are_said(tmp_path: Path) -> None:
    run = write_segmentation(tmp_path / "run", [dataclasses.replace(SCENE_CLAIMS[0], seeds=5)])
    cells = sorted((run / CELLS).iterdir())
    for path, change in zip(cells, ("shape", "bins", "at", "truth"), strict=False):
        with np.load(path) as file:
            arrays = dict(file)
        if change == "shape":
            arrays["test_confusions"] = arrays["test_confusions"][:, :3]
        elif change == "bins":
            arrays["test_score_bins"] = arrays["test_score_bins"][:, 0]
        elif change == "at":
            arrays |= {"test_images": np.zeros((1, 4, 4, 3), np.uint8)}
        else:
            arrays["test_confusions"] = arrays["test_confusions"][::-1]
        np.savez_compressed(path, **arrays)
    experiment = read_experiment(load_run(run))
    notes = [
        note
        for condition in experiment.conditions
        for note in getattr(read_pixels(experiment, condition), "notes", [])
    ]
    words = " ".join(notes)
    for said in (
        "confusions of the shape (24, 3, 21)",
        "for 21 classes",
        "has no 'test_truths'",
        "is of another test set",
    ):
        assert said in words


def test_an_experiment_without_any_cell_file_is_reported(tmp_path: Path) -> None:
    run = write_segmentation(tmp_path / "run", SCENE_CLAIMS[:1])
    for path in (run / CELLS).iterdir():
        path.unlink()
    parts = pixel_diagnostics(read_experiment(load_run(run)))
    assert parts[0].pictures  # the class distribution is the manifest's
    assert all("left readable predictions" in part.lines[0] for part in parts[1:])


def test_limits_speak_of_pixels(experiment: Experiment) -> None:
    lines = " ".join(limits(experiment))
    assert f"images scaled to {SIDE}x{SIDE}" in lines
    assert "most frequent class" not in lines
    experiment.cells["test_miou"], before = 0.01, experiment.cells["test_miou"].copy()
    assert "(test mean IoU 0.0" in " ".join(limits(experiment))
    experiment.cells["test_miou"] = before


def test_a_search_on_scenes_is_judged_by_mean_iou(tmp_path: Path) -> None:
    run = load_run(write_scene_search(tmp_path / "run"))
    found = section(run)
    summary = found.parts[0].lines[0]
    assert "validation mean IoU of" in summary
    assert "Always answering the most frequent class would give 0.0" in summary
    trials = next(part for part in found.parts if part.heading == "Trials").tables[1]
    assert list(trials.frame)[3] == "validation mean IoU (fraction)"
    assert "validation pixel accuracy (fraction)" in trials.frame
    captions = [picture.title for part in found.parts for picture in part.pictures]
    assert "Validation mean IoU by hyperparameter" in captions
    bullets = next(part for part in found.parts if part.heading == "Limits and caveats").bullets
    assert any("images scaled to" in line for line in bullets)


def test_searches_on_digits_and_scenes_stand_side_by_side(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "digits", ["completed", "completed"]),
        write_scene_search(tmp_path / "scenes", ["completed", "pruned"]),
    ]
    text = page_of(write_report(runs, tmp_path / "report")).text
    assert "Different tasks" in text
    assert "different data sets: their rows must not be compared" in text


def test_an_unknown_task_is_named_and_older_runs_have_none(tmp_path: Path) -> None:
    data = scene_data(task="detection")
    run = write_scene_search(tmp_path / "run", ["completed"], data=data)
    with pytest.raises(UserError, match="'detection'"):
        load_run(run)
    assert task_of({}) is TASKS[CLASSIFICATION]


def test_what_a_guess_would_give() -> None:
    counts = [80, 15, 5, 0]
    assert guess("val_accuracy", counts) == 0.8
    assert guess("test_miou", counts) == pytest.approx(0.8 / 3)
    assert guess("val_f1", counts) == pytest.approx(2 * 0.8 / 1.8 / 3)
    assert guess("val_loss", counts) is None
    assert guess("val_miou", []) is None
