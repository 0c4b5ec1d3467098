"""Where the stored tables are from can be looked up."""

from __future__ import annotations

import pytest

from tests.golden import __main__ as golden


@pytest.mark.parametrize("git", [{"commit": "a", "dirty": True}, {"commit": None, "dirty": None}])
def test_what_is_not_committed_is_refused(monkeypatch: pytest.MonkeyPatch, git: dict) -> None:
    def trained(folder: object) -> dict:
        raise AssertionError("it was not refused")

    monkeypatch.setattr(golden, "git_state", lambda: git)
    monkeypatch.setattr(golden, "searched", trained)
    with pytest.raises(SystemExit, match=r"^error: .* not committed; commit them first$"):
        golden.main()
