"""The statistics keep their word on simulated studies, and a broken one is caught.

A fast version of `python -m analysis.simulate`, whose table stands in docs/statistics.md.
"""

import json
import os
import subprocess
import sys

import click
import numpy as np
import pytest
from scipy import stats as scipy_stats

from analysis import coverage, evidence, simulate, simulations
from analysis.stats import holm, mean_interval, sign_flip_p
from study.claims import CLAIMS

STUDIES = 500


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def rows():
    return [
        *simulations.false_positives(STUDIES, rng()),
        *simulations.family_wise(STUDIES, rng()),
        *simulations.power(150, rng()),
    ]


def bounded(rows):
    return [row for row in rows if row.bounded]


def test_false_positive_rates_are_those_promised(rows):
    checked = bounded(rows)
    assert {row.kind for row in checked} == {
        "wrongly significant",
        "wrongly refuted",
        "family-wise",
    }
    assert len(checked) == 9
    assert all(row.kept for row in checked), [row for row in checked if not row.kept]


def test_the_level_at_eight_seeds_is_the_one_attained():
    p = sign_flip_p(rng().normal(size=(20_000, 8)), "greater", rng())
    expected = 12 / 256
    assert np.mean(p < 0.05) == pytest.approx(expected, abs=4 * np.sqrt(expected * 0.95 / 20_000))


@pytest.mark.parametrize("n", [8, 16, 30])
@pytest.mark.parametrize("name", ["normal", "Gumbel", "exponential"])
def test_intervals_cover(name, n):
    hits = []
    for part in range(6):
        x = simulations.DISTRIBUTIONS[name](np.random.default_rng([n, part]), (250, n))
        low, high = mean_interval(x, rng(), resamples=1999)
        hits.append((low <= 0) & (high >= 0))
    row = simulations.row("coverage", name, np.concatenate(hits), 0.93, 0.97)
    assert row.kept
    assert 0.92 < row.share < 0.98


def test_power_rises_with_the_effect_and_falls_with_the_number_of_claims(rows):
    shares = {row.what: row.share for row in rows if row.kind == "supported"}
    for rule in ("paired difference", "crossover", "ordered trend"):
        curve = [shares[f"{rule}, alone, true effect {e}"] for e in ("0.5", "1", "1.5", "2")]
        assert curve == sorted(curve)
        assert curve[-1] > 0.95
    for effect in ("0.5", "1", "1.5"):
        alone = shares[f"paired difference, alone, true effect {effect}"]
        assert shares[f"paired difference, first of 10 claims, true effect {effect}"] < alone


def test_simulated_differences_have_the_spread_and_the_sign_promised():
    claim = CLAIMS["aug_crossover"]
    values = simulations.study_values(claim, (-1.0, 2.0), 4000, rng())
    x = evidence.oriented_effects(claim, values)
    assert x.mean(axis=(0, 2)) == pytest.approx([-1.0, 2.0], abs=0.03)
    assert x.std(axis=(0, 2)) == pytest.approx([1.0, 1.0], abs=0.03)


def test_the_first_step_of_holm_is_the_one_the_family_is_judged_by():
    p = rng().uniform(size=(5, 10))
    for row in p:
        assert min(holm(row)) == pytest.approx(min(1.0, 10 * row.min()))


def test_a_test_that_is_too_eager_is_caught(monkeypatch):
    monkeypatch.setattr(evidence, "sign_flip_p", lambda *a: sign_flip_p(*a) / 2)
    assert not all(row.kept for row in bounded(simulations.false_positives(STUDIES, rng())))


def test_a_test_that_never_finds_anything_is_caught(monkeypatch):
    monkeypatch.setattr(evidence, "sign_flip_p", lambda *a: sign_flip_p(*a) * 3)
    assert not all(row.kept for row in bounded(simulations.false_positives(STUDIES, rng())))


def test_an_interval_that_is_too_narrow_is_caught(monkeypatch):
    monkeypatch.setattr(coverage, "mean_interval", coverage._bca)
    found = [row for row in coverage.coverage(150, rng()) if "n = 8" in row.what]
    assert not any(row.kept for row in bounded(found))


def test_a_rows_interval_is_wilsons():
    row = simulations.row("k", "w", np.arange(200) < 12)
    expected = scipy_stats.binomtest(12, 200).proportion_ci(method="wilson")
    assert (row.low, row.high) == pytest.approx(tuple(expected))
    assert row.share == 0.06


def command(*arguments):
    return simulate.main.main(list(arguments), standalone_mode=False)


def test_the_command_prints_the_table_and_writes_the_figures(tmp_path, capsys, monkeypatch):
    small = (simulations.Row("a", "b", 0.04, 0.03, 0.05, 10, 0.0, 0.05),)
    monkeypatch.setattr(simulate, "simulate", lambda studies, seed: small)
    path = tmp_path / "figures.json"
    assert command("--studies", "10", "--json", str(path)) == 0
    printed = capsys.readouterr().out
    assert "| a | b | 0.0400 | 0.0300 to 0.0500 | 0 to 0.05 | yes |" in printed
    assert printed.endswith("no wider than 0.05.\n1 of 1 bounded rate kept.\n")
    assert json.loads(path.read_text())[0]["kept"] is True


def test_a_figure_out_of_bounds_fails_the_command(capsys, monkeypatch):
    small = (simulations.Row("a", "b", 0.09, 0.08, 0.1, 10, 0.0, 0.05),)
    monkeypatch.setattr(simulate, "simulate", lambda studies, seed: small)
    assert command() == 1
    assert "**no**" in capsys.readouterr().out
    with pytest.raises(click.BadParameter, match="x>=1"):
        command("--studies", "0")


def test_too_few_studies_keep_nothing(capsys):
    assert command("--studies", "3") == 1
    printed = capsys.readouterr().out
    assert "| yes |" not in printed
    assert printed.count("| too few to say |") >= 9
    assert "\n0 of 18 bounded rates kept, " in printed
    assert printed.endswith(" with too few studies to say: give more --studies.\n")


def test_what_lies_outside_is_not_kept_however_few_the_studies():
    assert simulations.row("k", "w", np.ones(3, dtype=bool), highest=0.05).kept is False
    assert simulations.row("k", "w", np.zeros(3, dtype=bool), highest=0.05).kept is None
    assert simulations.row("k", "w", np.zeros(3000, dtype=bool), highest=0.05).kept is True
    assert simulations.row("k", "w", np.zeros(3000, dtype=bool)).kept is None


@pytest.mark.parametrize("name", ["", "no/figures.json"])
def test_a_path_that_cannot_be_written_is_refused_before_anything(tmp_path, monkeypatch, name):
    monkeypatch.setattr(simulate, "simulate", lambda *_: pytest.fail("it simulated"))
    with pytest.raises(click.BadParameter, match=r"directory|no file can be written"):
        command("--json", str(tmp_path / name))


def test_the_same_seed_gives_the_same_table_in_another_process():
    code = (
        "import numpy as np; from analysis.simulations import family_wise; "
        "print([row.share for row in family_wise(40, np.random.default_rng(5))])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(outputs) == 1
    assert simulate.simulate(2, 5) == simulate.simulate(2, 5)
