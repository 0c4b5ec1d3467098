"""Colours that are laid down elsewhere."""

from __future__ import annotations

from analysis.style import dimension_axis, figure, voc_palette
from study.domains import Int


def test_the_palette_is_that_of_the_development_kit() -> None:
    palette = voc_palette(256).tolist()
    assert palette[:3] == [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    assert palette[15] == [192, 128, 128]  # person
    assert palette[20] == [0, 64, 128]  # tv/monitor
    assert palette[255] == [224, 224, 192]  # void, the cream of the border in VOC's masks
    assert len({tuple(colour) for colour in palette}) == 256


def test_whole_numbers_on_a_log_axis_are_written_out() -> None:
    axes = figure(2).subplots()
    dimension_axis(axes, Int(50, 200, default=50, role="scientific", log=True))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["50", "71", "100", "141", "200"]
