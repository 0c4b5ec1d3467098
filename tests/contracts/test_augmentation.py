"""What every operation of the augmentation promises, each tried alone: fields of the policies."""

import dataclasses

import pytest
import torch

from trainables.augment import POLICY, Geometry, Policy, augment
from trainables.augment_scenes import SCENE_POLICY, ScenePolicy, augment_scenes
from trainables.data.masks import VOID

MOVING = {*(field.name for field in dataclasses.fields(Geometry)), "flip"}
OF_IMAGES = [(Policy, name, value) for name, value in vars(POLICY).items() if value]
OF_SCENES = [(ScenePolicy, name, value) for name, value in vars(SCENE_POLICY).items() if value]
EVERY = [pytest.param(*o, id=f"{o[0].__name__}-{o[1]}") for o in (*OF_IMAGES, *OF_SCENES)]
SCENES = [pytest.param(*o, id=o[1]) for o in OF_SCENES]


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def batch(n=24, side=48):
    """Smooth images (n, 3, side, side) in 0..1, and blocky masks of classes 0..4 and VOID."""
    images = torch.nn.functional.interpolate(
        torch.rand(n, 3, 5, 5, generator=generator()), (side, side), mode="bilinear"
    )
    masks = torch.randint(0, 6, (n, 6, 6), generator=generator()).byte()
    masks[masks == 5] = VOID
    return images, masks.repeat_interleave(side // 6, 1).repeat_interleave(side // 6, 2)


def alone(kind, name, value, strength, images, masks, seed=3):
    """(images, masks) after the one operation."""
    policy = kind(**{**dict.fromkeys(kind.__dataclass_fields__, 0.0), name: value})
    if kind is ScenePolicy:
        return augment_scenes(images, masks, strength, generator(seed), policy)
    return augment(images, strength, generator(seed), policy), masks


@pytest.mark.parametrize(("kind", "name", "value"), EVERY)
def test_strength_0_is_the_identity_and_1_is_not(kind, name, value):
    images, masks = batch()
    same = alone(kind, name, value, 0.0, images, masks)
    assert torch.equal(same[0], images)
    assert torch.equal(same[1], masks)
    nearly, _ = alone(kind, name, value, 1e-5, images, masks)
    assert (nearly - images).abs().mean() < 1e-4
    distorted, _ = alone(kind, name, value, 1.0, images, masks)
    assert (distorted - images).abs().mean() > 3e-4


@pytest.mark.parametrize(("kind", "name", "value"), EVERY)
@pytest.mark.parametrize("level", [None, 0.0, 1.0])
def test_images_stay_images(kind, name, value, level):
    images, masks = batch()
    if level is not None:
        images.fill_(level)
    out, moved = alone(kind, name, value, 1.0, images, masks)
    assert (out.shape, out.dtype) == (images.shape, torch.float32)
    assert (moved.shape, moved.dtype) == (masks.shape, torch.uint8)
    assert ((out >= 0) & (out <= 1)).all()  # so it is finite, too
    assert set(moved.unique().tolist()) <= {*masks.unique().tolist(), VOID}


@pytest.mark.parametrize(("kind", "name", "value"), EVERY)
def test_the_generator_alone_decides(kind, name, value):
    images, masks = batch()
    before = torch.get_rng_state()
    first, again, other = (alone(kind, name, value, 0.7, images, masks, s) for s in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(("kind", "name", "value"), SCENES)
def test_a_mask_moves_with_its_image_and_only_then(kind, name, value):
    """A mask that is its own picture still shows it, away from edges, where not void."""
    masks = batch()[1]
    images = (masks.float() / 255)[:, None].expand(-1, 3, -1, -1).contiguous()
    out, moved = alone(kind, name, value, 1.0, images, masks)
    if name not in MOVING:
        assert torch.equal(moved, masks)
        return
    assert not torch.equal(moved, masks)
    around = torch.nn.functional.unfold(moved[:, None].float(), 3).unflatten(2, (46, 46))
    inner = moved[:, 1:-1, 1:-1]
    flat = (around == inner[:, None]).all(1) & (inner != VOID)
    assert flat.float().mean() > 0.1
    assert ((out[:, 0, 1:-1, 1:-1] * 255 - inner).abs()[flat] < 0.5).all()
