"""Where a training runs, and in which number format."""

from __future__ import annotations

from pathlib import Path

import torch


def pick_device() -> torch.device:
    """The first CUDA device that this process may see, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def compute_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The autocast type: what was asked for, or for "auto" bfloat16 where it is fast.

    bfloat16 pays only where the hardware multiplies it: on CPUs with AVX512-BF16 or AMX
    it trains the CNN about twice as fast as float32, on an AVX2-only CPU 13 times slower
    (`python -m benchmarks.step --model cnn --precision bf16`, or fp32). So "auto" asks the
    processor, which every manifest names. What it changes of the results has a command, too:
    `python -m benchmarks.precision`.
    """
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bf16()
        return torch.bfloat16 if fast else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def _cpu_has_bf16() -> bool:
    """Read the kernel's flags: torch's own query differs between 2.11 and 2.15."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
