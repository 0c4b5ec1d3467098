"""Folders that fail: tried again for a bounded time, nothing half written, a clear end."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from trainables.checkpoint import STATE, CheckpointStore
from trainables.errors import UserError
from trainables.patience import PATIENCE_VARIABLE, StorageError, patience, patiently, reason
from trainables.storage import Folder, stored_bytes


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr("trainables.patience.PAUSES", (0.01, 0.02))


def failing(times: int, number: int = errno.EIO) -> Callable[[], str]:
    """An action that works from its `times` + 1st attempt on."""
    left = [times]

    def action() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(number, os.strerror(number))
        return "done"

    return action


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOSPC])
def test_what_fails_for_a_while_is_tried_again_and_said_once(number: int) -> None:
    said: list[str] = []
    assert patiently(failing(4, number), "/runs/x", 30.0, said.append) == "done"
    assert said == [
        f"/runs/x: {os.strerror(number)}; trying again for 30 s",
        "/runs/x can be used again",
    ]


def test_what_works_says_nothing() -> None:
    said: list[str] = []
    assert patiently(failing(0), "/runs/x", 0.0, said.append) == "done"
    assert said == []


def test_what_stays_away_is_an_error_of_one_line_that_says_what_to_do() -> None:
    with pytest.raises(StorageError, match=r"^/runs/x could not be used for 0 s \(Input/output"):
        patiently(failing(1_000_000), "/runs/x", 0.1)
    with pytest.raises(StorageError, match="is full; what was finished is kept: free some space"):
        patiently(failing(1_000_000, errno.ENOSPC), "/runs/x", 0.1)


def test_what_waiting_does_not_mend_is_not_waited_for() -> None:
    with pytest.raises(StorageError, match="Permission denied"):
        patiently(failing(1, errno.EACCES), "/runs/x", 1e6)


def amazon(word: str) -> OSError:
    """As pyarrow tells of it: without a number."""
    return OSError(f"When writing 'x': AWS Error {word} during PutObject operation: no. (ID: a)")


@pytest.mark.parametrize(
    "word",
    ["ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "NO_SUCH_BUCKET"],
)
def test_a_store_that_refuses_is_not_waited_for(word: str) -> None:
    def refused() -> None:
        raise amazon(word)

    with pytest.raises(StorageError, match=rf"^s3://x could not be used \({word}: no"):
        patiently(refused, "s3://x", 0.5)


def test_a_store_that_is_busy_is_waited_for() -> None:
    errors = [amazon("SLOW_DOWN"), amazon("NETWORK_CONNECTION")]

    def busy() -> str:
        if errors:
            raise errors.pop()
        return "done"

    assert patiently(busy, "s3://x", 30.0) == "done"


def test_what_is_no_fault_of_storage_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 / 0, "/runs/x", 1e6)


def test_a_state_survives_a_disk_that_is_full_for_a_while(tmp_path: Path, monkeypatch) -> None:
    """The state before stays whole; torch wraps the error in one of its own."""
    store = CheckpointStore(Folder(str(tmp_path)))
    store.save({"config": 1, "model": {}}, finished=False)
    truly, full, seen = torch.save, [3], []

    def save(value, file) -> None:
        if full[0]:
            full[0] -= 1
            seen.append(store.load())
            file.write(b"half of it")
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError:
                raise RuntimeError("unexpected pos") from None
        truly(value, file)

    monkeypatch.setattr("trainables.checkpoint.torch.save", save)
    store.save({"config": 2, "model": {}}, finished=False)
    assert [state["config"] for state in seen if state] == [1, 1, 1]
    state = store.load()
    assert state is not None
    assert state["config"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_two_who_write_a_file_at_once_do_not_tear_it(tmp_path: Path) -> None:
    """A node that cannot be reached trains on, beside the one that took its trial over."""
    folder = Folder(str(tmp_path))

    def slowly(file: BinaryIO) -> None:
        file.write(b"first ")
        folder.write(STATE, stored_bytes(b"second"))
        assert folder.read(STATE) == b"second"
        file.write(b"whole")

    folder.write(STATE, slowly)
    assert folder.read(STATE) == b"first whole"
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_who_is_interrupted_leaves_nothing_half_written(tmp_path: Path) -> None:
    def interrupted(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Folder(str(tmp_path)).write(STATE, interrupted)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "cells"))
    folder.sweep()  # there is no such folder yet

    def killed(file: BinaryIO) -> None:
        for half in (tmp_path / "cells").glob("*.part"):
            shutil.copy(half, f"{half}.kept.part")  # as a process that cannot tidy up leaves it
        file.write(b"whole")

    folder.write("1.npz", killed)
    assert len(list((tmp_path / "cells").iterdir())) == 2
    folder.sweep()
    assert [path.name for path in (tmp_path / "cells").iterdir()] == ["1.npz"]


def test_amazons_and_googles_paragraphs_are_cut_to_the_reason() -> None:
    amazon = OSError(
        "When getting information for bucket 'x': AWS Error ACCESS_DENIED during HeadBucket "
        "operation: No response body. (Request ID: abc)"
    )
    assert reason(amazon) == "ACCESS_DENIED: No response body."
    google = OSError(
        "google::cloud::Status(UNAVAILABLE: Retry policy exhausted. The underlying error message "
        "was: PerformWork() - CURL error [6]=Could not resolve hostname error_info={reason=, x}"
    )
    assert reason(google) == "PerformWork() - CURL error [6]=Could not resolve hostname"


def test_a_folder_is_named_alike_on_disk_and_in_a_store(tmp_path: Path) -> None:
    assert str(Folder("s3://bucket/runs/?region=eu-west-1") / "x" / "y") == (
        "s3://bucket/runs/x/y?region=eu-west-1"
    )
    assert str(Folder("/runs?") / "x") == "/runs?/x"


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "inf"])
def test_patience_is_a_number_of_seconds(said: str, monkeypatch) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, said)
    with pytest.raises(UserError, match="must be a number of seconds"):
        patience()
