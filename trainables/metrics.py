"""Sums over batches that turn into loss, accuracy and macro F1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Tally:
    """Running sums of an evaluation, on the device: no host synchronisation per batch.

    loss: summed cross-entropy in nats, float64 scalar. confusion: int64
    (classes, classes), rows true labels, columns predictions. Sums, not means, so that
    adding the tallies of several workers is exact whatever their shares.
    """

    loss: Tensor
    confusion: Tensor

    @classmethod
    def empty(cls, classes: int, device: torch.device) -> Tally:
        """A tally of nothing."""
        return cls(
            torch.zeros((), dtype=torch.float64, device=device),
            torch.zeros(classes, classes, dtype=torch.int64, device=device),
        )

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: logits float (N, classes), labels int64 (N,)."""
        loss = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
        self.loss += loss.double()
        self.confusion += confusion_matrix(logits.argmax(1), labels, len(self.confusion))

    def summary(self) -> dict[str, float]:
        """Mean loss (nats), accuracy and macro F1 over what was added."""
        count = int(self.confusion.sum())
        return {
            "loss": float(self.loss) / count,
            "accuracy": int(self.confusion.diagonal().sum()) / count,
            "f1": macro_f1(self.confusion),
        }


def confusion_matrix(predictions: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Counts (classes, classes), rows true labels, columns predictions, int64."""
    cells = labels * classes + predictions
    return torch.bincount(cells, minlength=classes * classes).view(classes, classes)


def macro_f1(confusion: Tensor) -> float:
    """Unweighted mean over classes of F1 = 2TP / (2TP + FP + FN).

    Classes that neither occur nor are predicted are left out, as scikit-learn's
    `f1_score(average="macro")` does with the labels it finds.
    """
    hits = confusion.diagonal().double()
    total = (confusion.sum(0) + confusion.sum(1)).double()
    present = total > 0
    return float((2 * hits[present] / total[present]).mean())
