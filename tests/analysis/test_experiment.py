"""Experiments as the report shows them: verdicts first, nothing pooled, nothing guessed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.experiment.cells import Experiment, read_experiment
from analysis.experiment.context import context
from analysis.experiment.judged import TO_REACH, cards, rule, verdict_table
from analysis.experiment.limits import limits
from analysis.experiment.section import missing, section, verdicts_of
from analysis.experiment.settings import settings_table
from analysis.load import load_run
from analysis.plots.differences import differences
from analysis.report import write_report
from study.arms import arm
from study.claims import CLAIMS as REGISTERED
from study.claims_toml import claim_to_dict
from study.domains import Float, to_json
from trainables.errors import UserError

from .synthetic import HOSTILE, manifest, write_run
from .synthetic_experiment import CLAIMS, PLAIN, experiment_manifest, write_experiment
from .test_report import page_of

STRONGEST = "tiny_aug[augment_strength=1.0]"


def read(run: Path):
    return read_experiment(load_run(run))


def test_the_page_opens_with_the_verdicts(experiment_report: Path) -> None:
    page = page_of(experiment_report)
    headings = ["Claim by claim", "The systems compared", "Figures", "Model by model", "Limits"]
    places = [page.text.index(heading) for heading in headings]
    assert places == sorted(places)
    assert page.text.index("3 claims about models trained on street_digits") < places[0]
    assert page.text.index("A claim is supported where p after Holm is below") < places[0]
    for claim in CLAIMS:
        assert page.text.index(claim.id) < places[0]
    assert CLAIMS[0].sentence in page.text
    assert page.text.count("What would change it") == len(CLAIMS)
    assert "nan" not in page.text.lower().split()


def test_names_from_users_are_escaped(experiment_report: Path) -> None:
    html = experiment_report.read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert page_of(experiment_report).text.count(HOSTILE) > 5


def test_every_caption_names_the_data(experiment_report: Path) -> None:
    html = experiment_report.read_text(encoding="utf-8")
    captions = html.count("<figcaption>") + html.count('class="caption"')
    assert captions > 20
    assert html.count("Data: street_digits.") == captions


def test_every_arm_at_every_budget_has_its_diagnostics(experiment_report: Path) -> None:
    out = experiment_report.parent
    for slug in ("tiny-4", "tiny-aug-4", "tiny-16", "tiny-aug-16"):
        for name in ("confusion", "confusion_shares", "mistakes"):
            for kind in ("png", "svg"):
                assert (out / "figures" / f"{name}-{slug}.{kind}").stat().st_size > 1000
        for name in ("summary", "per_class", "confused_pairs"):
            for kind in ("csv", "md", "tex"):
                assert (out / "tables" / f"{name}-{slug}.{kind}").exists()
    assert (out / "figures" / "tsne-tiny-16.svg").exists()
    assert not (out / "figures" / "tsne-tiny-4.svg").exists()
    text = page_of(experiment_report).text
    assert "1,200 predictions pooled over 6 seeds" in text
    assert "of test images classified correctly" in text
    assert "share of test images classified correctly" in text


def test_verdicts_json_is_what_the_command_prints(experiment_report: Path) -> None:
    found = json.loads((experiment_report.parent / "verdicts.json").read_text())
    assert [one["claim"] for one in found] == [claim.id for claim in CLAIMS]
    first, _, dose = found
    assert first["verdict"] == "supported"
    assert first["n"] == 6
    assert first["p"] == pytest.approx(2**-6)
    assert first["unit"] == "fraction"
    assert first["missing"] == []
    assert dose["diverged"] == {STRONGEST: 1}
    assert set(first) == {
        *("claim", "sentence", "verdict", "effect", "low", "high", "unit", "n", "p", "p_holm"),
        *(
            "p_against_holm",
            "standardised",
            "p_improvement",
            "seeds_needed",
            "diverged",
            "missing",
            "data",
        ),
        *("plain", "what_would_change_it"),
    }


def test_the_verdict_table_has_the_numbers_of_the_verdicts(experiment_run: Path) -> None:
    experiment = read(experiment_run)
    verdicts = verdicts_of(experiment)
    table = verdict_table(verdicts, "street_digits")
    assert table.csv is not None
    row = table.csv.iloc[0]
    assert row["unit"] == "percentage points"
    assert row["effect"] == pytest.approx(100 * verdicts[0].effect)
    cells = experiment.cells.query("budget == 4").pivot(
        index="seed", columns="arm", values="test_accuracy"
    )
    assert row["effect"] == pytest.approx(100 * (cells["tiny"] - cells["tiny_aug"]).mean())
    assert row[TO_REACH] == "≥ +2"
    assert [card.badge for card in cards(verdicts)] == [v.verdict for v in verdicts]


def test_the_rule_under_the_verdicts_speaks_of_the_estimate(experiment_run: Path) -> None:
    verdicts = verdicts_of(read(experiment_run))
    said = rule(verdicts)
    assert "below its alpha (0.05) and the estimate in `effect`, though not the" in said
    assert "a crossover's p tests that at its long budget" in said
    others = [v for v in verdicts if v.claim.decided_by != "crossover"]
    assert "crossover" not in rule(others)


def test_missing_and_failed_cells_withhold_their_verdicts_only(tmp_path: Path) -> None:
    run = write_experiment(
        tmp_path / "run",
        pictures=False,
        missing=[("tiny", 16, 2)],
        failed=[("tiny_aug", 16, 1)],
        status="interrupted",
    )
    index = write_report([run], tmp_path / "report")
    found = {one["claim"]: one for one in json.loads((index.parent / "verdicts.json").read_text())}
    assert found["plain_first"]["verdict"] == "supported"
    assert found["crossover"]["verdict"] == found["dose"]["verdict"] == "withheld"
    assert found["dose"]["effect"] is None
    named = ["tiny @ 16 epochs, seed 2", "tiny_aug @ 16 epochs, seed 1"]
    assert sorted(found["dose"]["missing"]) == named
    text = page_of(index).text
    assert "2 of 30 cells are missing" in text
    assert "python -m study.confirm --claims tiny.toml" in text
    assert "Failed (1): RuntimeError: out of memory" in text
    assert "left readable predictions" in text


def test_an_experiment_before_its_first_cell_withholds_everything(tmp_path: Path) -> None:
    every = [(cell.arm.name, cell.budget, cell.seed) for claim in CLAIMS for cell in claim.cells()]
    run = write_experiment(tmp_path / "run", missing=every, tuning_rates=(1e-3, 3e-3))
    experiment = read(run)
    verdicts = verdicts_of(experiment)
    assert {verdict.verdict for verdict in verdicts} == {"withheld"}
    assert "30 of 30 cells are missing" in missing(experiment)[0]
    section(experiment, verdicts)
    begun = dataclasses.replace(experiment.run.manifest, experiment={})
    run = dataclasses.replace(experiment.run, manifest=begun)
    assert "have not been chosen yet" in " ".join(limits(read_experiment(run)))


def test_a_diverged_cell_counts_and_is_named(experiment_run: Path) -> None:
    experiment = read(experiment_run)
    cells = experiment.cells.query(f"arm == '{STRONGEST}' and seed == 5")
    assert cells["diverged"].tolist() == [True]
    assert cells["val_loss"].isna().all()
    assert not experiment.missing
    lines = " ".join(limits(experiment))
    assert "Augmented tiny (1), 16 epochs 1 of 6" in lines
    assert "worst outcome" in lines


def test_limits_say_how_the_parameters_were_found(experiment_run: Path, tmp_path: Path) -> None:
    assert "are the spaces' defaults" in " ".join(limits(read(experiment_run)))
    chosen = experiment_manifest().experiment
    for row in chosen["nuisance"]:
        row["parameters"] = row["parameters"] | {"learning_rate": 1e-2}
        row["source"] = "matched search"
    rate = Float(1e-4, 1e-2, default=1e-3, role="nuisance", log=True)
    chosen["dimensions"] = {
        row["arm"]: {"learning_rate": to_json(rate)} for row in chosen["nuisance"]
    }
    chosen["nuisance"][0]["source"] = "defaults"
    chosen["nuisance"][1]["parameters"] |= {"learning_rate": 3e-3}
    chosen["nuisance"][1]["source"] = "fixed by the arm"
    run = write_experiment(
        tmp_path / "run",
        pictures=False,
        tuning_rates=(1e-3, 3e-3, 1e-2),
        experiment=chosen | {"tuned_by": "matched search"},
    )
    lines = " ".join(limits(read(run)))
    assert "from 3 candidates, the same number for every arm" in lines
    assert "The chosen learning rate lies at the upper end of its range for tiny at 4" in lines
    assert "Defaults, for want of a usable trial: tiny at 4 epochs." in lines
    assert "Fixed by the claims, so not tuned: " in lines
    assert "optimizer AdamW, schedule one cycle" in lines


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"source": "explored runs", "run": "tune-a"}, "from explored runs (tune-a); these"),
        ({"source": "defaults"}, "Nothing was taken from the explored runs. Defaults"),
    ],
)
def test_the_explored_runs_are_named_where_one_was_usable(
    tmp_path: Path, source: dict[str, str], words: str
) -> None:
    chosen = experiment_manifest().experiment | {"tuned_by": "explored runs"}
    chosen["nuisance"] = [row | source for row in chosen["nuisance"]]
    run = write_experiment(tmp_path / "run", pictures=False, experiment=chosen)
    assert words in " ".join(limits(read(run)))


def tuned_apart(path: Path) -> Experiment:
    """The augmented arm was found in a search at 16 epochs; the others have the defaults."""
    chosen = experiment_manifest().experiment | {"tuned_by": "explored runs"}
    for row in chosen["nuisance"]:
        if (row["arm"], row["budget"]) == ("tiny_aug", 16):
            found = {"learning_rate": 0.0056, "batch_size": 32}
            row["parameters"] = row["parameters"] | found
            row |= {"source": "explored runs", "run": "tiny_aug-x", "trial": 7, "seed": 0}
    return read(write_experiment(path, pictures=False, experiment=chosen))


def test_a_report_shows_what_each_system_was_trained_with(tmp_path: Path) -> None:
    (table,) = settings_table(tuned_apart(tmp_path / "run"))
    rows = table.frame.set_index(["system", "epochs"])
    assert rows.loc[("Augmented tiny (0.5)", 16)].tolist() == [
        0.0056,
        0.005,
        32,
        "tiny_aug-x, trial 7",
    ]
    assert rows.loc[("tiny", 16)].tolist() == [0.003, 0.005, 64, "defaults, not tuned"]


def test_a_verdict_on_arms_that_were_tuned_apart_says_so(tmp_path: Path) -> None:
    first, crossover, dose = verdicts_of(tuned_apart(tmp_path / "run"))
    assert "also differ" not in first.plain  # it is decided at 4 epochs
    for verdict in (crossover, dose):
        assert "also differ in learning rate and batch size, see" in verdict.plain
        assert "Not all were tuned: " in verdict.plain
        assert "tiny, 16 epochs" in verdict.plain.partition("Not all were tuned: ")[2]


def test_what_a_claim_is_about_is_no_other_difference(tmp_path: Path) -> None:
    large = arm("tiny", batch_size=128)
    claim = dataclasses.replace(CLAIMS[0], arms=(large, PLAIN), seeds=5)
    chosen = experiment_manifest([claim]).experiment
    for row in chosen["nuisance"]:
        row["parameters"] = {"learning_rate": 0.001 if row["arm"] == large.name else 0.002}
        row["parameters"] |= {} if row["arm"] == large.name else {"batch_size": 64}
    run = write_experiment(tmp_path / "run", [claim], pictures=False, experiment=chosen)
    experiment = read(run)
    (verdict,) = verdicts_of(experiment)
    assert "The arms also differ in learning rate, see" in verdict.plain
    assert "with their spaces' defaults, not at equal settings" in verdict.plain
    (table,) = settings_table(experiment)
    assert sorted(table.frame["batch size"]) == [64, 128]


def test_nothing_is_said_of_settings_that_are_equal(experiment_run: Path) -> None:
    for verdict in verdicts_of(read(experiment_run)):
        assert "tuned" not in verdict.plain


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arms": ["tiny", "tinny"]}, "tinny"),
        ({"metric": "speed"}, "speed"),
        ({"budgets": []}, "budgets"),
    ],
)
def test_claims_that_cannot_be_read_are_named_in_one_line(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    spec = experiment_manifest().spec
    spec["claims"][0] = claim_to_dict(CLAIMS[0]) | change
    run = write_experiment(tmp_path / "run", pictures=False, spec=spec)
    with pytest.raises(UserError, match=words) as raised:
        write_report([run], tmp_path / "report")
    assert "\n" not in str(raised.value)


def test_a_metric_that_no_cell_has_is_named(tmp_path: Path) -> None:
    run = write_experiment(tmp_path / "run", pictures=False)
    for name in ("trials", "epochs"):
        path = run / f"{name}.parquet"
        pd.read_parquet(path).drop(columns="test_accuracy").to_parquet(path)
    with pytest.raises(UserError, match="test_accuracy, which no cell has a record of"):
        read(run)


def test_no_claim_and_no_phase_are_named(tmp_path: Path) -> None:
    spec = experiment_manifest().spec
    run = write_experiment(tmp_path / "none", pictures=False, spec=spec | {"claims": []})
    with pytest.raises(UserError, match="names no claim"):
        read(run)
    run = write_run(tmp_path / "search", ["completed"], kind="experiment", spec=spec)
    with pytest.raises(UserError, match=r"no record of config\.phase"):
        read(run)


def test_searches_and_experiments_mix_and_are_not_pooled(tmp_path: Path) -> None:
    svhn = manifest().data | {"name": "svhn", "content_hash": "ff00"}
    small = [dataclasses.replace(CLAIMS[0], seeds=2)]
    runs = [
        write_run(tmp_path / "search", ["completed", "pruned"], data=svhn),
        write_experiment(tmp_path / "a", small, pictures=False),
        write_experiment(tmp_path / "b", small, pictures=False),
    ]
    index = write_report(runs, tmp_path / "report")
    page = page_of(index)
    assert "Report of 2 experiments and 1 search" in page.text
    assert "different data sets: their rows must not be compared" in page.text
    assert not (index.parent / "verdicts.json").exists()
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    sections = [a["id"] for tag, a in page.tags if tag == "section"]
    assert sections[:2] == ["confirm-street-digits-4d3c2b1a", "confirm-street-digits-4d3c2b1a-2"]
    assert sections[-1] == "comparison"
    assert "claims split over several are not corrected for each other" in page.text


def test_an_experiment_and_a_search_of_the_same_data_have_nothing_to_compare(
    tmp_path: Path,
) -> None:
    small = [dataclasses.replace(CLAIMS[0], seeds=2)]
    runs = [
        write_run(tmp_path / "search", ["completed", "pruned"]),
        write_experiment(tmp_path / "a", small, pictures=False),
    ]
    data = [load_run(run).manifest.data["content_hash"] for run in runs]
    assert data[0] == data[1]
    page = page_of(write_report(runs, tmp_path / "report"))
    assert "comparison" not in [a["id"] for tag, a in page.tags if tag == "section"]
    assert (tmp_path / "report" / "verdicts.json").exists()


def test_the_registered_claims_compare_systems_named_as_in_the_reference(tmp_path: Path) -> None:
    claims = [dataclasses.replace(REGISTERED["resnet18_beats_aug_short"], seeds=5)]
    run = write_experiment(tmp_path / "run", claims, pictures=False)
    text = page_of(write_report([run], tmp_path / "report")).text
    assert "Controlled experiment of 1 claim ·" in text
    assert "Augmented ResNet18 (0.5)" in text
    assert "Data: svhn, reported by others. Context only" in text
    assert "0.8851" in text


@pytest.mark.parametrize(("data", "shown"), [("svhn", 1), ("street_digits", 1), ("leaves", 0)])
def test_what_others_report_of_digits_is_no_context_of_other_data(
    tmp_path: Path, data: str, shown: int
) -> None:
    claims = [dataclasses.replace(REGISTERED["resnet18_beats_aug_short"], seeds=2)]
    named = experiment_manifest().data | {"name": data}
    run = write_experiment(tmp_path / "run", claims, pictures=False, data=named)
    assert len(context(read(run))) == shown


def test_a_verdict_on_what_learned_nothing_says_so(experiment_run: Path) -> None:
    experiment = read(experiment_run)
    assert not any("most frequent class" in v.plain for v in verdicts_of(experiment))
    counts = experiment.run.manifest.data["class_counts"]["test"]
    plain = experiment.cells["arm"] == "tiny"  # better in the mean, but not beyond chance
    above = np.resize([-0.01, 0.012], int(plain.sum()))
    experiment.cells.loc[plain, "test_accuracy"] = max(counts) / sum(counts) + above
    found = verdicts_of(experiment)
    concerned = [any(arm.name == "tiny" for arm in v.claim.arms) for v in found]
    assert concerned == [
        "most frequent class" in v.plain and "says little about trained systems" in v.plain
        for v in found
    ]
    assert any(concerned)
    first = section(experiment, found).parts[0].lines
    assert first[1].startswith(f"{sum(concerned)} of these verdicts are about systems that are not")


def test_a_crossover_has_its_verdict_once_in_the_figure(experiment_run: Path) -> None:
    experiment = read(experiment_run)
    (crossover,) = [v for v in verdicts_of(experiment) if v.claim.decided_by == "crossover"]
    (picture,) = differences(experiment.cells, [crossover])
    labels = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert [crossover.verdict in label for label in labels] == [False, True]
    assert ["not yet" in label for label in labels] == [True, False]
