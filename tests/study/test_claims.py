"""The registered claims, the TOML format and the arithmetic of what can be decided."""

import dataclasses
import json
import subprocess
import sys
import textwrap

import pytest

from study.claims import (
    CLAIMS,
    arm,
    by_task,
    cells,
    load_claims,
    overridden,
    select,
)
from study.claims_toml import claim_to_dict, claims_from_spec
from study.decidability import corrected_minimum_p, decidability, minimum_p
from trainables.errors import UserError

GOOD = """
[[claim]]
id = "tiny_gap"
sentence = "Augmentation makes the tiny model overfit less."
decided_by = "paired_difference"
arms = ["tiny_aug", "tiny"]
metric = "gap"
direction = "lower"
budgets = [2, 4]
smallest_effect = 0.05
"""


def write(tmp_path, text):
    path = tmp_path / "claims.toml"
    path.write_text(textwrap.dedent(text))
    return path


def problems(tmp_path, text):
    with pytest.raises(UserError) as caught:
        load_claims(write(tmp_path, text))
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


def test_the_issues_claims_are_registered():
    for model in ("", "cnn_"):
        assert {f"{model}aug_gap_smaller", f"{model}aug_crossover"} <= set(CLAIMS)
        assert f"{model}strength_dose_response" in CLAIMS
    ranking = {"resnet18_beats_cnn", "aug_resnet18_beats_cnn", "resnet18_beats_aug_short"}
    assert {*ranking, "cnn_beats_aug_short"} <= set(CLAIMS)
    assert all(CLAIMS[id].metric == "test_accuracy" for id in ranking)
    assert len({CLAIMS[id].decisive_budgets for id in ranking}) == 1, "budgets must match"


def test_segmentation_has_its_claims_on_its_own_data():
    claims = by_task("segmentation")
    assert {c.id for c in claims} >= {
        "resnet50_beats_aug_short",
        "seg_aug_gap_smaller",
        "seg_aug_crossover",
    }
    assert CLAIMS["resnet50_beats_aug_short"].metric == "test_miou"
    assert {*by_task("classification"), *claims} == set(CLAIMS.values())


def test_a_metric_of_the_other_task_is_refused():
    with pytest.raises(UserError, match="'test_miou' is measured in segmentation only"):
        dataclasses.replace(CLAIMS["resnet18_beats_cnn"], metric="test_miou")


def test_an_arm_has_one_name_however_it_is_written():
    assert arm("resnet18_aug", augment_strength=0) == arm("resnet18")
    assert arm("resnet18_aug", augment_strength=0.5) == arm("resnet18_aug")
    assert arm("resnet18_aug", augment_strength=1) == arm("resnet18_aug", augment_strength=1.0)
    assert arm("resnet18_aug", augment_strength=0.25).name == "resnet18_aug[augment_strength=0.25]"
    assert arm("resnet18_aug", augment_strength=0.25).settings() == {
        "model": "resnet18",
        "augment_strength": 0.25,
    }
    assert arm("resnet18").strength == 0.0
    assert arm("cnn", batch_size=32) != arm("cnn")


def test_cells_are_shared_between_claims():
    wanted = select(["aug_gap_smaller", "aug_crossover", "strength_dose_response"])
    shared = cells(wanted)
    assert len(shared) == len(set(shared)) == (3 + 2) * 8
    assert sum(len(claim.cells()) for claim in wanted) > len(shared)
    assert {cell.seed for cell in shared} == set(range(8))


def test_overridden_budgets_go_to_the_short_and_the_long():
    short, long, both = overridden(
        select(["resnet18_beats_cnn", "aug_gap_smaller", "aug_crossover"]), (2, 5, 9), seeds=3
    )
    assert short.decisive_budgets == (2,)
    assert long.decisive_budgets == (9,)
    assert both.decisive_budgets == (2, 5, 9)
    assert {claim.seeds for claim in (short, long, both)} == {3}
    assert overridden([CLAIMS["aug_crossover"]]) == (CLAIMS["aug_crossover"],)


