"""docs/claims.md: its examples load, and its tables are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from study.claim_checks import MOST_EPOCHS, MOST_SEEDS, RULES
from study.claim_types import Claim
from study.claims import load_claims
from study.claims_toml import KINDS, REQUIRED
from study.decidability import decidability
from study.metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The rows of a section's table, without the backquotes."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*) \|$", section, flags=re.MULTILINE)
    return [[cell.strip().replace("`", "") for cell in row.split("|")] for row in rows]


def load(tmp_path: Path, text: str) -> list[Claim]:
    path = tmp_path / "claims.toml"
    path.write_text(text)
    return list(load_claims(path).values())


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_claim(tmp_path: Path, example: str) -> None:
    (claim,) = load(tmp_path, example)
    assert claim.sentence


def test_the_examples_are_one_file_with_each_rule_once_that_can_be_decided(tmp_path: Path) -> None:
    claims = load(tmp_path, "".join(EXAMPLES))
    assert [claim.decided_by for claim in claims] == list(RULES)
    assert decidability(claims) == []
    assert [arm.strength for arm in claims[2].arms] == [0.0, 0.25, 0.5]


def test_the_keys_are_those_that_are_read_with_their_types_and_defaults() -> None:
    assert {key: kind for key, _, kind, *_ in table("Keys")} == KINDS
    for key, needed, *_ in table("Keys"):
        default = Claim.__dataclass_fields__[key].default
        assert needed == ("required" if key in REQUIRED else str(default)), key


def test_the_keys_values_are_those_that_are_allowed() -> None:
    allowed = {row[0]: row[-1] for row in table("Keys")}
    assert all(rule in allowed["decided_by"] for rule in RULES)
    assert f"to {MOST_EPOCHS:,};" in allowed["budgets"]
    assert f"to {MOST_SEEDS:,};" in allowed["seeds"]


def test_the_metrics_are_those_that_are_measured_with_unit_images_and_task() -> None:
    rows = table("Metrics")
    units = {"fraction": "fraction of 1", "nats": "nats"}
    assert [(name, unit, task) for name, _, unit, _, task in rows] == [
        (metric.name, units[metric.unit], metric.task or "both") for metric in METRICS.values()
    ]
    images = {"val": "validation", "train": "training", "test": "test", "gap": "validation and"}
    for name, _, _, measured, _ in rows:
        assert measured.startswith(images[name.partition("_")[0]]), name


def test_every_rule_has_its_sentence() -> None:
    section = PAGE.partition("## How a claim is decided")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^- `(\w+)`: supported where", section, flags=re.MULTILINE)) == RULES
