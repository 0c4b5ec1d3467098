"""The face of the experiment: what it answers at once, and how it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from study import dry_run, records, session
from study.claims import CLAIMS, overridden, select
from study.confirm import _claims, main
from study.dry_run import print_experiment, print_plan
from study.experiment_plan import ExperimentSpec, experiment_id
from study.plan import SearchSpec
from study.resources import Resources
from study.results import ExperimentResult
from tests.study.commands import ROOT, heavy_imports, run
from tests.study.test_records import manifest
from tests.trainables.made_up import write_svhn
from trainables.errors import UserError

CONFIRM = "study.confirm"


HERE = (Resources(), "runs")


def words(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed since the last call, in one line."""
    return " ".join(capsys.readouterr().out.split())


QUICK = ["--help", "--list", "--dry-run", "--dry-run --storage s3://bucket/runs"]


@pytest.mark.parametrize("arguments", QUICK)
def test_quick_answers_import_nothing_heavy(arguments: str) -> None:
    heavy = {"torch", "ray", "wandb", "optuna", "pandas", "numpy", "scipy"}
    imported, shown = heavy_imports("study.confirm", arguments.split(), heavy)
    assert not imported
    assert max(map(len, shown.splitlines())) <= 80


def test_list_shows_every_claim() -> None:
    shown = run("--list", module=CONFIRM).stdout
    assert all(name in shown for name in CLAIMS)


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        (
            "resnet18_beats_cnn",
            "test_accuracy higher by 2 percentage points or more at 4 epochs; 8 seeds, alpha 0.05",
        ),
        (
            "aug_crossover",
            "val_loss not lower by 0.05 nats or more at 4 epochs, and lower by that at 14;",
        ),
        (
            "strength_dose_response",
            "strength 1): gap falls by 0.1 nats per unit strength or more at 14 epochs;",
        ),
    ],
)
def test_list_says_how_each_rule_decides(claim: str, rule: str) -> None:
    shown = run("--list", "--claims", claim, module=CONFIRM).stdout
    assert rule in " ".join(shown.split())


def test_a_dry_run_says_what_is_known_of_the_run(tmp_path: Path) -> None:
    spec, console = ExperimentSpec(select(["aug_crossover"])), Console(width=80)

    def state(storage: str) -> str:
        return str(print_experiment(console, spec, Resources(), storage)["state"])

    assert state(str(tmp_path)) == "not started"
    (tmp_path / experiment_id(spec)).mkdir()
    for status, said in (("complete", "complete: nothing would be"), ("running", "continued")):
        records.write_manifest(tmp_path / experiment_id(spec), manifest(status=status))
        assert said in state(str(tmp_path))
    assert state("s3://bucket/runs") == "not looked up in the bucket"


def test_a_dry_run_shows_cells_cost_and_reachable_p_and_writes_nothing(tmp_path: Path) -> None:
    done = run("--dry-run", "--storage", str(tmp_path), module=CONFIRM)
    assert done.returncode == 0, done.stderr
    assert "88 trainings" in done.stdout
    assert "0.0312 at best" in done.stdout
    assert "warning" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_where_it_does_not_know_how_many_images_there_are(
    capsys, tmp_path: Path
) -> None:
    write_svhn(tmp_path)
    console, folder = Console(width=80), str(tmp_path)
    unknown = "with 1,000 training images; how many there are is known once they are read"
    claims = select(["aug_crossover"])
    for size, is_said in ((None, True), (240, False)):
        options = {"data": "svhn", "data_dir": folder, "train_size": size}
        plan = print_experiment(console, ExperimentSpec(claims, **options), *HERE)
        assert (unknown in words(capsys)) == is_said == (plan["seconds"] is None)
        plan = print_plan(console, SearchSpec("cnn", **options), *HERE)
        shown = words(capsys)
        assert (unknown in shown) == is_said == (plan["seconds"] is None)
        assert "warning" not in shown


def test_a_dry_run_warns_of_data_that_a_run_could_not_use(capsys, tmp_path: Path) -> None:
    console, nowhere = Console(width=80), SearchSpec("cnn", "svhn", data_dir=str(tmp_path))
    print_plan(console, nowhere, *HERE)
    assert "warning: " in (shown := words(capsys))
    assert "train_32x32.mat:nosuchfile" in shown.replace(" ", "")  # a long path is folded
    print_plan(console, nowhere, *HERE, download=True)
    assert "warning" not in words(capsys)
    print_plan(console, SearchSpec("cnn", "uci_digits", train_size=1_151), *HERE)
    assert "--train-size 1151: only 1,150 images are left" in words(capsys)


