"""Batch-norm over all workers of a group: the statistics of the whole batch, on CPU and GPU.

Left as it is, each worker would normalise by its own share and keep running statistics of its
own, so a result would depend on how many workers trained it. torch's `SyncBatchNorm` mends
this on GPUs and refuses a CPU, which is what `GroupBatchNorm2d` is for.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.functional import batch_norm


def share_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """The same model, normalised over the default process group; weights keep their names."""
    if device.type == "cuda":
        shared: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        for module in shared.modules():
            if type(module) is nn.SyncBatchNorm:
                module.__class__ = FloatSyncBatchNorm
        return shared
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = GroupBatchNorm2d  # the same parameters, buffers and hooks
    return model


class FloatSyncBatchNorm(nn.SyncBatchNorm):
    """`nn.SyncBatchNorm` in float32, also where the network runs in half precision.

    Left alone, a worker without an image sends its moments in the network's own format and the
    others send float32, which NCCL takes for messages of different lengths.
    """

    def forward(self, input: Tensor) -> Tensor:
        """As `nn.SyncBatchNorm`; returns the format that it is given."""
        normalised: Tensor = super().forward(input.float())
        return normalised.to(input.dtype)


class GroupBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d` over the images of all workers; a worker may have none.

    Takes (N, C, H, W), with affine parameters and running statistics by momentum. As of
    `nn.BatchNorm2d`, ValueError for a single value a channel (over all workers) in training.
    """

    def forward(self, input: Tensor) -> Tensor:
        """As `nn.BatchNorm2d`; in training mode every worker has to call it."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        mean, variance, count = _moments(values.detach())
        if count <= 1:
            raise ValueError("Expected more than 1 value per channel over all workers")
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        normalised: Tensor = _Normalised.apply(
            values, self.weight, self.bias, mean, variance, count, self.eps
        )
        return normalised.to(input.dtype)


def _moments(values: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean and variance (C,) of a batch over all workers, and how many values a channel has.

    Each worker's own deviations are added up, and how far its mean is from the common one:
    nothing is lost where the mean is large beside the deviation (Chan et al. 1979).
    """
    channels = values.shape[1]
    count = values.numel() // channels
    own = values.new_zeros(3, channels)
    if count:
        variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
        own = torch.stack([torch.full_like(mean, count), mean, variance * count])
    parts = [torch.empty_like(own) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, own)
    counts, means, squares = torch.stack(parts, 1).double()
    total = counts.sum(0)
    mean = (counts * means).sum(0) / total
    squares = squares.sum(0) + (counts * (means - mean).square()).sum(0)
    return mean.float(), (squares / total).float(), float(total[0])


class _Normalised(torch.autograd.Function):
    """Batch-norm by given moments of all workers' images, whose gradient reaches them all."""

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: float,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(values, weight, mean, variance)
        ctx.count, ctx.eps = count, eps
        if not len(values):
            return values.clone()
        return batch_norm(values, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        values, weight, mean, variance = ctx.saved_tensors
        inverse = (variance + ctx.eps).rsqrt()
        by_value, by_weight, by_bias = gradient, torch.zeros_like(weight), torch.zeros_like(weight)
        if len(values):  # as if the moments were constants ...
            by_value, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
                gradient, values, weight, mean, variance, None, None, False, ctx.eps, [True] * 3
            )
        # ... and what of it goes through the moments, of which every worker has a part.
        sums = torch.stack([by_weight, by_bias])
        torch.distributed.all_reduce(sums)
        through_deviation, through_mean = sums / ctx.count * weight * inverse
        shape = (1, -1, 1, 1)
        slope = (through_deviation * inverse).view(shape)
        by_value = by_value - (values - mean.view(shape)) * slope - through_mean.view(shape)
        return by_value, by_weight, by_bias, None, None, None, None
