"""Plans: ids that follow the specification, and refusals that name rule and value."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.claims import select
from study.estimate import Images, estimate
from study.experiment_plan import ExperimentSpec
from study.plan import SearchSpec, digest, epochs_cut, run_id, searched_space
from study.resources import Resources
from trainables.errors import UserError

SPEC = SearchSpec("resnet18_aug")


def test_the_same_specification_has_the_same_id() -> None:
    assert run_id(SearchSpec("resnet18_aug")) == run_id(SPEC)
    # Naming a default is not another specification.
    assert run_id(SearchSpec("resnet18_aug", data="street_digits", train_size=1000)) == run_id(SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"trials": 13},
        {"max_epochs": 3},
        {"train_size": 500},
        {"objective": "val_loss"},
        {"sampler": "random"},
        {"scheduler": "none"},
        {"data": "uci_digits"},
        {"pretrained": True},
        {"precision": "fp32"},
    ],
)
def test_whatever_changes_the_results_changes_the_id(change: dict) -> None:
    assert run_id(replace(SPEC, **change)) != run_id(SPEC)


def test_the_task_decides_what_is_optimised_and_the_data_how_large_images_are() -> None:
    assert (SPEC.objective, SPEC.image_size) == ("val_accuracy", None)
    scenes = SearchSpec("tiny_scenes")
    assert (scenes.objective, scenes.image_size) == ("val_miou", 64)
    assert run_id(replace(scenes, image_size=128)) != run_id(scenes)


def test_larger_images_take_longer() -> None:
    small, large = (SearchSpec("fcn_resnet50", image_size=side) for side in (64, 128))

    def seconds(spec: SearchSpec) -> float:
        return estimate(spec, Images(1_000, spec.image_size), Resources(), 2).seconds

    ratio = seconds(large) / seconds(small)
    assert 3 < ratio < 4


def test_a_name_replaces_the_readable_part_only() -> None:
    assert run_id(replace(SPEC, name="mine")).startswith("mine-")


def test_max_epochs_ends_the_range_and_keeps_the_default_inside() -> None:
    epochs = searched_space(replace(SPEC, max_epochs=1)).dimensions["epochs"]
    assert (epochs.low, epochs.high, epochs.default) == (1, 1, 1)
    epochs = searched_space(replace(SPEC, max_epochs=100)).dimensions["epochs"]
    assert epochs.high == 100
    assert epochs.contains(epochs.default)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"space": "resnet18_agu"},
            "did you mean resnet18_aug.*of your own needs its --plugin\\)$",
        ),
        ({"data": "street_digit"}, "did you mean street_digits"),
        ({"sampler": "tpee"}, "did you mean tpe"),
        ({"scheduler": "ahsa"}, "did you mean asha"),
        ({"objective": "val_acc"}, "did you mean val_accuracy"),
        ({"trials": 0}, "--trials must be a whole number of at least 1, got 0"),
        ({"max_epochs": -1}, "--max-epochs must be .* got -1"),
        ({"train_size": 0}, "--train-size must be"),
        ({"seed": -1}, "--seed must be a whole number of at least 0, got -1"),
        ({"name": "a/b"}, "--name must be"),
        ({"precision": "fp61"}, "unknown precision 'fp61'"),
        ({"space": "cnn", "pretrained": True}, "cnn has no pretrained weights"),
        ({"objective": "val_miou"}, "unknown objective 'val_miou'"),
        ({"image_size": 64}, "--image-size: street_digits images are 32x32; leave it out"),
        ({"data": "street_scenes"}, "street_scenes is for segmentation, and resnet18 does class"),
        ({"space": "fcn_resnet50", "data": "svhn"}, "use street_scenes, voc, .* or voc2007$"),
        ({"space": "fcn_resnet50", "image_size": 60}, "--image-size.* 60"),
    ],
)
def test_a_wrong_request_is_one_line(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        SearchSpec(**{"space": "resnet18_aug", **options})
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpus_per_trial": 0.0}, "--cpus-per-trial must be a finite number above 0, got 0"),
        ({"cpus_per_trial": math.nan}, "--cpus-per-trial must be .* got nan"),
        ({"gpus_per_trial": -0.5}, "--gpus-per-trial must be .* got -0.5"),
        ({"gpus_per_trial": 1.5}, "above 1 must be a whole number, got 1.5"),
        ({"concurrency": 0}, "--concurrency must be"),
        ({"workers_per_trial": 0}, "--workers-per-trial must be"),
        ({"workers_per_trial": 2, "gpus_per_trial": 0.5}, "cannot share a GPU"),
    ],
)
def test_wrong_resources_are_one_line(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Resources(**options)


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("most", "said"),
    [
        (None, ""),
        (5, ""),
        (40, ""),
        (4, "--max-epochs 4: the range 4 .. 32 is cut to 4, so epochs are not searched"),
        (3, "--max-epochs 3: the range 4 .. 32 is cut to 3, so epochs are not searched"),
    ],
)
def test_a_range_of_epochs_that_is_cut_to_a_point_is_said_to(most: int | None, said: str) -> None:
    assert epochs_cut(SearchSpec("cnn", max_epochs=most)) == said


@pytest.mark.parametrize(
    ("data", "least"), [("street_digits", 32), ("uci_digits", 10), ("street_scenes", 2)]
)
def test_fewer_images_than_a_data_set_can_be_trained_on_are_refused(data: str, least: int) -> None:
    name = "tiny_scenes" if data == "street_scenes" else "tiny"
    claim = "seg_aug_gap_smaller" if data == "street_scenes" else "aug_gap_smaller"
    refused = f"--train-size {least - 1}: {data} needs at least {least}"
    for make in (
        lambda size: SearchSpec(name, data, train_size=size),
        lambda size: ExperimentSpec(select([claim]), data, train_size=size),
    ):
        make(least)
        with pytest.raises(UserError, match=refused):
            make(least - 1)


specs = st.builds(
    SearchSpec,
    space=st.sampled_from(["tiny", "tiny_aug", "cnn"]),
    trials=st.integers(1, 5),
    max_epochs=st.none() | st.integers(1, 5),
    seed=st.integers(0, 3),
    sampler=st.sampled_from(["tpe", "random"]),
    train_size=st.none() | st.integers(32, 34),
)


@given(specs, specs)
def test_two_specifications_have_one_id_only_where_they_are_the_same(a, b) -> None:
    assert (run_id(a) == run_id(b)) == (a == b)
    assert run_id(SearchSpec(**a.to_dict())) == run_id(a)


@given(specs, st.integers(1, 64))
def test_every_plan_has_a_cost_that_its_space_allows(spec: SearchSpec, cpus: int) -> None:
    cost = estimate(spec, Images(None, None), Resources(), cpus)
    epochs = searched_space(spec).dimensions["epochs"]
    assert epochs.contains(epochs.default)
    assert spec.trials <= cost.epochs <= cost.at_most == spec.trials * epochs.high
    assert 1 <= cost.slots <= min(spec.trials, cpus)
