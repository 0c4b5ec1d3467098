import subprocess
import sys
import urllib.error

import pytest
import torch

from trainables.errors import FAILED, MISUSE, UserError
from trainables.models import build_model, penultimate


@pytest.mark.parametrize(("name", "width"), [("cnn", 128), ("resnet18", 512), ("tiny", 32)])
def test_penultimate_gives_what_the_last_layer_reads(name, width):
    model = build_model(name, 10, seed=0).eval()
    images = torch.randn(8, 3, 32, 32)
    features = penultimate(model, images)
    assert features.shape == (8, width)
    assert not features.requires_grad
    with torch.no_grad():
        assert torch.allclose(model.fc(features), model(images), atol=1e-5)
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