def test_a_dry_run_warns_of_storage_that_a_run_could_not_write(capsys, tmp_path: Path) -> None:
    console, spec = Console(width=80), ExperimentSpec(select(["aug_crossover"]))
    for show in (
        lambda storage: print_plan(console, SearchSpec("cnn"), Resources(), storage),
        lambda storage: print_experiment(console, spec, Resources(), storage),
    ):
        show("/dev/null/x")
        assert "warning: --storage /dev/null/x: cannot write there (Not a dir" in words(capsys)
        for fine in (str(tmp_path / "new"), "s3://bucket/runs"):
            show(fine)
            assert "cannot write" not in words(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_sees_what_other_processes_are_writing(capsys, tmp_path: Path) -> None:
    console, spec = Console(width=200), ExperimentSpec(select(["aug_crossover"]))
    run, source = tmp_path / experiment_id(spec), tmp_path / "searched"
    for folder in (run, source):
        folder.mkdir()
        about = {"data": {"name": "street_digits"}, "space": {"model": "resnet18"}, "seeds": [0]}
        records.write_manifest(folder, manifest(status="running", **about))

    tuned = dataclasses.replace(spec, tuning_trials=0, sources=(str(source),))
    for _ in range(2):
        with session.locked(run), session.locked(source):
            plan = print_experiment(console, spec, Resources(), str(tmp_path))
            assert plan["state"] == "being written by another process: wait for it or stop it"
            capsys.readouterr()
            print_experiment(console, tuned, Resources(), str(tmp_path))
            assert "of searched (still running: the best so far)" in words(capsys)
    print_experiment(console, tuned, Resources(), str(tmp_path))
    assert "still running" not in words(capsys)


def test_a_search_of_one_number_of_epochs_is_told_of(capsys) -> None:
    print_plan(Console(width=80), SearchSpec("cnn", max_epochs=3), *HERE)
    assert "note: --max-epochs 3: the range 4 .. 32 is cut to 3, so epochs" in words(capsys)


def test_a_run_says_which_budgets_it_does_not_train(monkeypatch, capsys) -> None:
    def stop(*_: object, **__: object) -> None:
        raise UserError("enough")

    monkeypatch.setattr("study.experiment.experiment", stop)
    asked = ["--claims", "aug_gap_smaller", "--budgets", "4,6"]
    for quiet, is_said in (([], True), (["--quiet"], False)):
        with pytest.raises(UserError, match="enough"):
            main.main([*asked, *quiet], standalone_mode=False)
        assert ("note: 4 epochs: no claim is decided there" in words(capsys)) == is_said


def test_a_stored_run_is_shown_where_it_was_asked_for_and_brackets_are_text(capsys) -> None:
    print_plan(Console(width=120), SearchSpec("cnn"), Resources(), "s3://bucket/runs/")
    assert "directory s3://bucket/runs/cnn-street_digits-" in words(capsys)
    dry_run._grid(Console(width=80), [("parameters", "tiny_aug[augment_strength=1.0]")])
    assert "tiny_aug[augment_strength=1.0]" in words(capsys)


def test_claims_are_named_together_and_repeatedly(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "tiny_claims.toml").read_text()
    first, other = tmp_path / "first.toml", tmp_path / "other.toml"
    first.write_text(text)
    other.write_text(text.replace("smallest_effect = 0.05", "smallest_effect = 0.06"))
    both = [claim.id for claim in _claims((f"{first}, aug_crossover", "aug_gap_smaller"))]
    assert both[-2:] == ["aug_crossover", "aug_gap_smaller"]
    assert len(both) == 4
    named = _claims(("segmentation,aug_crossover", "aug_crossover"))
    assert len(named) == 1 + len(_claims(("segmentation",)))
    with pytest.raises(UserError, match="two different claims have the id 'tiny_aug_crossover'"):
        _claims((str(first), str(other)))
    with pytest.raises(UserError) as caught:
        _claims(("segmentation,aug_crosover", "aug_gap_smaler"))
    lines = str(caught.value).splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "unknown claim 'aug_crosover': did you mean aug_crossover?",
        "unknown claim 'aug_gap_smaler': did you mean aug_gap_smaller?",
    ]


def test_the_list_of_all_claims_has_a_heading_a_task() -> None:
    shown = run("--list", module=CONFIRM).stdout
    assert shown.count("--claims classification") == shown.count("--claims segmentation") == 1
    assert "--claims" not in run("--list", "--claims", "segmentation", module=CONFIRM).stdout


def test_a_dry_run_of_a_complete_run_costs_nothing(capsys, tmp_path: Path) -> None:
    spec = ExperimentSpec(select(["aug_crossover"]))
    (tmp_path / experiment_id(spec)).mkdir()
    records.write_manifest(tmp_path / experiment_id(spec), manifest(status="complete"))
    plan = print_experiment(Console(width=80), spec, Resources(), str(tmp_path))
    assert plan["seconds"] == 0
    assert "time none: the same command shows the result" in words(capsys)


def test_three_seeds_are_said_to_decide_nothing() -> None:
    done = run("--dry-run", "--seeds", "3", "--claims", "aug_gap_smaller", module=CONFIRM)
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert "cannot be decided with 3 seeds" in shown
    assert "smallest p 0.125 at best" in shown
    assert "can reach is 0.125, alpha" in shown


