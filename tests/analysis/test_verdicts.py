"""Verdicts on hand-made tables: every rule, and what must not change them."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import sentences
from analysis.arrange import arrange
from analysis.conclusions import conclusion
from analysis.crossing import crossing
from analysis.evidence import evidence
from analysis.verdicts import decide, verdict_of
from study.claims import CLAIMS, Claim, arm
from trainables.errors import UserError

# Eight seeds' noise, mean 0, small beside a smallest effect of interest of 0.05.
NOISE = np.array([1, -1, 2, -2, 3, -3, 4, -4]) / 1000

BEATS = Claim(
    "beats",
    "The tiny model is better plain.",
    "paired_difference",
    (arm("tiny"), arm("tiny_aug")),
    "val_accuracy",
    "higher",
    (4,),
    0.05,
)
CROSSES = Claim(
    "crosses",
    "Augmentation pays late.",
    "crossover",
    (arm("tiny_aug"), arm("tiny")),
    "val_loss",
    "lower",
    (2, 8),
    0.05,
)
TREND = Claim(
    "trend",
    "The gap falls with strength.",
    "ordered_trend",
    tuple(arm("tiny_aug", augment_strength=s) for s in (0, 0.5, 1)),
    "gap",
    "lower",
    (4,),
    0.1,
)
ELSEWHERE = dataclasses.replace(BEATS, id="elsewhere", budgets=(9,))


def table(claim, levels):
    """Cells with the given level for each (arm, budget), first arm with noise."""
    rows = []
    for cell in claim.cells():
        level = levels[cell.arm.name, cell.budget]
        noise = NOISE[cell.seed % 8] if cell.arm == claim.arms[0] else 0.0
        rows.append(
            {
                "arm": cell.arm.name,
                "budget": cell.budget,
                "seed": cell.seed,
                "diverged": False,
                claim.metric: level + noise,
            }
        )
    return pd.DataFrame(rows)


def beats(difference, claim=BEATS):
    return table(claim, {("tiny", 4): 0.5 + difference, ("tiny_aug", 4): 0.5})


def crosses(short, long):
    return table(
        CROSSES,
        {("tiny_aug", 2): 1 + short, ("tiny", 2): 1.0, ("tiny_aug", 8): 1 + long, ("tiny", 8): 1.0},
    )


def trend(*levels):
    return table(TREND, {(a.name, 4): v for a, v in zip(TREND.arms, levels, strict=True)})


def one(cells, claim=BEATS):
    (verdict,) = decide(cells, [claim], data="made-up digits")
    return verdict


def diverge(cells, arm_name, seeds, claim=BEATS, budget=4):
    cells = cells.copy()
    hit = (cells["arm"] == arm_name) & (cells["budget"] == budget) & cells["seed"].isin(seeds)
    cells.loc[hit, "diverged"] = True
    cells.loc[hit, claim.metric] = math.nan
    return cells


@pytest.mark.parametrize(
    ("difference", "verdict", "route"),
    [
        (0.1, "supported", None),
        (-0.1, "refuted", "opposite"),
        (0.0, "refuted", "too small"),
        (0.02, "refuted", "too small"),
        (0.049, "inconclusive", None),
    ],
)
def test_the_rules_of_a_paired_difference(difference, verdict, route):
    found = one(beats(difference))
    assert found.verdict == verdict
    assert route is None or found.route == route
    assert found.effect == pytest.approx(difference)
    assert found.low <= found.effect <= found.high
    assert found.n == 8
    assert "made-up digits" in found.plain


def test_an_interval_below_0_has_minus_signs_as_the_table_has():
    assert "(95% interval of the difference: −10.2 to −9.7)" in one(beats(-0.1)).plain


def test_the_figures_of_a_supported_claim():
    found = one(beats(0.1))
    assert (found.p, found.p_holm, found.p_wilcoxon) == (1 / 256,) * 3
    assert found.p_improvement == 1.0
    assert found.standardised == pytest.approx(30.34, abs=0.01)
    assert found.unit == "fraction"
    assert "10 percentage points higher on average" in found.plain
    assert "8 of 8 paired runs" in found.plain
    assert found.seeds_needed is None


@pytest.mark.parametrize("shared", [-8, 100])
def test_everything_is_about_the_differences_within_seeds(shared):
    """What a seed does to both arms alike changes nothing, whichever way it goes."""
    cells = beats(0.1)
    first = cells["arm"] == "tiny"
    differences = 0.1 + 16 * NOISE + np.arange(8) ** 2 / 5000  # no two as far from their mean
    cells["val_accuracy"] = 0.5 + differences[cells["seed"]] * first
    lucky = cells.assign(val_accuracy=lambda t: t["val_accuracy"] + shared * NOISE[t["seed"]])
    apart, together = one(cells), one(lucky)
    for name in ("effect", "low", "high", "p", "p_against", "standardised"):
        assert getattr(together, name) == pytest.approx(getattr(apart, name)), name


def test_noise_is_inconclusive_with_the_seeds_that_would_do():
    cells = beats(0.0)
    cells.loc[cells["arm"] == "tiny", "val_accuracy"] += NOISE.repeat(1) * 40
    found = one(cells)
    assert found.verdict == "inconclusive"
    assert found.seeds_needed > 8
    assert str(found.seeds_needed) in found.what_would_change_it


def test_a_real_effect_that_may_be_too_small_is_not_supported():
    found = one(beats(0.049))
    assert found.p_holm < found.claim.alpha
    assert found.low > 0
    assert found.high > found.claim.smallest_effect
    assert "the effect is real, but its size is open" in found.plain
    assert found.seeds_needed > 8


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.01, 0.04, "is real, but too small to be the one claimed and too large to dismiss"),
        (0.01, 0.06, "is real, but its size is open: the interval reaches from less than the"),
        (
            -0.01,
            0.06,
            "favour the direction claimed, but its size is open: the interval holds both 0",
        ),
        (0.0, 0.04, "favour the direction claimed, but the interval holds 0 and ends short of"),
        (math.nan, math.nan, "favour the direction claimed, but are too few for an interval"),
    ],
)
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_an_effect_is_real_and_small_only_where_its_interval_says_so(low, high, words, direction):
    claim = dataclasses.replace(BEATS, direction=direction)
    found = one(beats(0.049 * claim.sign, claim), claim)
    assert found.verdict == "inconclusive"
    ends = sorted([claim.sign * low, claim.sign * high])
    step = dataclasses.replace(found.budgets[-1], low=ends[0], high=ends[1])
    assert words in sentences.plain(dataclasses.replace(found, budgets=(step,)))


P_AGAINST = "(p against it 0.0039 after Holm's correction, below 0.05)"


@pytest.mark.parametrize(
    ("difference", "runs", "words"),
    [
        (-0.1, "lower in 8 of 8", f"This refutes the claim {P_AGAINST}: the opposite holds."),
        (
            0.02,
            "higher in 8 of 8",
            (
                f"{P_AGAINST}, although the mean has the direction claimed: the effect is shown to "
                "be smaller than the 5 percentage points declared to matter."
            ),
        ),
        (-0.02, "lower in 8 of 8", f"{P_AGAINST}: whatever effect there is, it is shown to be"),
        (-0.049, "lower in 8 of 8", "the seeds favour the opposite, but not so that the claim is"),
    ],
)
def test_the_sentence_fits_effects_that_go_the_way_claimed_and_the_other(difference, runs, words):
    found = one(beats(difference))
    assert f"{runs} paired runs.\nThis" in found.plain
    assert words in found.plain


@pytest.mark.parametrize(
    ("short", "long", "words", "change"),
    [
        (
            -0.1,
            -0.1,
            (
                "The first half fails, and with it the claim (p against it 0.0078 after Holm's "
                "correction, below 0.05): it leads already after 2 epochs, by 0.1 nats on average. "
                "That it leads after 8 epochs as well does not save the claim"
            ),
            "a lead of less than 0.05 nats after 2 epochs back into reach",
        ),
        (
            0.1,
            0.1,
            (
                "The second half fails, and with it the claim (p against it 0.0078 after Holm's "
                "correction, below 0.05): after 8 epochs it is higher instead."
            ),
            "0.05 nats or more in the direction claimed after 8 epochs back into reach",
        ),
        (
            0.1,
            -0.02,
            (
                "after 8 epochs the mean has the direction claimed, but the lead is shown to be "
                "smaller than the 0.05 nats declared to matter."
            ),
            "0.05 nats or more in the direction claimed after 8 epochs back into reach",
        ),
        (
            0.1,
            0.02,
            "whatever lead there is after 8 epochs, it is shown to be smaller than the 0.05 nats",
            "0.05 nats or more in the direction claimed after 8 epochs back into reach",
        ),
    ],
)
def test_a_refuted_crossover_says_which_half_failed(short, long, words, change):
    found = one(crosses(short, long), CROSSES)
    halves = (
        "after 2 epochs tiny (augmented, strength 0.5) does not lead yet (is not lower by 0.05 "
        "nats or more), and after 8 epochs it does."
    )
    assert halves in found.plain
    assert words in found.plain
    assert change in found.what_would_change_it


@pytest.mark.parametrize(
    ("short", "long", "words"),
    [
        (-0.0495, -0.1, "open: 8 seeds cannot rule out a lead of 0.05 nats or more already after"),
        (0.1, 0.0495, "open: the seeds favour the opposite after 8 epochs, but not so that the"),
        (-0.0495, 0.0495, "already after 2 epochs; and the seeds favour the opposite after 8"),
        (0.1, -0.0495, "open: after 8 epochs, the effect is real, but its size is open"),
    ],
)
def test_an_open_crossover_says_which_half_is_open(short, long, words):
    assert words in one(crosses(short, long), CROSSES).plain


def test_a_crossover_has_the_runs_of_each_budget_in_the_direction_of_its_mean():
    plain = one(crosses(0.1, -0.1), CROSSES).plain
    assert "higher in 8 of 8 paired runs; after 8 epochs, 0.1 nats lower" in plain
    assert "lower in 8 of 8 paired runs. The two cross" in plain
    cells = crosses(0.1, -0.1)
    level = cells["budget"].eq(8) & cells["arm"].eq("tiny_aug") & cells["seed"].eq(3)
    cells.loc[level, "val_loss"] = 1.0
    assert "lower in 7.5 of 8 paired runs (a tie counting half)" in one(cells, CROSSES).plain


def test_three_seeds_can_never_be_significant():
    claim = dataclasses.replace(BEATS, seeds=3)
    found = one(beats(5.0, claim), claim)
    assert found.verdict == "inconclusive"
    assert found.p == 1 / 8
    assert math.isnan(found.low)
    assert "interval" not in found.plain


@pytest.mark.parametrize(
    ("short", "long", "verdict", "route"),
    [
        (0.1, -0.1, "supported", None),
        (0.0, -0.1, "supported", None),  # equal at first is "not lower"
        (-0.1, -0.1, "refuted", "early lead"),
        (0.1, 0.1, "refuted", "opposite"),
        (0.1, 0.0, "refuted", "too small"),
        (-0.0495, -0.1, "inconclusive", None),  # neither ahead by what matters nor shown not to be
    ],
)
def test_a_crossover_needs_both_conjuncts(short, long, verdict, route):
    found = one(crosses(short, long), CROSSES)
    assert found.verdict == verdict
    assert route is None or found.route == route
    assert [step.effect for step in found.budgets] == pytest.approx([short, long])
    assert found.p == max(step.p for step in found.budgets)


def test_a_crossover_says_where():
    found = one(crosses(0.1, -0.1), CROSSES)
    assert found.crossing.budget == pytest.approx(4.0, rel=0.05)  # half way in log epochs
    assert found.crossing.low <= found.crossing.budget <= found.crossing.high
    assert found.crossing.without == 0
    assert "between 2 and 8" in found.plain
    assert one(crosses(-0.1, -0.2), CROSSES).crossing is None
    refuted = one(crosses(0.1, -0.01), CROSSES)  # the means cross, but the late lead is too small
    assert (refuted.verdict, refuted.crossing) == ("refuted", None)
    assert "two cross" not in refuted.plain


def test_the_crossing_uses_every_budget_and_counts_resamples_without_one():
    rng = np.random.default_rng(0)
    effects = np.array([[-0.1] * 8, [-0.05] * 8, [0.05] * 8])
    found = crossing(effects, (2, 4, 16), rng)
    assert found.budget == pytest.approx(8.0)
    assert found.between == (4, 16)
    shaky = np.vstack([np.full(8, -0.1), np.r_[np.full(7, -0.02), 0.2]])
    assert 500 < crossing(shaky, (2, 4), rng).without < 1000  # about (7/8)**8 of 2000


@pytest.mark.parametrize(
    ("levels", "verdict", "route"),
    [
        ((0.5, 0.3, 0.1), "supported", None),
        ((0.1, 0.3, 0.5), "refuted", "opposite"),
        ((0.3, 0.3, 0.3), "refuted", "too small"),
    ],
)
def test_the_rules_of_a_trend(levels, verdict, route):
    found = one(trend(*levels), TREND)
    assert found.verdict == verdict
    assert route is None or found.route == route
    assert found.effect == pytest.approx(levels[2] - levels[0])
    assert found.unit == "nats per unit strength"


def test_holm_over_the_claims_decided_together():
    claims = [dataclasses.replace(BEATS, id=f"beats_{i}") for i in range(13)]
    alone, together = one(beats(0.1)), decide(beats(0.1), claims, data="d")
    assert alone.verdict == "supported"
    assert {v.verdict for v in together} == {"inconclusive"}
    assert together[0].p_holm == pytest.approx(13 / 256)
    assert together[0].p == alone.p
    assert "taken alone, 8 seeds would tell it from chance (p 0.0039), but not" in together[0].plain


def test_missing_cells_withhold_the_verdict_and_still_count_in_the_correction():
    first, second = decide(beats(0.1).drop(index=[3]), [BEATS, ELSEWHERE], data="d")
    assert first.verdict == "withheld"
    assert len(first.missing) == 1
    assert first.missing[0].seed == 3
    assert (first.effect, first.p_holm) == (None, None)
    assert "1 of the 16 trainings" in first.plain
    assert "tiny" in first.what_would_change_it
    assert "seed 3" in first.what_would_change_it
    assert len(second.missing) == 16
    assert "and 11 more" in second.what_would_change_it


def test_a_withheld_claim_does_not_loosen_the_others():
    both = decide(beats(0.1), [BEATS, ELSEWHERE], data="d")
    assert [v.verdict for v in both] == ["supported", "withheld"]
    assert both[0].p_holm == 2 / 256


def test_an_unmeasured_value_is_missing_and_not_a_divergence():
    cells = beats(0.1)
    cells.loc[0, "val_accuracy"] = math.nan
    assert one(cells).verdict == "withheld"


def test_what_the_table_lacks_is_named():
    with pytest.raises(UserError, match="no val_accuracy"):
        one(beats(0.1).drop(columns="val_accuracy"))
    with pytest.raises(UserError, match=r"tiny at 4 epochs: duplicated seeds 0"):
        one(pd.concat([beats(0.1), beats(0.1).head(1)]))


def test_seeds_beyond_the_registered_ones_are_left_out():
    extra = beats(-9.0).assign(seed=lambda t: t["seed"] + 8)
    assert one(pd.concat([beats(0.1), extra])) == one(beats(0.1))


def test_divergence_counts_against_the_arm_and_is_told():
    found = one(diverge(beats(0.1), "tiny", [0, 1]))
    assert found.verdict == "inconclusive"
    assert found.diverged == (("tiny", 2),)
    assert "2 of 8 of tiny" in found.plain
    assert found.p_improvement == 6 / 8
    assert one(diverge(beats(0.1), "tiny_aug", [0, 1])).verdict == "supported"


def test_an_arm_that_always_diverges_loses():
    assert one(diverge(beats(0.1), "tiny", range(8))).verdict == "refuted"
    assert one(diverge(beats(-0.1), "tiny_aug", range(8))).verdict == "supported"


def test_two_arms_that_always_diverge_decide_nothing():
    cells = diverge(diverge(beats(0.1), "tiny", range(8)), "tiny_aug", range(8))
    assert one(cells).verdict == "inconclusive"


def test_equivalence_is_never_concluded_from_diverged_cells():
    cells = diverge(diverge(beats(0.0), "tiny", [0]), "tiny_aug", [0])
    assert one(beats(0.0)).verdict == "refuted"
    assert one(cells).verdict == "inconclusive"


def test_one_divergence_makes_no_small_effect_a_large_one():
    """The table's own estimate has to reach what matters, not the values of the tests."""
    claim = dataclasses.replace(BEATS, smallest_effect=0.2)
    cells = diverge(beats(0.03), "tiny_aug", [0])
    verdict = one(cells, claim)
    assert verdict.p_holm < 0.05
    assert verdict.effect < 0.2
    assert verdict.verdict == "inconclusive"
    against = one(diverge(beats(0.03), "tiny", [0]), claim)
    assert against.effect > -0.2
    assert against.verdict == "inconclusive"
    assert verdict.seeds_needed is None  # equivalence is never concluded from a diverged cell
    assert verdict.what_would_change_it.startswith("Trainings that do not diverge: ")
    large = dataclasses.replace(claim, smallest_effect=0.05)
    assert one(cells, large).verdict == "supported"


