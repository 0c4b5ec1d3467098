"""Weights & Biases' own runs: one a trial, and one with the report. Nothing else imports wandb.

A run's id is the study's run id and the trial's number, its step is the epoch. Online an
existing run is resumed and W&B says how far it got. Offline nothing can be resumed: a second
folder with the same id would replace the first when it is synchronised, so a trial that goes on
is written anew, as a whole, and the folder of its beginning is deleted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import wandb

from study import records
from study.cell_evidence import Evidence, read_evidence
from study.handover import FOLDER, Trial
from study.tracking import OFFLINE, PROJECT
from trainables.cell_file import cell_name
from trainables.config import CONFIRM
from trainables.data.masks import VOID

INIT_SECONDS, FINISH_SECONDS = 10.0, 60.0  # that W&B is given to begin and to end a run online
TAG_LENGTH = 64  # W&B's limit
TAGGED = ("arm", "seed", "budget", "phase")
CONFUSION_CHART = "wandb/confusion_matrix/v1"  # W&B's preset


class WandbRuns:
    """The W&B runs of a study's run directory, in one mode."""

    def __init__(self, run: Path, mode: str) -> None:
        self._run, self._mode = run, mode
        self._manifest = records.read_manifest(run)
        self._open: dict[int, wandb.Run] = {}
        self._steps: dict[int, int] = {}  # the last one W&B has, by trial

    def bring_up_to_date(self, trial: Trial) -> None:
        """Log the epochs that a trial's run does not have."""
        number = trial.number
        if number not in self._open:
            self._open[number] = self._start(
                f"{number:05d}", _name(trial), str(trial.config.get("phase", "search")),
                config={**self._described(), **trial.config}, tags=self._tags(trial),
            )  # fmt: skip
            self._steps[number] = self._open[number].starting_step - 1
        for record in trial.epochs:
            self._log(number, record, step=record["epoch"])

    def has_evidence(self, trial: Trial) -> bool:
        """Whether what an ended trial leaves beside the journal is there."""
        expected = trial.state == "completed" and trial.config.get("phase") == CONFIRM
        return not expected or self._cell(trial).exists()

    def end(self, trial: Trial) -> None:
        """End the W&B run of a trial that has ended, with all that there is of it."""
        run = self._open[trial.number]
        if trial.state == "completed" and self._cell(trial).exists():
            evidence = read_evidence(self._cell(trial), self._manifest.data["classes"])
            self._log(trial.number, _media(evidence), step=len(trial.epochs) + 1)
        run.summary.update({"state": trial.state, "error": trial.error})
        run.finish(exit_code=int(trial.state == "failed"))
        del self._open[trial.number]

    def close(self) -> None:
        """End what is open as unfinished; the trial goes on another time."""
        for number in list(self._open):
            self._open.pop(number).finish(exit_code=1)

    def hand_over_report(self) -> None:
        """The report's page, figures and tables as one artifact of a run of its own."""
        run = self._start("report", "report", "report", config=self._described(), tags=[])
        artifact = wandb.Artifact(f"report-{self._run.name}", type="report")
        # The files stay where they are: as "mutable" ones W&B would copy each of them.
        folder = str(self._run / records.REPORT)
        artifact.add_dir(folder, policy="immutable", skip_cache=True)
        run.log_artifact(artifact)
        run.finish()

    def _start(
        self, part: str, name: str, job_type: str, config: dict[str, Any], tags: list[str]
    ) -> wandb.Run:
        identity = f"{self._run.name}-{part}"
        if self._mode == OFFLINE:
            for folder in (self._run / FOLDER).glob(f"offline-run-*-{identity}"):
                shutil.rmtree(folder)
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=identity,
            group=self._run.name,
            name=name,
            job_type=job_type,
            config=records.plain(config),
            tags=tags,
            mode="offline" if self._mode == OFFLINE else "online",
            reinit="create_new",
            resume=None if self._mode == OFFLINE else "allow",
            settings=_settings(self._run),
        )

    def _described(self) -> dict[str, Any]:
        """What the manifest says of every trial: enough to find the run, none of its paths."""
        manifest = self._manifest
        return {
            "run_id": manifest.run_id,
            "kind": manifest.kind,
            "space": manifest.space.get("name"),
            "objective": manifest.objective["name"],
            "data": manifest.data["name"],
            "data_hash": manifest.data["content_hash"],
            "train_size": manifest.data["train_size"],
            "commit": manifest.git.get("commit"),
        }

    def _tags(self, trial: Trial) -> list[str]:
        """Arm, seed and budget of a cell; of a search's trial its space and seed."""
        tags = {"data": self._manifest.data["name"]}
        if "arm" not in trial.config:
            tags |= {"space": self._manifest.space["name"], "seed": self._manifest.seeds[0]}
        tags |= {name: trial.config[name] for name in TAGGED if name in trial.config}
        return [f"{name}:{value}"[:TAG_LENGTH] for name, value in tags.items()]

    def _log(self, number: int, values: dict[str, Any], step: int) -> None:
        if step > self._steps[number]:
            self._open[number].log(values, step=step)
            self._steps[number] = step

    def _cell(self, trial: Trial) -> Path:
        """Where a cell's confusion matrix, predictions and images are."""
        return self._run / records.CELLS / cell_name(trial.number)


def _settings(run: Path) -> wandb.Settings:
    """Everything under the run directory, nothing on the terminal, no code and no machine."""
    return wandb.Settings(
        root_dir=str(run),
        use_dot_wandb=False,
        symlink=False,
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        save_code=False,
        disable_job_creation=True,
        label_disable=True,
        host="",
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_save_requirements=False,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
    )


def _name(trial: Trial) -> str:
    """The run's name in W&B's tables."""
    config = trial.config
    if "arm" not in config:
        return f"trial {trial.number}"
    return f"{config['arm']}, {config['budget']} epochs, seed {config['seed']} ({config['phase']})"


def _media(evidence: Evidence) -> dict[str, Any]:
    """The evidence as W&B shows it."""
    names = evidence.classes
    counts = [
        [names[truth], names[read], int(count)]
        for truth, row in enumerate(evidence.confusion)
        for read, count in enumerate(row)
    ]
    columns = ["Actual", "Predicted", "nPredictions"]
    media: dict[str, Any] = {
        "confusion_matrix": wandb.plot_table(
            CONFUSION_CHART,
            wandb.Table(columns=[*columns], data=counts),
            {name: name for name in columns},
            {"title": "Confusion matrix on the test set"},
        ),
        "predictions": wandb.Table(columns=[*evidence.columns], data=evidence.rows),
    }
    if evidence.shown:
        labels = {**dict(enumerate(names)), VOID: "void"}
        media["test_images"] = [
            wandb.Image(
                picture.image,
                caption=picture.caption,
                masks={
                    name: {"mask_data": mask, "class_labels": labels}
                    for name, mask in picture.masks.items()
                }
                or None,
            )
            for picture in evidence.shown
        ]
    return media
