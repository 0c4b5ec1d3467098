"""What a search and an experiment share, without Ray."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from study import experiment, explore, reading, records, stage
from study.claims import select
from study.display import Display
from study.experiment_plan import ExperimentSpec, experiment_id
from study.journal import Journal
from study.metrics import METRICS
from study.place import Local, local
from study.plan import SearchSpec
from study.plugins import load as load_plugins
from study.reading import read
from study.request import Request
from study.resources import Resources
from study.results import nothing_finished
from study.slots import Slots
from study.tracking import Tracking
from tests.study.commands import ROOT
from tests.study.local_store import local_store
from tests.study.test_records import manifest
from trainables.closed_form import closed_form
from trainables.data import load_dataset
from trainables.data.base import Dataset
from trainables.errors import UserError


def test_a_run_without_an_epoch_names_every_place_that_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    here = f"Mend it, delete {tmp_path} and run again"
    assert str(nothing_finished(local(tmp_path), journal)).endswith(here)
    stored = Local(tmp_path, local_store(tmp_path / "store"))
    both = f"Mend it, delete both {tmp_path} and s3://bucket/run and run again"
    assert str(nothing_finished(stored, journal)).endswith(both)


def test_a_trial_that_goes_on_is_shown(tmp_path: Path, monkeypatch) -> None:
    """Journal and display as a session has them, without Ray."""
    slots = Slots(1, 1.0, 0.0, 1, None, {})
    monkeypatch.setattr(stage.cluster, "connected", lambda *args: contextlib.nullcontext(slots))
    request = Request(
        place=local(tmp_path),
        opening="",
        trials=1,
        metric=METRICS["val_loss"],
        data="uci_digits",
        data_dir=None,
        download=False,
        train_size=100,
        image_size=None,
        models=[],
        split_seed=0,
        with_test=False,
        identity={"kind": "search", "spec": {}, "objective": {}, "seeds": [0]},
        resources=Resources(),
        tracking=Tracking("off", ""),
        quiet=True,
        console=Console(),
    )
    Journal(tmp_path).start(0, {})
    with stage.staged(request, None, lambda journal: []) as ready:
        assert "0 running" in panel(ready.display)
        ready.journal.start(0, {})
        assert "1 running" in panel(ready.display)


def panel(display: Display) -> str:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(display._panel())
    return captured.get()


def silent(line: str) -> None:
    """What is said is not of interest here."""


class Asked(Exception):
    """Ends a search where its data would be loaded."""


def asked(storage: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """What a search of digits asks for."""
    requests: list[Request] = []

    def staged(request: Request, *rest: object) -> None:
        requests.append(request)
        raise Asked

    monkeypatch.setattr(explore, "staged", staged)
    spec = SearchSpec("tiny", data="uci_digits", train_size=100)
    with pytest.raises(Asked):
        explore.search(spec, storage, Resources(), wandb="off", quiet=True)
    (request,) = requests
    return request


def test_a_search_says_where_it_searches_no_epochs(tmp_path: Path, monkeypatch, capsys) -> None:
    def staged(*_: object) -> None:
        raise Asked

    monkeypatch.setattr(explore, "staged", staged)
    for most, is_said in ((1, True), (3, False)):
        spec = SearchSpec("tiny", data="uci_digits", max_epochs=most)
        with pytest.raises(Asked):
            explore.search(spec, tmp_path, Resources(), wandb="off")
        assert ("note: --max-epochs 1: the range 2 .. 8" in capsys.readouterr().out) == is_said


def test_the_hardware_on_record_is_that_which_trained(tmp_path: Path, monkeypatch) -> None:
    """Where a run is begun on a cluster whose nodes are still to come."""

    @contextlib.contextmanager
    def connected(*_: object) -> Iterator[Slots]:
        yield Slots(1, 1.0, 0.0, 1, "head:6379", {"CPU": 0.0})

    request = asked(tmp_path, monkeypatch)
    request.run.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(stage.cluster, "connected", connected)
    monkeypatch.setattr(stage.cluster, "there", lambda: [{"CPU": 4.0}, {"CPU": 0.0}])
    monkeypatch.setattr(stage, "_write_report", lambda run: None)
    with stage.staged(request, None, lambda journal: []) as ready:
        ready.journal.start(0, {})
        closed_form({"epochs": 1, "learning_rate": 0.01}, lambda x: ready.journal.epoch(0, x))
    manifest = records.read_manifest(request.run)
    assert manifest.hardware["cpus"] == manifest.sessions[0]["hardware"]["cpus"] == 4.0


def test_a_search_is_given_no_test_set(tmp_path: Path, monkeypatch) -> None:
    request = asked(tmp_path, monkeypatch)
    assert read(request, silent).test is None
    assert read(replace(request, with_test=True), silent).test is not None


def test_failed_cells_are_not_counted_as_done(tmp_path: Path, monkeypatch) -> None:
    requests: list[Request] = []

    def staged(request: Request, *rest: object) -> None:
        requests.append(request)
        raise Asked

    monkeypatch.setattr(experiment, "staged", staged)
    spec = ExperimentSpec(select(["aug_gap_smaller"]), tuning_trials=0)
    (tmp_path / experiment_id(spec)).mkdir()
    journal = Journal(tmp_path / experiment_id(spec))
    for number, state in enumerate(["completed", "failed", "diverged", "failed"]):
        journal.start(number, {})
        journal.end(number, state)
    with pytest.raises(Asked):
        experiment.experiment(spec, tmp_path, wandb="off", quiet=True)
    assert requests[0].opening.endswith(": 2 of 16 trainings are done")


@pytest.mark.parametrize("stored", [False, True])
def test_what_an_earlier_session_reported_is_gone_once_another_trains(
    stored: bool, tmp_path: Path, monkeypatch
) -> None:
    """Else an interruption before the new report would leave the old verdicts for good."""
    slots = Slots(1, 1.0, 0.0, 1, None, {})
    monkeypatch.setattr(stage.cluster, "connected", lambda *args: contextlib.nullcontext(slots))
    request = asked(tmp_path, monkeypatch)
    folders = [request.run]
    if stored:
        store = local_store(tmp_path / "store")
        request = replace(request, place=Local(request.run, store))
        folders.append(Path(store.connect()[1]))
    pages = [folder / records.REPORT / "index.html" for folder in folders]
    for page in pages:
        page.parent.mkdir(parents=True)
        page.write_text("withheld")
    before = manifest(data={"content_hash": read(request, silent).content_hash})
    with pytest.raises(KeyboardInterrupt), stage.staged(request, before, lambda journal: []):
        raise KeyboardInterrupt
    assert not any(page.exists() for page in pages)


def folders_of(data: Path) -> None:
    """Two classes, of which one image is left for validation."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 5), ("test", 1)):
        for label in "ab":
            (data / part / label).mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(image).save(data / part / label / f"{number}.png")


