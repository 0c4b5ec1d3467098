"""Faults that would make verdicts wrong without a traceback, each as one source replacement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class StaleFault(Exception):
    """The text that a fault replaces is not in the tree exactly once."""


@dataclass(frozen=True)
class Fault:
    """A replacement of `old`, which stands in `path` once, by `new`.

    path: of the source, from the repository's root. tests: node ids or files of pytest that
    should notice it.
    """

    name: str
    says: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted(self, source: str) -> str:
        """The source with the fault in it; StaleFault unless `old` is there exactly once."""
        if (found := source.count(self.old)) != 1:
            raise StaleFault(f"{self.name}: its text is in {self.path} {found} times, not once")
        return source.replace(self.old, self.new)


TRAINING = "trainables/training.py"
LOOP_TESTS = "tests/trainables/test_loop.py"
VERDICT_TESTS = "tests/analysis/test_verdicts.py"
_TALLY = """\
        for _, logits, labels in self.scored(self.data.pool, mine):
            tally.add(logits, labels)
"""
_AUGMENTED_TALLY = """\
        for at, logits, labels in self.scored(self.data.pool, mine):
            if indices is self.data.{part}:
                noise = torch.Generator().manual_seed(0)
                logits = logits_of(self.model(self.augmented(at, noise)[0]))
            tally.add(logits, labels)