def test_a_crossover_refuses_one_budget():
    with pytest.raises(UserError, match="two or more budgets"):
        overridden([CLAIMS["aug_crossover"]], (4,))


@pytest.mark.parametrize(("seeds", "smallest"), [(3, 1 / 8), (8, 1 / 256)])
def test_the_smallest_p_of_a_paired_test_halves_with_every_seed(seeds, smallest):
    assert minimum_p(CLAIMS["resnet18_beats_cnn"], seeds) == smallest
    assert minimum_p(CLAIMS["aug_crossover"], seeds) == smallest


def test_the_smallest_p_of_a_trend_counts_the_orders_of_its_arms():
    assert minimum_p(CLAIMS["strength_dose_response"], 2) == pytest.approx(1 / 36)


def test_holm_over_the_smallest_p_values():
    claims = select(["resnet18_beats_cnn", "aug_gap_smaller", "strength_dose_response"])
    corrected = corrected_minimum_p(claims)
    assert corrected["strength_dose_response"] == pytest.approx(3 * 6.0**-8)
    assert corrected["resnet18_beats_cnn"] == corrected["aug_gap_smaller"] == 2 / 256


def test_three_seeds_are_warned_of_with_the_number_that_would_do():
    (warning,) = decidability(overridden([CLAIMS["resnet18_beats_cnn"]], seeds=3))
    assert "0.125" in warning
    assert "--seeds 5" in warning
    assert decidability(overridden([CLAIMS["resnet18_beats_cnn"]], seeds=5)) == []


def test_claims_that_lack_seeds_for_one_reason_share_a_warning():
    claims = overridden(by_task("classification"), seeds=2)
    (warning,) = decidability(claims)
    assert warning.startswith("9 claims cannot be decided with 2 seeds (resnet18_beats_cnn, ")
    assert "p-value they can reach is 0.25 or more, alpha is 0.05; " in warning
    assert "use --seeds 8 or more (in a file: seeds = 8), or decide fewer" in warning
    few = dataclasses.replace(claims[0], alpha=0.01)
    assert [w.partition(" cannot")[0] for w in decidability([few, *claims[1:]])] == [
        "claim 'resnet18_beats_cnn'",
        "8 claims",
    ]


def test_as_many_seeds_as_a_warning_proposes_are_enough():
    claims = overridden(by_task("classification"), seeds=7)
    (warning,) = decidability(claims)
    proposed = int(warning.partition("--seeds ")[2].split()[0])
    assert decidability(overridden(claims, seeds=proposed)) == []
    assert decidability(overridden(claims, seeds=proposed - 1)) != []


def test_fewer_claims_together_are_proposed_only_where_that_helps():
    pair = [CLAIMS["resnet18_beats_cnn"], CLAIMS["aug_gap_smaller"]]
    for seeds, helps in ((3, False), (5, True)):
        (warning,) = decidability(overridden(pair, seeds=seeds))
        assert ("fewer claims" in warning) == helps
        assert bool(decidability(overridden(pair[:1], seeds=seeds))) != helps


def test_select_names_every_unknown_id_with_its_neighbour():
    with pytest.raises(UserError) as caught:
        select(["aug_crosover", "aug_gap_smaller", "cnn_beats_aug"])
    first, second = str(caught.value).splitlines()
    assert "did you mean aug_crossover?" in first
    assert "did you mean cnn_beats_aug_short?" in second


