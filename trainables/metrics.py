"""Sums over batches that turn into loss, accuracy, macro F1 and mean IoU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data.masks import VOID
from trainables.objective import summed_loss


@dataclass
class Tally:
    """Running sums of an evaluation, on the device: no host synchronisation per batch.

    loss: summed cross-entropy in nats, float64 scalar. confusion: int64
    (classes, classes), rows true labels, columns predictions; of images, or of pixels
    that are not void. Sums, not means, so that adding the tallies of several workers is
    exact whatever their shares.
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
        """Count a batch: logits float (N, classes) or (N, classes, H, W), labels alike."""
        self.loss += summed_loss(logits, labels).double()
        self.confusion += confusion_matrix(logits.argmax(1), labels, len(self.confusion))

    def summary(self) -> dict[str, float]:
        """Mean loss (nats), accuracy, macro F1 and mean IoU over what was added."""
        count = int(self.confusion.sum())
        return {
            "loss": float(self.loss) / count,
            "accuracy": int(self.confusion.diagonal().sum()) / count,
            "f1": macro_f1(self.confusion),
            "miou": mean_iou(self.confusion),
        }


def confusion_matrix(predictions: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Counts (classes, classes), rows true labels, columns predictions, int64.

    labels: int64 (N,), or uint8 (N, H, W) with VOID, whose pixels are left out;
    predictions have the same shape.
    """
    if labels.ndim > 1:
        counted = labels != VOID
        predictions, labels = predictions[counted], labels[counted].long()
    cells = labels * classes + predictions
    return torch.bincount(cells, minlength=classes * classes).view(classes, classes)


def macro_f1(confusion: Tensor) -> float:
    """Unweighted mean over classes of F1 = 2TP / (2TP + FP + FN).

    Classes that neither occur nor are predicted are left out, as scikit-learn's
    `f1_score(average="macro")` does with the labels it finds.
    """
    hits, total = _hits_and_total(confusion)
    return float((2 * hits / total).mean())


def mean_iou(confusion: Tensor) -> float:
    """Unweighted mean over classes of TP / (TP + FP + FN), the intersection over union.

    Classes that neither occur nor are predicted are left out, as in scikit-learn's
    `jaccard_score(average="macro")`.
    """
    hits, total = _hits_and_total(confusion)
    return float((hits / (total - hits)).mean())


def _hits_and_total(confusion: Tensor) -> tuple[Tensor, Tensor]:
    """TP, and 2TP + FP + FN, of the classes that occur or are predicted; float64."""
    hits = confusion.diagonal().double()
    total = (confusion.sum(0) + confusion.sum(1)).double()
    present = total > 0
    return hits[present], total[present]
