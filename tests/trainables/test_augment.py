import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.augment import POLICY, Policy, augment, geometric_matrices, sampling_grid, warp

STRENGTHS = st.floats(0.0, 1.0, allow_nan=False)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, height: int = 32, width: int = 32, seed: int = 0) -> torch.Tensor:
    """Smooth random colour images, values strictly inside 0..1."""
    coarse = torch.rand(n, 3, 5, 5, generator=generator(seed))
    size = (height, width)
    return torch.nn.functional.interpolate(coarse, size, mode="bilinear").clamp(0.01, 0.99)


def test_strength_0_is_the_identity_bit_for_bit():
    images = pictures(4)
    before = images.clone()
    assert torch.equal(augment(images, 0.0, generator()), before)
    assert torch.equal(augment(images, 0, generator()), before)


def test_a_tiny_strength_is_nearly_the_identity():
    images = pictures(16)
    assert (augment(images, 1e-5, generator()) - images).abs().max() < 1e-3


def test_the_input_is_left_as_it_was():
    images = pictures(4)
    before = images.clone()
    augment(images, 1.0, generator())
    assert torch.equal(images, before)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 5),
    height=st.integers(2, 40),
    width=st.integers(2, 40),
    strength=STRENGTHS,
    seed=st.integers(0, 2**32),
    level=st.sampled_from([None, 0.0, 1.0]),
)
def test_shape_type_and_range_hold_for_any_batch(n, height, width, strength, seed, level):
    images = torch.rand(n, 3, height, width, generator=generator(seed))
    if level is not None:
        images.fill_(level)
    out = augment(images, strength, generator(seed))
    assert out.shape == images.shape
    assert out.dtype == torch.float32
    assert torch.isfinite(out).all()
    assert ((out >= 0) & (out <= 1)).all()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_memory_format_is_kept_and_does_not_change_values(layout, strength):
    images = pictures(4)
    out = augment(images.contiguous(memory_format=layout), strength, generator())
    assert out.is_contiguous(memory_format=layout)
    assert torch.allclose(out, augment(images, strength, generator()), atol=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan, math.inf])
def test_a_strength_outside_0_to_1_is_refused(strength):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        augment(pictures(1), strength, generator())


def test_the_generator_decides_everything():
    images = pictures(8)
    first = augment(images, 0.5, generator(3))
    torch.manual_seed(99)
    assert torch.equal(first, augment(images, 0.5, generator(3)))
    assert not torch.equal(first, augment(images, 0.5, generator(4)))
    one = generator(3)
    augment(images, 0.5, one)
    assert not torch.equal(first, augment(images, 0.5, one))


def test_the_global_generator_is_untouched():
    before = torch.get_rng_state()
    augment(pictures(8), 1.0, generator())
    assert torch.equal(before, torch.get_rng_state())


def test_every_sample_gets_its_own_draw():
    out = augment(pictures(1).expand(16, -1, -1, -1), 0.5, generator())
    distances = torch.cdist(out.flatten(1), out.flatten(1)) + 99 * torch.eye(16)
    assert distances.min() > 1.0


def test_a_sample_does_not_depend_on_the_other_images():
    images = pictures(4)
    others = images.clone()
    others[1:] = pictures(3, seed=7)
    out = augment(images, 0.7, generator())[0]
    assert torch.equal(out, augment(others, 0.7, generator())[0])


def test_distance_from_the_original_grows_with_strength():
    images = pictures(256)
    strengths = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    distances = [(augment(images, s, generator()) - images).abs().mean() for s in strengths]
    assert distances[0] == 0
    assert all(low < high for low, high in itertools.pairwise(distances))


def test_autocast_of_the_caller_changes_nothing():
    images = pictures(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = augment(images, 0.5, generator())
    assert torch.equal(out, augment(images, 0.5, generator()))


DRAWS = st.lists(st.floats(-1, 1, width=32), min_size=8, max_size=8)


@settings(max_examples=100, deadline=None)
@given(draws=DRAWS, strength=STRENGTHS)
def test_no_map_flips_or_folds_the_image(draws, strength):
    matrix = geometric_matrices(torch.tensor([draws]), strength)[0].double()
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)]).double()
    assert (corners @ matrix[2] > 0.5).all()  # nothing passes through infinity
    assert torch.linalg.det(matrix) > 0  # so orientation is kept everywhere
    assert matrix[0, 0] > 0.5
    assert matrix[1, 1] > 0.5


@pytest.mark.parametrize("axis", [2, 3])
def test_results_resemble_the_original_more_than_its_mirror_image(axis):
    images = torch.zeros(1, 3, 32, 32)
    images[..., :16, :16] = 1.0
    many = images.expand(400, -1, -1, -1)
    out = augment(many, 1.0, generator()).mean(1).flatten(1)
    mirrored = many.flip(axis).mean(1).flatten(1)

    def likeness(a, b):  # the sign of a correlation is lost to inversion on purpose
        return torch.cosine_similarity(a - a.mean(1, True), b - b.mean(1, True)).abs()

    nearer = likeness(out, many.mean(1).flatten(1)) > likeness(out, mirrored)
    assert nearer.float().mean() > 0.95


def moved(images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """The images, read through homographies (N, 3, 3)."""
    return warp(images, sampling_grid(matrices, *images.shape[2:]))


def test_warp_reads_where_the_matrix_points():
    images = torch.rand(1, 1, 16, 24, generator=generator())
    assert torch.allclose(moved(images, torch.eye(3)[None]), images, atol=1e-5)
    shift = torch.eye(3)[None].clone()
    shift[0, 0, 2] = 4 / 16 * 2  # four pixels, in half heights
    assert torch.allclose(moved(images, shift)[..., :-4], images[..., 4:], atol=1e-5)


def test_rotation_keeps_angles_on_images_that_are_not_square():
    yy, xx = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(80) - 39.5, indexing="ij")
    disc = ((xx**2 + yy**2) < 12**2).float()[None, None]
    draws = torch.zeros(1, 8)
    draws[0, 0] = 1.0
    turned = moved(disc, geometric_matrices(draws, 1.0))
    assert (turned - disc).abs().mean() < 0.01


def test_erasing_is_bounded_by_the_policy():
    black = torch.zeros(200, 3, 32, 32)
    spread = augment(black, 1.0, generator()).amax(1)
    flat = spread.flatten(1).median(1).values[:, None, None]
    erased = ((spread - flat).abs() > 0.3).float().mean((1, 2))
    assert erased.mean() > 0.01
    assert erased.max() <= (POLICY.erasing + 1 / 32) ** 2


def test_the_policy_handed_in_is_the_one_that_acts():
    images = pictures(4)
    still = Policy(**dict.fromkeys(vars(POLICY), 0.0))
    assert torch.allclose(augment(images, 1.0, generator(), still), images, atol=1e-5)
    loud = Policy(**{**vars(still), "noise": 0.1})
    change = augment(images, 1.0, generator(), loud) - images
    assert 0.05 < change.std() < 0.15


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cpu_generator_gives_the_same_images_on_a_gpu():
    images = pictures(64)
    out = augment(images.cuda(), 0.7, generator())
    assert out.is_cuda
    assert torch.allclose(out.cpu(), augment(images, 0.7, generator()), atol=2e-3)
    on_device = augment(images.cuda(), 0.7, torch.Generator("cuda").manual_seed(0))
    assert torch.isfinite(on_device).all()
