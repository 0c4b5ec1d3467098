"""Where a result came from: code, packages, hardware, data."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.exits import again
from trainables.data import SEGMENTATION

if TYPE_CHECKING:
    import numpy as np

    from trainables.data.base import Dataset

PACKAGES = (
    "crossover", "ray", "torch", "torchvision", "optuna", "wandb", "scikit-learn",
    "matplotlib", "pandas", "numpy", "pyarrow", "scipy", "statsmodels",
)  # fmt: skip


def git_state() -> dict[str, Any]:
    """{"commit": hash or None, "dirty": bool or None} of the checkout the code runs from.

    Of files that git does not know only modules count: a user's claims or data are not code.
    """
    root = Path(__file__).resolve().parent.parent
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=all")
    changed = [
        line
        for line in (status or "").splitlines()
        if not line.startswith("??") or line.endswith(".py")
    ]
    return {"commit": commit, "dirty": None if status is None else bool(changed)}


def package_versions() -> dict[str, str]:
    """Installed version by package name, Python's among them."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def hardware(cluster: dict[str, float]) -> dict[str, Any]:
    """The cluster's CPUs, GPUs (with their kinds) and memory, and the driver's platform."""
    kinds = sorted(k.split(":", 1)[1] for k in cluster if k.startswith("accelerator_type:"))
    return {
        "cpus": cluster.get("CPU", 0.0),
        "gpus": cluster.get("GPU", 0.0),
        "gpu_kinds": kinds,
        "memory_gib": round(cluster.get("memory", 0.0) / 2**30, 1),
        "platform": platform.platform(),
        "processor": processor(),
    }


def session(cluster: dict[str, float]) -> dict[str, Any]:
    """When, by which code and on what one sitting at a run works."""
    return {
        "started": now(),
        "git": git_state(),
        "packages": package_versions(),
        "hardware": hardware(cluster),
    }


def now() -> str:
    """The time, UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def describe_data(dataset: Dataset, seed: int, train_size: int | None) -> dict[str, Any]:
    """Name, task, content hash, sizes and class counts of the split that `seed` draws.

    "class_counts" are images by class; of a segmentation pixels, void left out, at the size
    that the network sees, with "class_images" saying in how many images a class is.
    """
    train, val = dataset.split_indices(seed, train_size)
    masks = {"train": dataset.pool.labels[train], "val": dataset.pool.labels[val]}
    if dataset.test is not None:
        masks["test"] = dataset.test.labels
    counts = {name: _counts(labels, len(dataset.classes)) for name, labels in masks.items()}
    described = {
        "name": dataset.name,
        "task": dataset.task,
        "image_size": list(dataset.pool.images.shape[1:3]),
        "content_hash": dataset.content_hash,
        "classes": list(dataset.classes),
        "train_size": len(train),
        "val_size": len(val),
        "class_counts": {name: count.sum(0).tolist() for name, count in counts.items()},
        "notices": list(dataset.notices),
    }
    if dataset.task == SEGMENTATION:
        found = {name: (count > 0).sum(0).tolist() for name, count in counts.items()}
        described["class_images"] = found
    return described


def _counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """How often each class is in each image, int64 (N, classes); void is not counted."""
    import numpy as np

    each = [np.bincount(np.ravel(label), minlength=classes)[:classes] for label in labels]
    return np.stack(each)


def processor() -> str:
    """The processor's name as the kernel has it, else as Python does, which may be empty."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def command_line() -> str:
    """The command that started this process, as one would type it again."""
    module = getattr(sys.modules.get("__main__"), "__spec__", None)
    if module is not None and module.name:
        name = module.name.removesuffix(".__main__")
        return again(name)
    return shlex.join([os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]])


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