def test_every_claim_survives_the_way_to_a_manifest_and_back():
    spec = {"claims": [claim_to_dict(claim) for claim in CLAIMS.values()]}
    assert claims_from_spec(json.loads(json.dumps(spec))) == tuple(CLAIMS.values())


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    lines = problems(
        tmp_path,
        GOOD
        + """
        [[claim]]
        id = "Bad Id"
        sentence = ""
        decided_by = "paired_diference"
        arms = ["tiny"]
        metric = "gapp"
        direction = "down"
        budgets = [4, 2]
        smallest_effect = -1
        alpha = 0.9

        [[claim]]
        id = "tiny_gap"
        sentense = "typo"
        decided_by = "crossover"
        arms = ["tinny", {space = "tiny", augment_strength = 0.5}, 3]
        metric = "gap"
        direction = "lower"
        budgets = ["2"]
        smallest_effect = nan
        seeds = true

        [other]
        """,
    )
    text = "\n".join(lines)
    for expected in (
        "unknown key of",
        "id must be",
        "sentence must not",
        "did you mean paired_difference?",
        "arms must be two, got 1",
        "did you mean gap?",
        "unknown direction 'down'",
        "budgets must be rising",
        "smallest_effect must be a finite number above 0, got -1",
        "alpha must lie",
        "the id is used twice",
        "unknown key 'sentense': did you mean sentence?",
        "sentence is missing",
        "did you mean tiny? (a space of your own needs its --plugin)",
        "unknown setting of arm 'tiny'",
        "an arm must be",
        "arms must be two, got 3",
        "budgets must be a list of whole numbers",
        "smallest_effect must be a number, got nan",
        "seeds must be a whole number, got True",
    ):
        assert expected in text, expected
    assert len(lines) == len(set(lines)) == 20


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metric =": "metrik =", "[2, 4]": "[4, 2]"}, ["'metrik'", "metric is missing", "rising"]),
        (
            {'"tiny_aug", "tiny"': '"tinny", "tiny"', "0.05": '"x"', '"tiny_gap"': '"A"'},
            ["id must be lower", "smallest_effect must be a number", "did you mean tiny?"],
        ),
        ({"paired_difference": "trend", '"tiny"': '"tiny", "tiny_aug"'}, ["decided_by", "twice"]),
        ({"paired_difference": "crossover", "[2, 4]": "[]"}, ["two or more budgets, got []"]),
        (
            {'"paired_difference"': '"ordered_trend"', '"tiny"': '3, "tiny"'},
            ["an arm must be", "rising augment_strength"],
        ),
        (
            {
                '"paired_difference"': '"ordered_trend"',
                '["tiny_aug", "tiny"': '["tiny", "tiny", "tiny_aug"',
            },
            ["twice"],
        ),
        (
            {'"gap"': '"test_miou"', '"tiny_aug", "tiny"': '"cnn", "fcn_resnet50"'},
            ["different data sets"],
        ),
        ({'"gap"': '"test_miou"', '"tiny_aug"': '"tinny"'}, ["did you mean", "segmentation only"]),
        ({'"tiny_aug", "tiny"': '"mlp", "mlp"'}, ["unknown arm 'mlp': known:"]),
    ],
)
def test_what_is_wrong_is_told_once_and_beside_everything_else(tmp_path, changes, expected):
    text = GOOD
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    lines = problems(tmp_path, text)
    assert len(lines) == len(expected), lines
    for words in expected:
        assert any(words in line for line in lines), (words, lines)


def test_a_second_claim_of_the_same_name_keeps_its_own_problems(tmp_path):
    wrong = GOOD.replace('"gap"', '"gapp"')
    first, *second = problems(tmp_path, wrong + wrong)
    assert first.startswith("claim 'tiny_gap': unknown metric")
    assert all(line.startswith("claim 'tiny_gap' (number 2): ") for line in second)
    assert len(second) == 2


def with_effect(metric, effect, rule="paired_difference", strengths=(0.0, 0.5)):
    arms = tuple(arm("tiny_aug", augment_strength=strength) for strength in strengths)
    changes = {"arms": arms, "metric": metric, "decided_by": rule, "smallest_effect": effect}
    return dataclasses.replace(CLAIMS["aug_gap_smaller"], **changes)