@pytest.mark.usefixtures("plugins_forgotten")
def test_few_validation_images_are_told_of(tmp_path: Path, monkeypatch) -> None:
    request = asked(tmp_path / "runs", monkeypatch)
    notes: list[str] = []
    load_plugins([ROOT / "examples" / "own_data.py"])
    folders_of(tmp_path / "data")
    folder = str(tmp_path / "data")
    own = replace(request, data="folders", data_dir=folder, train_size=None, models=[])
    read(own, notes.append)
    few = "only 2 validation images: differences between trials may be chance; use more data"
    assert notes[-2:] == ["folders: 8 training and 2 validation images", f"note: {few}"]
    read(request, notes.append)
    assert "validation images" in notes[-1]
    assert "note" not in notes[-1]
    for file in (tmp_path / "data" / "train" / "b").iterdir():
        file.unlink()
    read(own, notes.append)
    assert "note: no image to train on is of class b" in notes
    shutil.rmtree(tmp_path / "data" / "test")
    with pytest.raises(UserError, match=rf"^folders \({folder}\) has no test images"):
        read(replace(own, with_test=True), silent)
    shutil.rmtree(tmp_path / "data" / "train" / "b")
    with pytest.raises(UserError, match=rf"^folders \({folder}\): needs two or more classes"):
        read(own, silent)


@pytest.mark.parametrize(("seconds", "slow"), [(0.0, 60.0), (1.0, 0.2)])
def test_images_that_take_long_are_explained_meanwhile(
    seconds: float, slow: float, tmp_path: Path, monkeypatch
) -> None:
    def slowly(*args: Any, **options: Any) -> Dataset:
        time.sleep(seconds)
        return load_dataset(*args, **options)

    request, notes = asked(tmp_path, monkeypatch), []
    monkeypatch.setattr(reading, "load_dataset", slowly)
    monkeypatch.setattr(reading, "SLOW", slow)
    read(request, notes.append)
    told = "uci_digits: its images are still being read or made"
    assert (notes[0] == told, told in notes[1:]) == (seconds > slow, False)
