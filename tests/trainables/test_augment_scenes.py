import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.augment_scenes import SCENE_POLICY, ScenePolicy, augment_scenes
from trainables.data.masks import VOID
from trainables.photometry import Photometry

STRENGTHS = st.floats(0.0, 1.0, allow_nan=False)
STILL = ScenePolicy(**dict.fromkeys(vars(SCENE_POLICY), 0.0))  # changes nothing
GEOMETRY_ONLY = replace(SCENE_POLICY, **dict.fromkeys(vars(Photometry()), 0.0))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scenes(
    n: int, height: int = 48, width: int = 48, classes: int = 5, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth random images and blocky masks of classes from 0 and VOID."""
    coarse = torch.rand(n, 3, 5, 5, generator=generator(seed))
    size = (height, width)
    images = torch.nn.functional.interpolate(coarse, size, mode="bilinear").clamp(0.01, 0.99)
    blocks = torch.randint(0, classes + 1, (n, 6, 6), generator=generator(seed + 1)).byte()
    rows = torch.arange(height) * 6 // height
    columns = torch.arange(width) * 6 // width
    blocks[blocks == classes] = VOID
    return images, blocks[:, rows][:, :, columns]


def as_images(masks: torch.Tensor) -> torch.Tensor:
    """Grey images whose value is the label over 255."""
    return (masks.float() / 255)[:, None].expand(-1, 3, -1, -1).contiguous()


@pytest.mark.parametrize("strength", [0, 0.0])
def test_strength_0_gives_back_the_same_tensors(strength):
    images, masks = scenes(4)
    out, labels = augment_scenes(images, masks, strength, generator())
    assert out is images
    assert labels is masks


def test_a_tiny_strength_is_nearly_the_identity():
    images, masks = scenes(16)
    out, labels = augment_scenes(images, masks, 1e-5, generator())
    assert (out - images).abs().max() < 1e-3
    assert torch.equal(labels, masks)


def test_the_input_is_left_as_it_was():
    images, masks = scenes(4)
    copies = images.clone(), masks.clone()
    augment_scenes(images, masks, 1.0, generator())
    assert torch.equal(images, copies[0])
    assert torch.equal(masks, copies[1])


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 4),
    height=st.integers(2, 40),
    width=st.integers(2, 40),
    strength=STRENGTHS,
    seed=st.integers(0, 2**32),
    labels=st.sets(st.integers(0, 255), min_size=1, max_size=30),
    kind=st.sampled_from([torch.uint8, torch.int64]),
)
def test_labels_types_and_ranges_hold_for_any_batch(n, height, width, strength, seed, labels, kind):
    held = torch.tensor(sorted(labels), dtype=kind)
    masks = held[torch.randint(0, len(held), (n, height, width), generator=generator(seed))]
    images = torch.rand(n, 3, height, width, generator=generator(seed))
    out, moved = augment_scenes(images, masks, strength, generator(seed))
    assert (out.shape, out.dtype) == (images.shape, torch.float32)
    assert (moved.shape, moved.dtype) == (masks.shape, kind)
    assert torch.isfinite(out).all()
    assert ((out >= 0) & (out <= 1)).all()
    assert set(moved.unique().tolist()) <= {*labels, VOID}


def test_all_256_values_come_through_exactly():
    masks = torch.arange(256).byte().view(1, 16, 16)
    images = torch.rand(1, 3, 16, 16, generator=generator())
    assert torch.equal(augment_scenes(images, masks, 1.0, generator(), STILL)[1], masks)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_memory_format_is_kept_and_does_not_change_values(layout, strength):
    images, masks = scenes(4)
    formatted = images.contiguous(memory_format=layout)
    out, labels = augment_scenes(formatted, masks, strength, generator())
    plain, same = augment_scenes(images, masks, strength, generator())
    assert out.is_contiguous(memory_format=layout)
    assert labels.is_contiguous()
    assert torch.allclose(out, plain, atol=1e-5)
    assert torch.equal(labels, same)


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan, math.inf])
def test_a_strength_outside_0_to_1_is_refused(strength):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        augment_scenes(*scenes(1), strength, generator())


@pytest.mark.parametrize("shape", [(3, 48, 48), (4, 48, 47), (4, 1, 48, 48)])
def test_masks_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="do not fit"):
        augment_scenes(scenes(4)[0], torch.zeros(shape, dtype=torch.uint8), 0.5, generator())


def test_the_generator_decides_everything():
    before = torch.get_rng_state()
    first, again, other = (augment_scenes(*scenes(8), 0.5, generator(s)) for s in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[1], other[1])


def test_every_sample_gets_its_own_draw():
    image, mask = scenes(1)
    out, labels = augment_scenes(
        image.expand(16, -1, -1, -1), mask.expand(16, -1, -1), 0.5, generator()
    )
    for flat in (out.flatten(1), labels.flatten(1).float()):
        assert (torch.cdist(flat, flat) + 99 * torch.eye(16)).min() > 1.0


def test_a_sample_does_not_depend_on_the_others():
    images, masks = scenes(4)
    others, foreign = scenes(4, seed=7)
    others[0], foreign[0] = images[0], masks[0]
    here = augment_scenes(images, masks, 0.7, generator())
    there = augment_scenes(others, foreign, 0.7, generator())
    assert torch.equal(here[0][0], there[0][0])
    assert torch.equal(here[1][0], there[1][0])


def test_distance_from_the_original_grows_with_strength():
    images, masks = scenes(128)
    strengths = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    pairs = [augment_scenes(images, masks, s, generator()) for s in strengths]
    for index, original in enumerate((images, masks)):
        changes = [(pair[index] != original).float().mean() for pair in pairs]
        assert changes[0] == 0
        if index:
            assert all(low < high for low, high in itertools.pairwise(changes))
    distances = [(out - images).abs().mean() for out, _ in pairs]
    assert all(low < high for low, high in itertools.pairwise(distances))


def test_autocast_of_the_caller_changes_nothing():
    images, masks = scenes(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, labels = augment_scenes(images, masks, 0.5, generator())
    plain, same = augment_scenes(images, masks, 0.5, generator())
    assert torch.equal(out, plain)
    assert torch.equal(labels, same)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_a_mask_used_as_its_own_image_stays_aligned(kind, size):
    masks = scenes(32, *size)[1].to(kind)
    out, moved = augment_scenes(as_images(masks), masks, 1.0, generator(), GEOMETRY_ONLY)
    # Where all neighbours have one label, no edge is near and the image must show it.
    around = torch.nn.functional.unfold(moved[:, None].float(), 3).unflatten(
        2, [s - 2 for s in size]
    )
    inner = moved[:, 1:-1, 1:-1]
    flat = (around == inner[:, None]).all(1) & (inner != VOID)
    assert flat.float().mean() > 0.1
    shown = out[:, :, 1:-1, 1:-1].movedim(1, -1)[flat]
    assert torch.allclose(shown, (inner[flat].float() / 255)[:, None], atol=1e-4)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("label", [1, VOID])
def test_edges_of_image_and_mask_coincide_to_a_fraction_of_a_pixel(axis, label):
    """Along a straight edge bilinear sampling passes one half where nearest changes sides."""
    size = [64, 48]
    stripes = (torch.arange(size[axis - 1]) // 5 % 2 * label).byte()
    masks = stripes.unsqueeze(2 - axis).expand(16, *size)
    images = as_images((masks == label).byte() * 255)
    out, moved = augment_scenes(images, masks, 1.0, generator(), GEOMETRY_ONLY)
    middle = (out[:, 0] - 0.5).abs() < 1e-3  # a tie, that rounding may break either way
    on = out[:, 0] > 0.5
    assert ((moved == label) | ~on | middle | (moved == VOID)).all()
    assert ((moved == VOID) | on | middle | (moved == 0)).all()
    assert (moved == 0).float().mean() > 0.2
    assert on[moved == 0].float().mean() < 0.01


def test_colours_do_not_move_the_mask():
    images, masks = scenes(8)
    out, moved = augment_scenes(images, masks, 0.8, generator())
    plain, same = augment_scenes(images, masks, 0.8, generator(), GEOMETRY_ONLY)
    assert torch.equal(moved, same)
    assert (out - plain).abs().mean() > 0.02


def test_what_lies_outside_is_void_in_the_mask_and_mirrored_in_the_image():
    masks = torch.zeros(256, 32, 32, dtype=torch.uint8)
    images = torch.full((256, 3, 32, 32), 0.4)
    out, moved = augment_scenes(images, masks, 1.0, generator(), replace(STILL, zoom=math.log(2)))
    inside = (moved == 0).float().mean((1, 2))
    assert set(moved.unique().tolist()) == {0, VOID}
    assert 0.25 <= inside.min() < 0.27  # half the size, a quarter of the area
    assert 0.4 < (inside == 1).float().mean() < 0.6  # the others are enlarged: a crop
    assert torch.allclose(out, images, atol=1e-5)


def test_void_stays_void():
    masks = torch.full((16, 32, 32), VOID, dtype=torch.int64)
    moved = augment_scenes(torch.rand(16, 3, 32, 32), masks, 1.0, generator())[1]
    assert (moved == VOID).all()


@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_flips_mirror_the_distorted_image_and_mask_left_to_right(size):
    images, masks = scenes(64, *size)
    plain, straight = augment_scenes(
        images, masks, 0.5, generator(), replace(GEOMETRY_ONLY, flip=0.0)
    )
    often = replace(GEOMETRY_ONLY, flip=1.0)
    out, moved = augment_scenes(images, masks, 0.5, generator(), often)
    flipped = (moved != straight).flatten(1).any(1)
    assert 0.3 < flipped.float().mean() < 0.7
    assert torch.allclose(out[~flipped], plain[~flipped])
    assert torch.allclose(out[flipped], plain[flipped].flip(3), atol=1e-4)
    mirrored = moved[flipped] == straight[flipped].flip(2)
    assert mirrored.float().mean() > 0.999  # ties between pixels may break the other way
    more = augment_scenes(images, masks, 0.8, generator(), often)[1]
    less = augment_scenes(images, masks, 0.8, generator(), replace(often, flip=0.0))[1]
    assert (more != less).flatten(1).any(1)[flipped].all()  # mirrored also at more strength


def test_scenes_are_flipped_with_half_the_strength_s_probability():
    policy = replace(STILL, flip=SCENE_POLICY.flip)
    masks = torch.arange(2).byte().repeat_interleave(4).expand(4000, 8, 8)
    images = as_images(masks)
    moved = augment_scenes(images, masks, 0.6, generator(), policy)[1]
    assert (moved[:, 0, 0] == 1).float().mean() == pytest.approx(0.3, abs=0.03)


def test_scenes_stay_upright():
    masks = torch.zeros(200, 64, 64, dtype=torch.uint8)
    masks[:, 32:] = 1
    moved = augment_scenes(as_images(masks), masks, 1.0, generator())[1]
    rows = torch.arange(64.0)[:, None]
    heights = [((moved == k) * rows).sum((1, 2)) / (moved == k).sum((1, 2)) for k in (0, 1)]
    assert (heights[0] < heights[1])[(heights[0] > 0) & (heights[1] > 0)].all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cpu_generator_gives_the_same_scenes_on_a_gpu():
    images, masks = scenes(64)
    out, moved = augment_scenes(images.cuda(), masks.cuda(), 0.7, generator())
    plain, same = augment_scenes(images, masks, 0.7, generator())
    assert out.is_cuda
    assert moved.is_cuda
    assert (moved.cpu() == same).float().mean() > 0.999
    assert (out.cpu() - plain).abs().mean() < 1e-3