def test_an_effect_that_a_fraction_cannot_have_is_refused():
    with pytest.raises(UserError, match=r"5 cannot be reached: test_accuracy is .* by 1 at most"):
        with_effect("test_accuracy", 5)
    assert with_effect("test_accuracy", 1).smallest_effect == 1
    assert with_effect("gap", 5).smallest_effect == 5


@pytest.mark.parametrize(
    ("strengths", "steepest"),
    [((0.0, 0.5, 1.0), 1.0), ((0.0, 0.25, 0.5), 2.0), ((0.0, 0.1, 1.0), 1.04)],
)
def test_a_slope_may_be_as_steep_as_its_strengths_allow(strengths, steepest):
    for effect in (steepest, 0.1):
        with_effect("val_accuracy", effect, "ordered_trend", strengths)
    with pytest.raises(UserError, match=f"slope over these strengths is {steepest:.3g} per unit"):
        with_effect("val_accuracy", steepest + 0.01, "ordered_trend", strengths)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ('"tiny_aug", "tiny"', '"tiny", {space = "tiny_aug", augment_strength = 0.0}'),
            "train the same thing twice",
        ),
        (('["tiny_aug", "tiny"]', '[{space = "tiny_aug", epochs = 3}, "tiny"]'), "fixes epochs"),
        (
            ('["tiny_aug", "tiny"]', '[{space = "tiny_aug", augment_strength = 2.0}, "tiny"]'),
            "outside the space's range",
        ),
        (("paired_difference", "ordered_trend"), "three or more arms"),
        (("[2, 4]", "[]"), "budgets must be rising"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, change, expected):
    assert expected in "\n".join(problems(tmp_path, GOOD.replace(*change)))


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (("tiny_aug", "tiny", "tiny_aug"), "twice"),
        (("tiny", "tiny_aug", "cnn"), "rising"),
        (("cnn", "tiny_aug", "resnet18"), "differ in augment_strength only"),
    ],
)
def test_a_trend_needs_one_model_by_rising_strength(arms, expected):
    with pytest.raises(UserError, match=expected):
        dataclasses.replace(
            CLAIMS["strength_dose_response"], arms=tuple(arm(name) for name in arms)
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no [[claim]] table"),
        ("claim = 3", "no [[claim]] table"),
        ("[[claim", "not valid TOML"),
        ("claim = [1]", "must be a table"),
    ],
)
def test_a_file_that_holds_no_claims(tmp_path, text, expected):
    assert expected in "\n".join(problems(tmp_path, text))


def test_a_file_that_does_not_exist(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load_claims(tmp_path / "none.toml")


def test_importing_the_claims_loads_nothing_heavy():
    code = "import sys, study.claims; print({'numpy', 'scipy', 'pandas', 'torch', 'ray'} & set("
    out = subprocess.run(
        [sys.executable, "-c", code + "sys.modules))"], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"


def test_a_trend_over_few_seeds_is_decidable_by_its_own_arithmetic() -> None:
    trend = CLAIMS["strength_dose_response"]
    assert minimum_p(trend, 4) == pytest.approx(6.0**-4)


def test_drawn_sign_flips_bound_the_smallest_p_however_many_seeds() -> None:
    claim = dataclasses.replace(CLAIMS["aug_gap_smaller"], alpha=1e-5)
    assert minimum_p(claim, 20) == pytest.approx(1 / (2**14 + 1))
    (warning,) = decidability([dataclasses.replace(claim, seeds=20)])
    assert "cannot be decided with 20 seeds" in warning
    assert "--seeds" not in warning
    assert "choose a larger alpha" in warning


def test_more_seeds_and_fewer_claims_are_proposed_where_only_both_help():
    claims = [dataclasses.replace(claim, alpha=0.0002) for claim in by_task("classification")]
    said = " ".join(decidability(claims))
    assert "use more seeds and decide fewer claims together" in said
    assert "no number of seeds" not in said
