"""Trimmed convolutions against plain ones: the same results, the same gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainables.trimmed_conv import TrimmedConv2d, trim


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(1, 6),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 3),
    padding=st.integers(0, 6),
    dilation=st.integers(1, 5),
)
def test_leaving_out_unseen_taps_changes_nothing(size, kernel, stride, padding, dilation) -> None:
    span = dilation * (kernel - 1) + 1
    if size + 2 * padding < span or padding >= span:
        return
    torch.manual_seed(0)
    plain = nn.Conv2d(2, 3, kernel, stride, padding, dilation)
    trimmed = trim(copy.deepcopy(plain))
    assert type(trimmed) is TrimmedConv2d
    image = torch.randn(2, 2, size, size)
    want, got = plain(image), trimmed(image)
    torch.testing.assert_close(got, want)
    (want**2).sum().backward()
    (got**2).sum().backward()
    torch.testing.assert_close(trimmed.weight.grad, plain.weight.grad)
    torch.testing.assert_close(trimmed.bias.grad, plain.bias.grad)


@pytest.mark.parametrize("size", [32, 33, 64, 224])
def test_resnet18_is_the_same_network(size: int) -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    plain = resnet18(num_classes=10).eval()
    trimmed = trim(copy.deepcopy(plain))
    image = torch.randn(2, 3, size, size)
    torch.testing.assert_close(trimmed(image), plain(image), rtol=1e-4, atol=1e-5)
    assert trimmed.state_dict().keys() == plain.state_dict().keys()


def test_a_dilated_kernel_on_a_small_map_is_its_centre() -> None:
    convolution = trim(nn.Conv2d(1, 1, 3, padding=12, dilation=12))
    assert convolution._seen(0, 8) == (1, 2)
    assert convolution._seen(0, 13) == (0, 3)


def test_other_paddings_stay_as_they_are() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"))
    assert type(trim(model)[0]) is nn.Conv2d