ORDER = {"refuted": 0, "inconclusive": 1, "supported": 2}
values = st.lists(st.integers(-20, 30).map(lambda i: i / 100), min_size=8, max_size=8)


def noisy(differences):
    cells = beats(0.0)
    cells["val_accuracy"] = 0.5
    cells.loc[cells["arm"] == "tiny", "val_accuracy"] += np.array(differences)
    return cells


def quick(cells, claim=BEATS):
    """Verdict, p for the claim and oriented effect, without what only describes them."""
    a = arrange(cells, claim)
    rng, diverged = np.random.default_rng(0), a.diverged.any(axis=(1, 2))
    found = evidence(claim, a.tested, a.estimated, diverged, rng)
    verdict = verdict_of(claim, float(found.effect), float(found.p_for), float(found.p_against))
    return verdict, float(found.p_for), float(found.effect), str(found.route)


@settings(max_examples=40, deadline=None)
@given(values, st.integers(0, 7))
def test_diverging_never_helps_the_arm(differences, seed):
    cells = noisy(differences)
    before, p, effect, _ = quick(cells)
    own, own_p, own_effect, _ = quick(diverge(cells, "tiny", [seed]))
    other, other_p, other_effect, _ = quick(diverge(cells, "tiny_aug", [seed]))
    assert own_p >= p >= other_p
    assert own_effect <= effect <= other_effect
    assert own != "supported" or before == "supported"
    assert ORDER[other] >= ORDER[before]


