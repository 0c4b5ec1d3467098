"""What every search space promises, whichever it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from study.domains import Choice, Float, Int, describe
from study.dry_run import print_plan
from study.estimate import Images, estimate
from study.plan import SearchSpec, run_id
from study.resources import Resources
from study.spaces import SPACES, space_from_dict
from trainables.config import TrainConfig
from trainables.data import source
from trainables.models import MODELS


@pytest.mark.parametrize("name", SPACES)
def test_a_training_can_be_made_of_its_defaults_and_of_both_ends(name: str) -> None:
    space = SPACES[name]
    ends = [
        {key: getattr(domain, end, domain.default) for key, domain in space.dimensions.items()}
        for end in ("low", "default", "high")
    ]
    for values in ends:
        TrainConfig.from_dict({**values, "model": space.model})
        assert all(space.dimensions[key].contains(value) for key, value in values.items())
    assert ends[1] == space.defaults()


@pytest.mark.parametrize("name", SPACES)
def test_its_ranges_have_an_inside_and_an_outside(name: str) -> None:
    assert isinstance(SPACES[name].dimensions["epochs"], Int)
    for domain in SPACES[name].dimensions.values():
        assert describe(domain)
        if isinstance(domain, (Float, Int)):
            assert domain.low < domain.high
            assert not domain.contains(domain.high + 1)
            assert not domain.contains(domain.low - 1)
        else:
            assert isinstance(domain, Choice)
            assert not domain.contains("neither")


@pytest.mark.parametrize("name", SPACES)
def test_it_survives_json(name: str) -> None:
    space = SPACES[name]
    assert space.name == name
    assert space_from_dict(json.loads(json.dumps(space.to_dict()))) == space


@pytest.mark.parametrize("name", SPACES)
def test_its_model_does_what_its_data_are_for(name: str) -> None:
    space = SPACES[name]
    assert space.task == MODELS[space.model].task == source(space.data).task


@pytest.mark.parametrize("name", SPACES)
def test_it_has_a_plan(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = SearchSpec(name)
    assert run_id(spec).startswith(f"{name}-{SPACES[name].data}-")
    cost = estimate(spec, Images(1_000, None), Resources(), cpus=2)
    assert 0 < cost.epochs <= cost.at_most
    assert cost.slots == 2
    assert cost.seconds > 0
    plan = print_plan(Console(width=80), spec, Resources(), str(tmp_path))
    assert plan["run_id"] == run_id(spec)
    shown = capsys.readouterr().out
    assert run_id(spec) in shown
    assert all(dimension in shown for dimension in SPACES[name].dimensions)
    assert list(tmp_path.iterdir()) == []
