"""The picture of sample images, of a classification and of a segmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis import style
from analysis.load import load_run
from analysis.plots.picture import Picture
from analysis.plots.samples import overlaid, samples
from analysis.report import write_report
from study.records import SAMPLES
from trainables.data.masks import VOID
from trainables.errors import UserError

from .synthetic import manifest, write_run

NAMES = ["background", "road", "sky"]


def scenes(count: int = 5, height: int = 24, width: int = 32) -> dict[str, np.ndarray]:
    """A sheet of two strengths; sky over road, void at the right."""
    masks = np.ones((2, count, height, width), dtype=np.uint8)
    masks[:, :, : height // 2] = 2
    masks[..., -4:] = VOID
    images = np.random.default_rng(0).integers(0, 256, (*masks.shape, 3), dtype=np.uint8)
    return {"images": images, "masks": masks, "strengths": np.array([0.0, 0.5])}


def picture(
    tmp_path: Path, sheet: dict[str, np.ndarray] | None = None, space: str = "resnet18_aug"
) -> Picture:
    """The picture of a run with this sheet (None: that of a classification)."""
    data = manifest().data | {"classes": NAMES} if sheet else manifest().data
    searched = manifest(space).space
    run = write_run(tmp_path / "run", ["completed"], data=data, space=searched)
    if sheet:
        np.savez(run / SAMPLES, **sheet)
    with style.styled():
        found = samples(load_run(run))
    assert found is not None
    return found


def legend(figure: Figure) -> list[str]:
    return [entry.get_text() for box in figure.legends for entry in box.get_texts()]


def test_classes_stand_under_the_images_of_a_classification(tmp_path: Path) -> None:
    found = picture(tmp_path)
    axes = found.figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list("01234567")
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0", "0.25", "0.5", "1"]
    assert axes.get_xlabel() == "true class"
    assert legend(found.figure) == []
    assert "no longer read the class" in found.caption


def test_scenes_are_tinted_and_their_classes_named(tmp_path: Path) -> None:
    found = picture(tmp_path, scenes())
    axes = found.figure.axes[0]
    assert legend(found.figure) == ["road", "sky", "void"]  # no background is shown
    assert axes.get_xlabel() == ""
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0", "0.5"]
    assert "White is void" in found.caption
    assert "strength 0 to 0.5" in found.caption
    assert found.alt.startswith("4 scenes of street_digits")
    mosaic = axes.images[0].get_array()
    assert mosaic is not None
    assert mosaic.shape == (2 * 24 + 2, 4 * 32 + 3 * 2, 3)


def test_an_overlay_mixes_image_and_class_and_veils_what_is_void() -> None:
    images = np.full((1, 4, 3), 100, dtype=np.uint8)
    masks = np.array([[0, 1, 2, VOID]], dtype=np.uint8)
    mixed = overlaid(images, masks)
    assert mixed.dtype == np.uint8
    assert mixed[0, :3].tolist() == [[50, 50, 50], [114, 50, 50], [50, 114, 50]]
    assert (mixed[0, 3] > 200).all()
    assert (images == 100).all()


def test_one_strength_and_one_scene_are_shown(tmp_path: Path) -> None:
    sheet = {key: value[:1] for key, value in scenes(count=1).items()}
    assert "Scenes of street_digits at strength 0." in picture(tmp_path, sheet).caption


@pytest.mark.parametrize("scenic", [False, True])
def test_a_plain_space_shows_no_image_that_its_model_never_saw(
    tmp_path: Path, scenic: bool
) -> None:
    found = picture(tmp_path, scenes() if scenic else None, "resnet18")
    axes = found.figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == []
    mosaic = axes.images[0].get_array()
    assert mosaic is not None
    assert len(mosaic) == (24 if scenic else 32)  # one row
    assert "of street_digits as they are: no trial augmented them." in found.caption
    for said in (found.caption, found.alt):
        assert "strength" not in said
        assert "policy" not in said


@pytest.mark.parametrize(
    "change",
    [
        {"masks": np.zeros((2, 5, 24, 31), dtype=np.uint8)},
        {"masks": np.zeros((2, 5, 24, 32), dtype=np.int64)},
        {"images": np.zeros((2, 5, 24, 32, 3))},
        {"images": np.zeros((2, 5, 24, 32), dtype=np.uint8)},
        {"strengths": np.zeros(3)},
    ],
)
def test_a_sheet_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, np.ndarray]
) -> None:
    with pytest.raises(UserError, match=r"samples\.npz is damaged .* do not fit"):
        picture(tmp_path, scenes() | change)


def test_a_report_shows_the_scenes(tmp_path: Path) -> None:
    data = manifest().data | {"classes": NAMES}
    run = write_run(tmp_path / "run", ["completed"], data=data)
    np.savez(run / SAMPLES, **scenes())
    page = write_report([run], tmp_path / "report").read_text()
    assert "Scenes and masks as the model sees them" in page
    assert list((tmp_path / "report").rglob("*samples*.svg"))
