"""A learning curve in closed form: orchestration is tested with it at thousands of trials.

After the height example of Syne Tune (Salinas et al. 2022): loss falls as 1 / epoch
towards a floor set by how far the configuration is from the best one.
"""

from __future__ import annotations

import math
import time
from typing import Any

from trainables.reporting import Report


def closed_form(params: dict[str, Any], report: Report, seconds_per_epoch: float = 0.0) -> None:
    """Report `params["epochs"]` records of a curve that is a function of `params` only.

    The best learning rate is 3e-3 and the best augmentation strength 0.5; a learning
    rate above 0.02 diverges in its second epoch. Records have the columns of a training.
    """
    distance = abs(math.log10(params["learning_rate"] / 3e-3))
    distance += abs(params.get("augment_strength", 0.5) - 0.5)
    for epoch in range(1, params["epochs"] + 1):
        time.sleep(seconds_per_epoch)
        diverged = epoch == 2 and params["learning_rate"] > 0.02
        loss = math.nan if diverged else 0.1 + 0.3 * distance + 2.0 / (1.0 + epoch)
        accuracy = math.nan if diverged else math.exp(-loss)
        report(
            {
                "epoch": epoch,
                "epochs": params["epochs"],
                "progress": round(100 * epoch / params["epochs"]),
                "train_loss": loss * 0.9,
                "train_accuracy": accuracy,
                "val_loss": loss,
                "val_accuracy": accuracy,
                "val_f1": accuracy,
                "learning_rate": params["learning_rate"] * (1 - epoch / params["epochs"]),
                "seconds": seconds_per_epoch,
                "images_per_second": 0.0,
                "diverged": diverged,
            }
        )
        if diverged:
            return
