import subprocess
import sys
import urllib.error

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from trainables.errors import FAILED, MISUSE, UserError
from trainables.models import MODELS, build_model, penultimate
from trainables.objective import logits_of, training_loss

NAMES = sorted(MODELS)


# A step of the two large networks takes seconds; one of them shows what both are made of.
TRAINED = sorted(set(MODELS) - {"deeplabv3_resnet50"})


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


@pytest.mark.parametrize("name", TRAINED)
def test_a_few_steps_lower_the_loss(name):
    model = build_model(name, 10, seed=0).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    batch = images(name).contiguous(memory_format=torch.channels_last)
    losses = []
    for _ in range(4):
        loss = training_loss(model(batch), labels(name))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", TRAINED)
def test_channels_last_gives_the_same_logits(name):
    model = build_model(name, 10, seed=0).eval()
    with torch.no_grad():
        plain = logits_of(model(images(name)))
        model.to(memory_format=torch.channels_last)
        fast = logits_of(model(images(name).contiguous(memory_format=torch.channels_last)))
    assert torch.allclose(plain, fast, atol=1e-4)


@pytest.mark.parametrize(("name", "width"), [("cnn", 128), ("resnet18", 512), ("tiny", 32)])
def test_penultimate_gives_what_the_last_layer_reads(name, width):
    model = build_model(name, 10, seed=0).eval()
    features = penultimate(model, images(name))
    assert features.shape == (8, width)
    assert not features.requires_grad
    with torch.no_grad():
        assert torch.allclose(model.fc(features), model(images(name)), atol=1e-5)
    assert not model.fc._forward_pre_hooks


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown model 'resnet81': did you mean resnet18\?"):
        build_model("resnet81", 10, seed=0)


def test_pretrained_weights_that_do_not_exist_are_refused():
    with pytest.raises(UserError, match=r"'cnn' has no pretrained weights.*resnet18") as caught:
        build_model("cnn", 10, seed=0, pretrained=True)
    assert caught.value.exit_code == MISUSE


def test_pretrained_without_a_network_says_what_to_do(monkeypatch, tmp_path):
    def unreachable(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    with pytest.raises(UserError, match=r"no route to host.*resnet18-f37072fd\.pth") as caught:
        build_model("resnet18", 10, seed=0, pretrained=True)
    assert caught.value.exit_code == FAILED
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_weights_file_is_a_clear_error(monkeypatch, tmp_path, content):
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth").write_bytes(content)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match="cannot be had") as caught:
        build_model("resnet18", 10, seed=0, pretrained=True)
    assert "\n" not in str(caught.value)


def test_pretrained_replaces_the_head_only(monkeypatch, tmp_path):
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    source = build_model("resnet18", 1000, seed=5)
    torch.save(source.state_dict(), tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    model = build_model("resnet18", 10, seed=0, pretrained=True)
    assert torch.equal(model.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert torch.equal(model.fc.weight, build_model("resnet18", 10, seed=0).fc.weight)


def test_a_pretrained_backbone_leaves_both_heads_at_random(monkeypatch, tmp_path):
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    from torchvision.models import resnet50

    source = resnet50()
    torch.save(source.state_dict(), tmp_path / "hub" / "checkpoints" / "resnet50-0676ba61.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    model = build_model("fcn_resnet50", 21, seed=0, pretrained=True)
    assert torch.equal(model.backbone.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    plain = build_model("fcn_resnet50", 21, seed=0)
    for head in ("classifier", "aux_classifier"):
        ours, theirs = getattr(model, head).state_dict(), getattr(plain, head).state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_the_table_is_read_without_torch():
    code = "import sys, trainables.models as m; assert m.MODELS and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
