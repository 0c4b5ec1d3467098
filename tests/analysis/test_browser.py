"""The report in a real browser: no errors, no sideways scrolling, on desk and phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

WIDTHS = (390, 1280)
# Frames stand in for windows, which headless Chromium does not make narrower than 500 px;
# with srcdoc they are of the page's own origin, so that their size can be read.
PROBE = """
const frames = [...document.querySelectorAll("iframe")];
const facts = () => frames.map(frame => {
  const page = frame.contentDocument, root = page.documentElement;
  return {
    view: root.clientWidth, content: root.scrollWidth,
    broken: [...page.images].filter(image => !image.naturalWidth).length,
    pictures: page.images.length,
    buttons: page.querySelectorAll("th button").length,
    verdict: (() => {
      const badge = page.querySelector("td .badge");
      return badge ? badge.getBoundingClientRect().bottom : null;
    })(),
    opened: (() => {
      const folded = [...page.querySelectorAll("details")];
      for (const part of folded) part.open = true;
      return folded.length;
    })(),
    opened_content: root.scrollWidth,
    sorted: (() => {
      const button = [...page.querySelectorAll("[data-sortable] th button")].find(
        x => x.textContent.startsWith("learning rate"));
      if (!button) return null;
      button.click();
      const cell = button.parentElement;
      return [...cell.closest("table").tBodies[0].rows].map(
        row => parseFloat(row.cells[cell.cellIndex].textContent));
    })(),
  };
});
window.addEventListener("load", () => {
  document.getElementById("facts").textContent = JSON.stringify(facts());
});
"""


def chromium() -> str:
    """Path of a Chromium, or skip."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine")


def test_report_in_a_browser(
    hostile_report: Path, experiment_report: Path, segmentation_report: Path, tmp_path: Path
) -> None:
    reports = [hostile_report, experiment_report, segmentation_report]
    views = [(report, width) for report in reports for width in WIDTHS]
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" '
        f'srcdoc="{html.escape(report.read_text(encoding="utf-8"))}"></iframe>'
        for report, width in views
    )
    probe = tmp_path / "probe.html"
    probe.write_text(
        f'<!doctype html><meta charset="utf-8">{frames}<pre id="facts"></pre>'
        f"<script>{PROBE}</script>",
        encoding="utf-8",
    )
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=10000", "--dump-dom", probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not console
    shown = re.search(r'<pre id="facts">(.*?)</pre>', done.stdout, re.S)
    assert shown is not None
    for (report, width), facts in zip(views, json.loads(html.unescape(shown[1])), strict=True):
        assert facts["content"] <= facts["view"] <= width
        assert facts["opened_content"] <= facts["view"]
        assert facts["broken"] == 0
        if report == hostile_report:
            assert facts["pictures"] == 6
            assert facts["buttons"] > 10
            assert facts["sorted"] == sorted(facts["sorted"])
        else:
            assert facts["verdict"] < 900  # in the first screen
            assert facts["opened"] >= 2


@pytest.mark.parametrize("width", [500, 1280])  # 500 is the narrowest window Chromium makes
def test_a_screenshot_shows_the_page(experiment_report: Path, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "page.png"
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--hide-scrollbars"]
    command += [f"--window-size={width},1600", f"--screenshot={picture}"]
    subprocess.run([*command, experiment_report.as_uri()], capture_output=True, timeout=120)
    pixels = image.imread(picture)
    assert pixels.shape[:2] == (1600, width)
    # Text, badges and figures reach down the page: no band of it is blank.
    bands = pixels[:, :, :3].reshape(4, -1, 3)
    assert all(len(np.unique((band * 255).astype(np.uint8), axis=0)) > 20 for band in bands)
