"""What every model promises, whichever it is."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from trainables.models import MODELS, build_model
from trainables.objective import logits_of, training_loss

NAMES = sorted(MODELS)


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in model.parameters()])


def images(name: str, n: int = 8) -> torch.Tensor:
    side = MODELS[name].side
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))


def labels(name: str, n: int = 8) -> torch.Tensor:
    if MODELS[name].task == "classification":
        return torch.arange(n)
    side = MODELS[name].side
    return torch.arange(n, dtype=torch.uint8)[:, None, None].repeat(1, side, side)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_tells_the_truth(name):
    entry = MODELS[name]
    model = build_model(name, 10 if entry.task == "classification" else 21, seed=0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(images(name, 1))
    assert entry.name == name
    assert 0 < entry.parameters < 100_000_000
    assert sum(parameter.numel() for parameter in model.parameters()) == entry.parameters
    assert counter.get_total_flops() == 2 * entry.macs


@pytest.mark.parametrize("name", NAMES)
def test_the_head_has_as_many_outputs_as_classes(name):
    output = build_model(name, 7, seed=0)(images(name, 2))
    side = MODELS[name].side
    if MODELS[name].task == "classification":
        assert output.shape == (2, 7)
    else:
        assert {tuple(logits.shape) for logits in output.values()} == {(2, 7, side, side)}


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_a_function_of_the_seed_alone(name):
    torch.manual_seed(1)
    first = weights(build_model(name, 10, seed=0))
    torch.rand(17)
    before = torch.get_rng_state()
    assert torch.equal(first, weights(build_model(name, 10, seed=0)))
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, weights(build_model(name, 10, seed=1)))


@pytest.mark.parametrize("name", NAMES)
def test_one_step_lowers_the_loss_of_its_batch(name):
    model = build_model(name, 10, seed=0).to(memory_format=torch.channels_last)
    batch = images(name).contiguous(memory_format=torch.channels_last)
    before = training_loss(model(batch), labels(name))
    before.backward()
    torch.optim.AdamW(model.parameters(), 1e-3).step()
    with torch.no_grad():
        assert training_loss(model(batch), labels(name)) < before


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_gives_the_same_logits(name):
    model = build_model(name, 10, seed=0).eval()
    with torch.no_grad():
        plain = logits_of(model(images(name)))
        model.to(memory_format=torch.channels_last)
        fast = logits_of(model(images(name).contiguous(memory_format=torch.channels_last)))
    assert torch.allclose(plain, fast, atol=1e-4)
