"""The report in a real browser: no errors, no requests, readable on desk, phone and paper."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

WIDTHS = (390, 1280)
# Frames stand in for windows, which headless Chromium does not make narrower than 500 px;
# with srcdoc they are of the page's own origin, so that their size can be read.
PROBE = """
const rgba = colour => colour.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] = rgba(getComputedStyle(at).backgroundColor);
    if (a > 0) return [r, g, b];
  }
  return [255, 255, 255];
};
const contrast = element => {
  const [a, b] = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
const texts = page => [...page.body.querySelectorAll("*")].filter(x => x.tagName !== "SCRIPT" &&
  [...x.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()));
const reachable = page => {
  const wanted = [...page.querySelectorAll("a[href], button, summary, .scroll")];
  const [first] = page.querySelectorAll("a, button, summary, [tabindex]");
  return {
    wanted: wanted.length,
    passed_over: wanted.filter(x => {
      x.focus();
      return x.tabIndex < 0 || page.activeElement !== x;
    }).map(x => x.outerHTML.slice(0, 80)),
    first: first.className,
  };
};
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
    unnamed: [...page.images].filter(image => image.alt.trim().length < 20).length,
    faint: texts(page).map(x => [contrast(x), x.outerHTML.slice(0, 80)])
      .filter(([ratio]) => !(ratio >= 4.5)),
    texts: texts(page).length,
    keyboard: reachable(page),
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map(x => x.name)
      .filter(name => !name.startsWith("data:")),
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


def headless(tmp_path: Path) -> list[str]:
    """The beginning of a command that opens a page without a screen."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    plain = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    return [chromium(), *plain, *quiet, f"--user-data-dir={tmp_path / 'profile'}"]


def seen(pages: list[tuple[str, int]], tmp_path: Path) -> tuple[list[dict], list[str]]:
    """PROBE's facts of each (HTML, width in pixels), and the lines of the console."""
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}">'
        "</iframe>"
        for page, width in pages
    )
    probe = tmp_path / "probe.html"
    probe.write_text(
        f'<!doctype html><meta charset="utf-8">{frames}<pre id="facts"></pre>'
        f"<script>{PROBE}</script>",
        encoding="utf-8",
    )
    options = ["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"]
    command = [*headless(tmp_path), *options, probe.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shown = re.search(r'<pre id="facts">(.*?)</pre>', done.stdout, re.S)
    assert shown is not None
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(shown[1])), console


def test_report_in_a_browser(
    hostile_report: Path, experiment_report: Path, segmentation_report: Path, tmp_path: Path
) -> None:
    reports = [hostile_report, experiment_report, segmentation_report]
    views = [(report, width) for report in reports for width in WIDTHS]
    pages = [(report.read_text(encoding="utf-8"), width) for report, width in views]
    found, console = seen(pages, tmp_path)
    assert not console
    for (report, width), facts in zip(views, found, strict=True):
        assert facts["content"] <= facts["view"] <= width
        assert facts["opened_content"] <= facts["view"]
        assert facts["broken"] == facts["unnamed"] == 0
        assert facts["texts"] > 100
        assert facts["faint"] == []  # WCAG 2.2's AA asks 4.5 to 1 of text
        assert facts["keyboard"]["wanted"] > 20
        assert facts["keyboard"]["passed_over"] == []
        assert facts["keyboard"]["first"] == "skip"
        assert facts["fetched"] == []
        if report == hostile_report:
            assert facts["pictures"] == 6
            assert facts["buttons"] > 10
            assert facts["sorted"] == sorted(facts["sorted"])
        else:
            assert facts["verdict"] < 900  # in the first screen
            assert facts["opened"] >= 2


BAD = """<!doctype html><p style="color: #999">faint</p><button tabindex="-1">b</button>
<p style="width: 2000px">wide</p><img src="http://report.invalid/x.png">
<script>console.error("an error")</script>"""


def test_what_is_wrong_with_a_page_is_seen(tmp_path: Path) -> None:
    (facts,), console = seen([(BAD, 390)], tmp_path)
    assert facts["content"] > facts["view"]
    assert (facts["broken"], facts["unnamed"]) == (1, 1)
    assert len(facts["faint"]) == 1
    assert len(facts["keyboard"]["passed_over"]) == 1
    assert facts["fetched"] == ["http://report.invalid/x.png"]
    assert any("an error" in line for line in console)
    (tmp_path / "bad.html").write_text(BAD)
    _, asked = printed(tmp_path / "bad.html", tmp_path)
    assert asked == {"report.invalid"}


@pytest.mark.parametrize("width", [500, 1280])  # 500 is the narrowest window Chromium makes
def test_a_screenshot_shows_the_page(experiment_report: Path, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "page.png"
    command = [*headless(tmp_path), "--hide-scrollbars"]
    command += [f"--window-size={width},1600", f"--screenshot={picture}"]
    subprocess.run([*command, experiment_report.as_uri()], capture_output=True, timeout=120)
    pixels = image.imread(picture)
    assert pixels.shape[:2] == (1600, width)
    # Text, badges and figures reach down the page: no band of it is blank.
    bands = pixels[:, :, :3].reshape(4, -1, 3)
    assert all(len(np.unique((band * 255).astype(np.uint8), axis=0)) > 20 for band in bands)


def printed(page: Path, tmp_path: Path) -> tuple[bytes, set[str]]:
    """The page as a PDF, and the hosts that were asked for something while it was shown.

    The hosts are from Chromium's own log of the network, but for those of its maker.
    """
    paper, log = tmp_path / "page.pdf", tmp_path / "net.json"
    options = [f"--print-to-pdf={paper}", f"--log-net-log={log}"]
    command = [*headless(tmp_path), *options, page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    text = log.read_text(encoding="utf-8", errors="replace")
    hosts = set(re.findall(r'"url":"(?:https?|wss?)://([^/":]+)', text))
    makers = ("google", "gstatic", "gvt1")
    return paper.read_bytes(), {h for h in hosts if not any(name in h for name in makers)}


def test_it_prints_and_asks_the_network_for_nothing(
    experiment_report: Path, tmp_path: Path
) -> None:
    paper, asked = printed(experiment_report, tmp_path)
    assert asked == set()
    assert paper.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 60


def test_folded_parts_are_on_paper(
    experiment_report: Path, segmentation_report: Path, tmp_path: Path
) -> None:
    """Told by their pictures' texts, which Chromium writes into a PDF as they are."""
    for report in (experiment_report, segmentation_report):
        paper, _ = printed(report, tmp_path)
        folded = re.findall(r"<details>.*?</details>", report.read_text("utf-8"), re.DOTALL)
        wanted = Counter(re.findall(r'<img [^>]*alt="([^"]+)"', "".join(folded)))
        assert len(wanted) >= 2
        for alt, count in wanted.items():
            assert paper.count(b"/Alt (" + in_a_pdf(alt)) >= count, alt


def in_a_pdf(text: str) -> bytes:
    """The beginning of a text as a PDF has it between brackets."""
    plain = re.match(r"[ -~]+", html.unescape(text))
    assert plain is not None
    return re.sub(r"([()\\])", r"\\\1", plain[0]).encode()
