"""The end of a segmentation cell: the test set evaluated once, pixel by pixel.

What a report needs lies beside the records, one `.npz` a cell, plain arrays without pickle:

    test_confusions   int32 (N_test, C, C), by image; rows truth, columns prediction; pixels
                      at the label's own size, void left out
    test_score_bins   int64 (C, 2, BINS), pixels by the probability given to a class, in
                      equal bins of [0, 1]; [c, 1] those whose truth is c, [c, 0] the others
    test_contrast     float32 (N_test,), see `contrasts`

Average precision comes from the bins, so that no more than one image's scores are in
memory: a score counts as the lower end of its bin, 0.001 wide.

For the cells that are drawn (one seed an arm and budget), with M <= 4 * SHOWN:

    test_images, test_truths, test_predictions   uint8 (M, S, S, 3) and (M, S, S)
    test_images_at    int64 (M,), their positions in the test set
    test_inside       int64 (M, 2), height and width of the picture in its square
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainables.cell_file import Arrays
from trainables.data.base import Dataset, Split
from trainables.data.masks import BACKGROUND, VOID
from trainables.metrics import confusion_matrix, macro_f1, mean_iou
from trainables.objective import summed_loss
from trainables.pixel_scores import average_precision, precision, recall
from trainables.reporting import Record
from trainables.train_data import Resident
from trainables.training import Training

BINS = 1_000
SHOWN = 3  # images of each kind that are drawn: best, median, worst, only background


def evaluate_scenes(training: Training, dataset: Dataset, drawn: bool) -> tuple[Record, Arrays]:
    """Evaluate the test set: FINAL_COLUMNS, and the arrays of the cell's `.npz`."""
    assert dataset.test is not None
    loss, confusions, bins = _measured(training, dataset.test)
    arrays = {
        "test_confusions": confusions.astype(np.int32),
        "test_score_bins": bins,
        "test_contrast": contrasts(dataset.test),
    }
    if drawn:
        arrays |= _drawn(training, dataset.test, confusions)
    return _summary(loss, confusions.sum(0), bins), arrays


def _measured(training: Training, test: Split) -> tuple[float, np.ndarray, np.ndarray]:
    """Summed loss, confusions (N, C, C) and score bins (C, 2, BINS) of the test set."""
    classes, device = training.data.classes, training.device
    resident = Resident.of(test, device)
    confusions = np.zeros((len(test), classes, classes), dtype=np.int64)
    bins = torch.zeros(classes, 2, BINS, dtype=torch.int64, device=device)
    loss = 0.0
    with torch.inference_mode():
        for indices, logits, labels in training.scored(
            resident, torch.arange(len(test), device=device)
        ):
            loss += float(summed_loss(logits, labels))
            predictions = logits.argmax(1)
            for place, index in enumerate(indices.tolist()):
                counts = confusion_matrix(predictions[place][None], labels[place][None], classes)
                confusions[index] = counts.cpu().numpy()
            bins += score_bins(logits.float().softmax(1), labels)
    return loss, confusions, bins.cpu().numpy()


def score_bins(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Pixels by probability, int64 (C, 2, BINS), of (N, C, H, W) and labels (N, H, W)."""
    classes = probabilities.shape[1]
    counted = labels != VOID
    truth = labels[counted]
    found = []
    for number in range(classes):
        scores = probabilities[:, number][counted]
        at = (scores * BINS).long().clamp_(max=BINS - 1) + BINS * (truth == number)
        found.append(torch.bincount(at, minlength=2 * BINS).view(2, BINS))
    return torch.stack(found)


def _summary(loss: float, confusion: np.ndarray, bins: np.ndarray) -> Record:
    """FINAL_COLUMNS; precision, recall and average precision over the classes there are."""
    there = confusion.sum(1) > 0
    counts = torch.from_numpy(confusion)
    return {
        "test_loss": loss / float(confusion.sum()),
        "test_accuracy": float(confusion.trace() / confusion.sum()),
        "test_f1": macro_f1(counts),
        "test_miou": mean_iou(counts),
        "test_precision": float(precision(confusion)[there].mean()),
        "test_recall": float(recall(confusion)[there].mean()),
        "test_ap": float(np.nanmean(average_precision(bins))),
    }


def contrasts(test: Split) -> np.ndarray:
    """Distance between the mean colours of objects and background, float32 (N,), 0 to 441.

    Objects are all that is neither BACKGROUND nor void; NaN where an image lacks either.
    """
    found = np.full(len(test), np.nan, dtype=np.float32)
    for index, (image, mask) in enumerate(zip(test.images, test.labels, strict=True)):
        behind, objects = mask == BACKGROUND, (mask != BACKGROUND) & (mask != VOID)
        if behind.any() and objects.any():
            apart = image[objects].mean(0) - image[behind].mean(0)
            found[index] = np.linalg.norm(apart)
    return found


def _drawn(training: Training, test: Split, confusions: np.ndarray) -> Arrays:
    at = chosen(confusions)
    images = torch.from_numpy(test.images[at]).to(training.device)
    with torch.inference_mode():
        training.model.eval()
        predictions = torch.cat([training.forward(one[None]).argmax(1) for one in images])
    size = np.array(test.images.shape[1:3])
    inside = np.tile(size, (len(at), 1)) if test.full is None else test.full.inside[at]
    return {
        "test_images": test.images[at],
        "test_truths": test.labels[at],
        "test_predictions": predictions.to(torch.uint8).cpu().numpy(),
        "test_images_at": at,
        "test_inside": inside.astype(np.int64),
    }


def chosen(confusions: np.ndarray) -> np.ndarray:
    """Indices (<= 4 * SHOWN,) of the best, median and worst images by mean IoU, and of the
    first where nothing but background is predicted though there is something else."""
    iou = np.array([mean_iou(torch.from_numpy(counts)) for counts in confusions])
    order = np.argsort(-iou, kind="stable")[: np.isfinite(iou).sum()]  # void images come last
    middle = max(0, len(order) // 2 - SHOWN // 2)
    called, truth = confusions.sum(1), confusions.sum(2)
    nothing = (called[:, 1:].sum(1) == 0) & (truth[:, 1:].sum(1) > 0)
    found = [*order[:SHOWN], *order[middle : middle + SHOWN], *order[-SHOWN:]]
    return np.array(list(dict.fromkeys([*found, *np.flatnonzero(nothing)[:SHOWN]])), dtype=np.int64)