@settings(max_examples=40, deadline=None)
@given(values)
def test_swapping_the_arms_exchanges_supported_and_refuted(differences):
    swapped = dataclasses.replace(BEATS, arms=BEATS.arms[::-1])
    (a, _, effect, a_route), (b, _, back, b_route) = (
        quick(noisy(differences)),
        quick(noisy(differences), swapped),
    )
    assert back == pytest.approx(-effect)
    if a == b == "refuted":
        assert a_route == b_route == "too small"
    else:
        assert ORDER[a] + ORDER[b] == 2


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(16)), values)
def test_neither_rows_nor_labels_of_seeds_matter(rows, differences):
    cells = noisy(differences)
    assert quick(cells.iloc[list(rows)]) == quick(cells)
    relabelled = cells.assign(seed=(cells["seed"] * 3 + 1) % 8)
    assert quick(relabelled) == pytest.approx(quick(cells))


def test_the_whole_verdict_survives_a_swap_of_arms_and_a_shuffle_of_rows():
    swapped = dataclasses.replace(BEATS, arms=BEATS.arms[::-1])
    cells = beats(0.1)
    a, b = one(cells), one(cells, swapped)
    assert (a.verdict, b.verdict) == ("supported", "refuted")
    assert (b.effect, b.standardised) == pytest.approx((-a.effect, -a.standardised))
    assert (b.low, b.high) == pytest.approx((-a.high, -a.low), abs=1e-3)
    assert (a.p, a.p_improvement) == (b.p_against, 1 - b.p_improvement)
    assert one(cells.sample(frac=1, random_state=0)) == a


