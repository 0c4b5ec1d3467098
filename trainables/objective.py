"""What a training minimises: cross-entropy, of an image's class or of every pixel's."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from trainables.data.masks import VOID
from trainables.models import AUXILIARY

Output = Tensor | dict[str, Tensor]


def logits_of(output: Output) -> Tensor:
    """(N, classes) of a classifier, (N, classes, H, W) of a segmentation model."""
    return output["out"] if isinstance(output, dict) else output


def summed_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats, float32, summed over images, or over pixels that are not VOID.

    logits: (N, classes), or (N, classes, H, W). labels: int64 (N,), or uint8 (N, H, W).
    """
    if labels.ndim == 1:
        return cross_entropy(logits.float(), labels, reduction="sum")
    return cross_entropy(logits.float(), labels.long(), reduction="sum", ignore_index=VOID)


def training_loss(output: Output, labels: Tensor) -> Tensor:
    """`summed_loss` and, of a model with an auxiliary head, AUXILIARY times that head's."""
    loss = summed_loss(logits_of(output), labels)
    if isinstance(output, dict) and "aux" in output:
        loss = loss + AUXILIARY * summed_loss(output["aux"], labels)
    return loss
