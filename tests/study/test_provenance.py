"""What is recorded of the code that ran."""

from __future__ import annotations

import pytest

from study import provenance


@pytest.mark.parametrize(
    ("status", "dirty"),
    [
        ("", False),
        ("?? my_claims.toml\n?? data/one.png", False),
        ("?? my_claims.toml\n?? study/extra.py", True),
        (" M README.md", True),
        (None, None),
    ],
)
def test_claims_and_data_beside_the_code_do_not_change_it(monkeypatch, status, dirty) -> None:
    answers = {"rev-parse": "c0ffee", "status": status}
    monkeypatch.setattr(provenance, "_git", lambda root, command, *options: answers[command])
    assert provenance.git_state() == {"commit": "c0ffee", "dirty": dirty}
