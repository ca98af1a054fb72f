import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from harness.core.errors import DataError
from harness.data import Split
from harness.data.augment import AbstractAugmentation, GaussianNoise, HorizontalFlip, RandomShift, augmented

AUGMENTATIONS = [RandomShift(pixels=3), HorizontalFlip(), GaussianNoise(std=0.5)]
EVERY = pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=repr)


def batch_of(count: int, channels: int = 2, height: int = 5, width: int = 4) -> Split:
    stream = torch.Generator().manual_seed(0)
    images = torch.randn(count, channels, height, width, generator=stream)
    return Split(images, torch.arange(count), {"half": torch.arange(count)[:, None] / 2})


def change(augmentation: AbstractAugmentation, inputs: Tensor, seed: int = 0) -> Tensor:
    return augmentation.apply(inputs, torch.Generator().manual_seed(seed))


def test_every_augmentation_of_the_package_is_tested_here() -> None:
    leaves = {leaf for leaf in AbstractAugmentation.__subclasses__() if leaf.__module__.startswith("harness.")}

    assert leaves == {type(augmentation) for augmentation in AUGMENTATIONS}


@EVERY
def test_an_augmentation_survives_json(augmentation: AbstractAugmentation) -> None:
    assert AbstractAugmentation.model_validate(augmentation.to_json()) == augmentation


@EVERY
def test_inputs_keep_shape_and_dtype_and_the_given_ones_stay(augmentation: AbstractAugmentation) -> None:
    inputs = batch_of(40).inputs.to(torch.bfloat16)
    before = inputs.clone()

    found = change(augmentation, inputs)

    assert (found.shape, found.dtype, found.is_contiguous()) == (inputs.shape, inputs.dtype, True)
    assert not torch.equal(found, before)
    assert torch.equal(inputs, before)


@EVERY
def test_what_is_drawn_is_a_function_of_seed_and_step(augmentation: AbstractAugmentation) -> None:
    batch = batch_of(40)

    first, again, later, other = (
        augmented(batch, [augmentation], seed=seed, step=step).inputs for seed, step in ((1, 7), (1, 7), (1, 8), (2, 7))
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert not torch.equal(first, other)


@EVERY
def test_the_global_random_stream_is_left_alone(augmentation: AbstractAugmentation) -> None:
    stream = torch.get_rng_state()

    augmented(batch_of(3), [augmentation], seed=0, step=0)

    assert torch.equal(torch.get_rng_state(), stream)


def test_labels_and_targets_are_left_alone() -> None:
    batch = batch_of(9)

    found = augmented(batch, AUGMENTATIONS, seed=0, step=0)

    assert torch.equal(found.labels, batch.labels)
    assert torch.equal(found.targets["half"], batch.targets["half"])


def test_without_augmentations_a_batch_stays() -> None:
    batch = batch_of(2)

    assert augmented(batch, (), seed=0, step=0).inputs is batch.inputs


def test_one_more_at_the_end_leaves_the_draws_of_the_others_alone() -> None:
    batch = batch_of(30)

    shifted = augmented(batch, [RandomShift()], seed=3, step=5)
    both = augmented(batch, [RandomShift(), GaussianNoise(std=0)], seed=3, step=5)

    assert torch.equal(both.inputs, shifted.inputs)


@given(count=st.integers(1, 12), pixels=st.integers(1, 7), seed=st.integers(0, 99))
def test_a_shifted_image_is_a_crop_of_the_padded_one(count: int, pixels: int, seed: int) -> None:
    inputs = batch_of(count).inputs

    found = change(RandomShift(pixels=pixels), inputs, seed)

    padded = functional.pad(inputs, [pixels] * 4)
    crops = padded.unfold(2, 5, 1).unfold(3, 4, 1).permute(0, 2, 3, 1, 4, 5)  # [B, row, column, C, H, W]
    assert (found[:, None, None] == crops).flatten(3).all(3).flatten(1).any(1).all()


def test_shifts_of_every_size_occur_in_both_directions() -> None:
    marked = torch.zeros(400, 1, 5, 5)
    marked[:, :, 2, 2] = 1

    places = change(RandomShift(pixels=2), marked).nonzero()[:, 2:]

    assert len(places) == 400
    assert len(places.unique(dim=0)) == 25


@given(count=st.integers(1, 40), seed=st.integers(0, 99))
def test_an_image_is_mirrored_or_as_it_was(count: int, seed: int) -> None:
    inputs = batch_of(count).inputs

    found = change(HorizontalFlip(), inputs, seed)

    same = [(found == image).flatten(1).all(1) for image in (inputs, inputs.flip(3))]
    assert (same[0] ^ same[1]).all()


@pytest.mark.parametrize(("probability", "mirrored"), [(0.0, 0), (0.25, 250), (1.0, 1000)])
def test_images_are_mirrored_as_often_as_asked(probability: float, mirrored: int) -> None:
    inputs = batch_of(1000).inputs

    found = change(HorizontalFlip(probability=probability), inputs)

    assert (found == inputs.flip(3)).flatten(1).all(1).sum().item() == pytest.approx(mirrored, abs=45)


def test_noise_has_the_spread_that_was_asked_for() -> None:
    noise = change(GaussianNoise(std=0.3), torch.ones(500, 7)) - 1

    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("augmentation", [RandomShift(), HorizontalFlip()])
def test_what_is_no_image_is_refused_with_its_shape(augmentation: AbstractAugmentation) -> None:
    with pytest.raises(DataError, match=rf"expected images \(C, H, W\) .*{augmentation.kind}.*found inputs \(64,\)"):
        change(augmentation, torch.zeros(3, 64))


def test_noise_is_for_real_numbers() -> None:
    with pytest.raises(DataError, match=r"expected inputs that are real numbers .* found torch.int64"):
        change(GaussianNoise(), torch.zeros(3, 4, dtype=torch.int64))