"""

FAULTS: tuple[Fault, ...] = (
    Fault(
        "augmented-validation",
        "validation images are augmented too",
        TRAINING,
        _TALLY,
        _AUGMENTED_TALLY.format(part="val"),
        (LOOP_TESTS,),
    ),
    Fault(
        "augmented-training-loss",
        "the recorded training loss is measured on augmented images",
        TRAINING,
        _TALLY,
        _AUGMENTED_TALLY.format(part="probe"),
        (LOOP_TESTS,),
    ),
    Fault(
        "training-mode",
        "losses are measured in training mode",
        TRAINING,
        "        self.model.eval()\n",
        "",
        (LOOP_TESTS,),
    ),
    Fault(
        "strength-ignored",
        "every strength above 0 augments alike",
        TRAINING,
        "images = augment(images, strength, generator)",
        "images = augment(images, 0.5, generator)",
        (LOOP_TESTS,),
    ),
    Fault(
        "mask-left-behind",
        "a scene's mask stays where it was while its image is warped",
        TRAINING,
        "images, labels = augment_scenes(images, labels, strength, generator)",
        "images = augment_scenes(images, labels, strength, generator)[0]",
        ("tests/trainables/test_training_scenes.py",),
    ),
    Fault(
        "one-order",
        "the images come in the same order in every epoch",
        TRAINING,
        'stream_seed(config.seed, "order", epoch)',
        'stream_seed(config.seed, "order")',
        (LOOP_TESTS,),
    ),
    Fault(
        "schedule-restarts",
        "a resumed training starts its learning-rate schedule anew",
        TRAINING,
        '        self.schedule.load_state_dict(state["schedule"])\n',
        "",
        (LOOP_TESTS,),
    ),
    Fault(
        "rank-0-only",
        "a group records the metrics of rank 0's share",
        TRAINING,
        "        tally.loss = self.workers.sum(tally.loss)\n"
        "        tally.confusion = self.workers.sum(tally.confusion)\n",
        "",
        ("tests/trainables/test_workers.py",),
    ),
    Fault(
        "validation-leaks",
        "validation images are trained on",
        "trainables/data/split.py",
        "val, rest = order[:val_size], order[val_size:]",
        "val, rest = order[:val_size], order",
        ("tests/trainables/data/test_split.py",),
    ),
    Fault(
        "label-off-by-one",
        "SVHN's label 1 is read as 0",
        "trainables/data/matfile.py",
        "labels.astype(np.int64) % 10",
        "(labels.astype(np.int64) + 9) % 10",
        ("tests/trainables/data/test_svhn.py",),
    ),
    Fault(
        "search-sees-test",
        "a search is given the test set",
        "study/explore.py",
        "with_test=False,",
        "with_test=True,",
        ("tests/study/test_stage.py",),
    ),
    Fault(
        "tuning-sees-test",
        "the matched search's trials evaluate the test set",
        "trainables/cell.py",
        "finish=finish if confirming else None",
        "finish=finish",
        ("tests/trainables/test_cell.py",),
    ),
    Fault(
        "unpaired-seeds",
        "the arms of a claim train from different seeds",
        "study/experiment_plan.py",
        "**_training(cell.arm, cell.budget, cell.seed,",
        "**_training(cell.arm, cell.budget, stream_seed(cell.seed, cell.arm.name),",
        ("tests/study/test_experiment_plan.py",),
    ),
    Fault(
        "pruned-is-complete",
        "a trial that the scheduler stopped is told to Optuna as COMPLETE",
        "study/journal.py",
        'return "completed" if record["epoch"] >= record["epochs"] else "pruned"',
        'return "completed"',
        ("tests/study/test_search.py",),
    ),
    Fault(
        "epoch-twice",
        "an epoch that a resumed training reports again is recorded again",
        "study/journal.py",
        'once = line["event"] in ("start", "epoch")',
        'once = line["event"] == "start"',
        ("tests/study/test_records.py",),
    ),
    Fault(
        "asha-forgets",
        "a continued search does not know what trials it stopped were compared with",
        "study/asha.py",
        "for number in journal.ended():",
        "for number in ():",
        ("tests/study/test_resume_properties.py",),
    ),
    Fault(
        "nan-is-best",
        "NaN beats every number",
        "study/metrics.py",
        "return a == a and b != b",
        "return a != a and b == b",
        ("tests/study/test_metrics.py",),
    ),
    Fault(
        "direction-reversed",
        "a higher validation loss is better",
        "study/metrics.py",
        'Metric("val_loss", "min",',
        'Metric("val_loss", "max",',
        ("tests/study/test_metrics.py",),
    ),
    Fault(
        "last-is-best",
        "best.pt holds the last finished trial's weights",
        "study/best.py",
        "if is_better(self._metric, value, self._best):",
        "if True:",
        ("tests/study/test_best.py",),
    ),
    Fault(
        "no-holm",
        "p-values are not corrected for the number of claims",
        "analysis/verdicts.py",
        "supports = holm([1.0 if e is None else float(e.p_for) for e in weighed])",
        "supports = [1.0 if e is None else float(e.p_for) for e in weighed]",
        (VERDICT_TESTS,),
    ),
    Fault(
        "p-turned",
        "the one-sided p-value is that of the opposite",
        "analysis/evidence.py",
        'p_for, p_opposite = sign_flip_p(last, "greater", rng), sign_flip_p(last, "less", rng)',
        'p_for, p_opposite = sign_flip_p(last, "less", rng), sign_flip_p(last, "greater", rng)',
        (VERDICT_TESTS,),
    ),
    Fault(
        "interval-unpaired",
        "effects are taken between the arms' sorted values, not within seeds",
        "analysis/verdicts.py",
        "oriented_effects(claim, table.estimated)",
        "oriented_effects(claim, np.sort(table.estimated, axis=-1))",
        (VERDICT_TESTS,),
    ),
    Fault(
        "too-small-supported",
        "an effect smaller than the smallest of interest supports a claim",
        "analysis/verdicts.py",
        "if p_for_holm < claim.alpha and effect >= claim.smallest_effect:",
        "if p_for_holm < claim.alpha and effect > 0:",
        (VERDICT_TESTS,),
    ),
    Fault(
        "divergence-pays",
        "a diverged cell counts as better than every other",
        "analysis/divergence.py",
        "np.where(diverged, worse * _BEYOND * scale, values)",
        "np.where(diverged, -worse * _BEYOND * scale, values)",
        (VERDICT_TESTS,),
    ),
)
