"""Plans of experiments: paired, matched, shared, and named by what they ask."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.arms import arm
from study.claims import by_task, overridden, select
from study.claims_toml import claims_from_spec
from study.experiment import planned
from study.experiment_plan import (
    DEFAULTS,
    TUNING_SEED,
    ExperimentSpec,
    candidates,
    cell_trials,
    conditions,
    experiment_id,
    spaces_of,
    tuning_trials,
)
from study.journal import Journal
from study.metrics import METRICS
from study.nuisance import choose
from study.records import BY_ARM
from study.spaces import SPACES
from trainables.config import TrainConfig
from trainables.errors import UserError

SPEC = ExperimentSpec(overridden(select(["aug_crossover", "aug_gap_smaller"]), seeds=3))
CHOSEN = {(a.name, budget): candidates(a, 1)[0] for a, budget in conditions(SPEC.claims)}


def test_cells_shared_by_claims_are_trained_once() -> None:
    cells = cell_trials(SPEC, CHOSEN)
    keys = Counter((trial["arm"], trial["budget"], trial["seed"]) for trial in cells.values())
    assert set(keys.values()) == {1}
    assert len(keys) == 2 * 2 * 3  # arms x budgets x seeds


def test_arms_are_paired_on_everything_but_what_is_compared() -> None:
    by_arm: dict[str, list[dict]] = {}
    for trial in cell_trials(SPEC, CHOSEN).values():
        by_arm.setdefault(trial["arm"], []).append(trial)
    plain, augmented = by_arm["resnet18"], by_arm["resnet18_aug"]
    apart = ("arm", "augment_strength")
    for a, b in zip(plain, augmented, strict=True):
        assert {k: v for k, v in a.items() if k not in apart} == {
            k: v for k, v in b.items() if k not in apart
        }
        assert a["seed"] == a["split_seed"]


def test_every_trial_makes_a_training_configuration() -> None:
    names = TrainConfig.__dataclass_fields__
    for trial in (*tuning_trials(SPEC).values(), *cell_trials(SPEC, CHOSEN).values()):
        TrainConfig.from_dict({k: v for k, v in trial.items() if k in names})


def test_numbers_of_tuning_and_cells_do_not_meet() -> None:
    tuning, cells = tuning_trials(SPEC), cell_trials(SPEC, CHOSEN)
    assert sorted([*tuning, *cells]) == list(range(len(tuning) + len(cells)))


def test_the_matched_search_tries_the_same_for_every_arm_and_none_of_the_cells_seeds() -> None:
    by_condition: dict[tuple, list] = {}
    for trial in tuning_trials(SPEC).values():
        tried = (trial["learning_rate"], trial["weight_decay"], trial["batch_size"])
        by_condition.setdefault((trial["arm"], trial["budget"]), []).append(tried)
        assert trial["seed"] == TUNING_SEED
    assert len(by_condition) == 4
    assert len({tuple(tried) for tried in by_condition.values()}) == 1


FIXED = {"learning_rate": 1e-3, "weight_decay": 1e-3, "batch_size": 32}


def test_an_arm_that_fixes_every_nuisance_parameter_is_not_tuned(tmp_path: Path) -> None:
    arms = (arm("resnet18_aug"), arm("resnet18", **FIXED))
    spec = replace(SPEC, claims=(replace(SPEC.claims[1], arms=arms, seeds=3),))
    assert {trial["arm"] for trial in tuning_trials(spec).values()} == {"resnet18_aug"}
    chosen, origins = choose(spec, Journal(tmp_path), METRICS["val_loss"])
    assert origins[arms[1].name, 14] == {"source": BY_ARM}
    assert origins["resnet18_aug", 14] == {"source": DEFAULTS}  # nothing was trained here
    numbers = [*tuning_trials(spec), *cell_trials(spec, chosen)]
    assert sorted(numbers) == list(range(planned(spec)))
    cells = [trial for trial in cell_trials(spec, chosen).values() if trial["arm"] == arms[1].name]
    assert len(cells) == 3
    assert all(trial.items() >= FIXED.items() for trial in cells)


@pytest.mark.parametrize("name", SPACES)
def test_candidates_lie_in_the_space_and_begin_with_the_defaults(name: str) -> None:
    tried = candidates(arm(name), 16)
    assert tried[0] == {k: SPACES[name].dimensions[k].default for k in tried[0]}
    assert len({str(c) for c in tried}) == 16
    for candidate in tried:
        for key, value in candidate.items():
            assert SPACES[name].dimensions[key].contains(value)


def test_the_id_follows_what_is_asked() -> None:
    assert experiment_id(replace(SPEC)) == experiment_id(SPEC)
    others = [
        replace(SPEC, claims=overridden(SPEC.claims, seeds=4)),
        replace(SPEC, claims=SPEC.claims[:1]),
        replace(SPEC, train_size=100),
        replace(SPEC, tuning_trials=0),
        replace(SPEC, data="uci_digits"),
    ]
    assert len({experiment_id(spec) for spec in (SPEC, *others)}) == 6


asked = st.fixed_dictionaries(
    {
        "claims": st.lists(
            st.sampled_from(["aug_crossover", "aug_gap_smaller", "cnn_aug_crossover"]),
            min_size=1,
            unique=True,
        ),
        "budgets": st.none() | st.lists(st.integers(1, 30), min_size=2, unique=True).map(sorted),
        "seeds": st.integers(2, 9),
        "data": st.sampled_from(["street_digits", "uci_digits"]),
        "train_size": st.integers(32, 600),  # each data set takes so many
        "tuning_trials": st.integers(0, 3),
        "sources": st.lists(st.sampled_from(["/a", "/b", "s3://c/d"]), max_size=2, unique=True),
        "precision": st.sampled_from(["auto", "fp32", "bf16"]),
        "name": st.sampled_from([None, "mine", "yours"]),
    }
)


def spec_of(values: dict) -> ExperimentSpec:
    rest = {key: value for key, value in values.items() if key not in ("budgets", "seeds")}
    claims = overridden(select(values["claims"]), values["budgets"], values["seeds"])
    return ExperimentSpec(**rest | {"claims": claims, "sources": tuple(values["sources"])})


@settings(max_examples=200)
@given(asked, asked, st.sets(st.sampled_from(["claims", "seeds", "train_size", "name", "data"])))
def test_an_id_is_of_what_is_asked_and_of_nothing_else(one: dict, other: dict, taken: set) -> None:
    """Two requests that differ in a few things have one id where those are equal after all."""
    changed = one | {key: other[key] for key in taken}
    same = experiment_id(spec_of(one)) == experiment_id(spec_of(changed))
    assert same == (one == changed)
    assert (experiment_id(spec_of(one)) == experiment_id(spec_of(other))) == (one == other)


@settings(max_examples=50)
@given(asked)
def test_a_manifest_gives_the_id_of_its_run(values: dict) -> None:
    spec = spec_of(values)
    spaces = [space.to_dict() for space in spaces_of(spec.claims)]
    recorded = json.loads(json.dumps({**spec.to_dict(), "spaces": spaces}))
    again = replace(spec, claims=claims_from_spec(recorded))
    assert experiment_id(again) == experiment_id(spec)


def test_other_ranges_are_another_experiment() -> None:
    space = SPACES["resnet18"]
    wider = {**space.dimensions, "weight_decay": replace(space.dimensions["weight_decay"], high=1)}
    recorded = {**SPEC.to_dict(), "spaces": [replace(space, dimensions=wider).to_dict()]}
    changed = replace(SPEC, claims=claims_from_spec(recorded))
    assert experiment_id(changed) != experiment_id(SPEC)


def test_an_experiment_without_claims_is_refused() -> None:
    with pytest.raises(UserError, match="at least one claim"):
        ExperimentSpec(())


def test_all_registered_claims_make_one_experiment() -> None:
    spec = ExperimentSpec(by_task("classification"))
    assert spec.data == "street_digits"
    assert spec.train_size == 500