def test_a_dry_run_says_each_thing_once_and_what_is_not_trained(capsys) -> None:
    def shown(ids: list[str], budgets: tuple[int, ...]) -> str:
        spec = ExperimentSpec(overridden(select(ids), budgets, 8), tuning_trials=0)
        print_experiment(Console(width=80), spec, *HERE)
        return words(capsys)

    text = shown(["aug_gap_smaller"], (4, 12))
    assert "epochs 192 of resnet18 resources" in text
    assert "4 epochs: no claim is decided there, so it is not trained" in text
    text = shown(["aug_gap_smaller"], (4, 8, 12))
    assert "4 and 8 epochs: no claim is decided there, so they are not trained" in text
    text = shown(["aug_gap_smaller", "aug_crossover"], (4, 12))
    assert "not trained" not in text
    text = shown(["resnet18_beats_cnn"], (4,))
    assert "epochs 64: 32 of resnet18, 32 of cnn resources" in text


@pytest.mark.parametrize(
    ("cpus", "each", "said"),
    [(1, 1, "1 trial at once, 1 CPU each, on 1 CPU here"), (8, 2, "2 CPUs each, on 8 CPUs here")],
)
def test_one_cpu_is_one(cpus: int, each: float, said: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr("study.dry_run.available_cpus", lambda: cpus)
    monkeypatch.setattr("study.dry_run.may_have_gpus", lambda: False)
    resources = Resources(cpus_per_trial=each)
    print_plan(Console(width=80), SearchSpec("cnn"), resources, "runs")
    assert said in words(capsys)


def test_a_dry_run_knows_the_cluster_that_the_environment_names(monkeypatch, capsys) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    print_plan(Console(width=80), SearchSpec("cnn"), *HERE)
    assert "the Ray cluster at 10.0.0.1:6379: as many" in words(capsys)


def test_a_dry_run_says_what_it_knows_of_gpus(monkeypatch, capsys) -> None:
    monkeypatch.setattr("study.dry_run.may_have_gpus", lambda: True)
    print_plan(Console(width=80), SearchSpec("cnn"), Resources(gpus_per_trial=0.25), "runs")
    shown = words(capsys)
    assert "1 CPU and 0.25 GPUs each, on" in shown
    assert "how many trials at once is known once Ray has counted the GPUs" in shown


def test_a_run_in_a_bucket_stays_a_uri_in_the_specification(monkeypatch, tmp_path: Path) -> None:
    asked = []

    def check(spec: ExperimentSpec, resources: object, download: bool) -> None:
        asked.append(spec.sources)
        raise UserError("enough")

    monkeypatch.setattr("study.experiment.check", check)
    monkeypatch.chdir(tmp_path)
    uri = "s3://bucket/runs/tiny-1?region=eu-west-1"
    with pytest.raises(UserError, match="enough"):
        main.main(["--from", uri, "--from", "here"], standalone_mode=False)
    assert asked == [(uri, str(tmp_path / "here"))]


def test_quiet_shows_the_verdicts_only(monkeypatch, capsys, tmp_path: Path) -> None:
    verdicts = [{"verdict": "supported", "claim": "aug_crossover", "plain": "It is so."}]
    (tmp_path / "verdicts.json").write_text(json.dumps(verdicts))
    tables = (pd.DataFrame(), pd.DataFrame())
    report = Path(os.path.relpath(tmp_path / "index.html"))
    result = ExperimentResult("confirm-1", tmp_path, *tables, {}, 1, 1.0, report)
    monkeypatch.setattr("study.experiment.experiment", lambda *_, **__: result)
    main.main(["--quiet"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == [
        "supported    aug_crossover",
        "1 cell is missing; the same command trains what is missing",
        f"report  {report}",
    ]
    main.main(["--quiet", "--json"], standalone_mode=False)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["verdicts"] == verdicts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--claims segmentatoin", "did you mean segmentation? (or name a .toml file)"),
        ("--claims zzz", "classification, cnn_aug_crossover"),
        ("--claims aug_crossovr", "did you mean aug_crossover?"),
        ("--claims cnn_gap_smaller", "did you mean cnn_aug_gap_smaller? (or"),
        ("--space cnn", "an experiment takes --claims (a space is study.run's)"),
        ("--claims nowhere.toml", "nowhere.toml"),
        ("--budgets 4,x", "--budgets must be whole numbers with commas, got '4,x'"),
        ("--budgets 30,4", "rising"),
        ("--seeds 1", "--seeds must be a whole number of at least 2, got 1"),
        ("--tuning-trials -1", "--tuning-trials must be a whole number of at least 0, got -1"),
        ("--data svnh", "did you mean svhn?"),
        ("--workers-per-trial 4096", "needs 4096 CPUs, but there are"),
        ("--from /nowhere", "/nowhere is not a run directory"),
        ("--from /nowhere --dry-run", "/nowhere is not a run directory"),
        ("--precision fp61", "unknown precision 'fp61'"),
        ("--pretrained", "cnn has no pretrained weights"),
        ("--from /nowhere --no-tune", "leave out what tunes them"),
        ("--name ../../evil", "--name must be"),
    ],
)
def test_a_wrong_request_is_one_line(arguments: str, message: str, tmp_path: Path) -> None:
    done = run(*arguments.split(), "--storage", str(tmp_path), module=CONFIRM)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode in (1, 2)