def test_the_registered_claims_all_get_a_verdict():
    rng = np.random.default_rng(0)
    claims = list(CLAIMS.values())
    rows = {
        (c.arm.name, c.budget, c.seed): {
            "arm": c.arm.name,
            "budget": c.budget,
            "seed": c.seed,
            "diverged": False,
            **{claim.metric: rng.normal(1, 0.01) for claim in claims},
        }
        for claim in claims
        for c in claim.cells()
    }
    verdicts = decide(pd.DataFrame(rows.values()), claims, data="street_digits")
    assert [v.claim for v in verdicts] == claims
    assert {v.verdict for v in verdicts} <= {"refuted", "inconclusive"}
    assert all(v.plain and v.what_would_change_it for v in verdicts)


def test_a_lead_at_the_long_budget_is_only_told_of_where_it_is_shown():
    also = "That it leads after 8 epochs as well"
    found = one(crosses(-0.1, -0.1), CROSSES)
    assert also in found.plain
    last = dataclasses.replace(found.budgets[-1], p=0.5)
    doubtful = dataclasses.replace(found, budgets=(*found.budgets[:-1], last))
    assert also not in conclusion(doubtful)
    assert "it leads already after 2 epochs" in conclusion(doubtful)


@pytest.mark.parametrize(
    ("early", "late", "said"), [(0.049, 0.001, "rule out"), (0.001, 0.049, "tell")]
)
def test_a_crossover_is_never_open_without_a_reason(early: float, late: float, said: str):
    """Beyond 14 seeds flips are drawn: a p-value at 0.05 is another at each draw."""
    found = one(crosses(-0.0495, -0.1), CROSSES)
    ps = zip(found.budgets, (early, late), strict=True)
    budgets = tuple(dataclasses.replace(step, p=p) for step, p in ps)
    drawn = dataclasses.replace(found, p=0.051, p_holm=0.051, budgets=budgets)
    assert f"leaves the claim open: 8 seeds cannot {said}" in conclusion(drawn)
