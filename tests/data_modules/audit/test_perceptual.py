"""Perceptual hashes of thumbnails, and images that are kept apart by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from data_modules.audit import perceptual
from data_modules.audit.perceptual import BITS, keep_apart, perceptual_hashes


def alike(seed: int, images: int) -> np.ndarray:
    """Hashes of some images, and of others that differ from one of these in a few bits."""
    rng = np.random.default_rng(seed)
    first = rng.random((3, BITS)) < 0.5
    flipped = rng.random((images, BITS)) < rng.random((images, 1)) * 0.2
    return first[rng.integers(3, size=images)] ^ flipped


def one_by_one(hashes: np.ndarray, distance: int) -> list[int]:
    """Which are kept, by its definition."""
    kept: list[int] = []
    for row, own in enumerate(hashes):
        if all((own != hashes[other]).sum() > distance for other in kept):
            kept.append(row)
    return kept


@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 100), st.sampled_from([3, 2048]))
def test_kept_are_far_apart_and_all_others_near_one_of_them(
    seed: int, images: int, distance: int, at_once: int
):
    hashes = alike(seed, images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perceptual, "AT_ONCE", at_once)
        near = keep_apart(hashes, distance)
    kept = np.flatnonzero(near == np.arange(images)).tolist()
    assert kept == one_by_one(hashes, distance)
    assert set(near.tolist()) == set(kept)
    assert ((hashes != hashes[near]).sum(axis=1) <= distance).all()


def test_of_equal_images_the_first_is_kept():
    hashes = np.repeat(alike(0, 1), 5, axis=0)
    assert keep_apart(hashes, 0).tolist() == [0] * 5


def drawn(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (90, 120), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)))


def test_a_hash_tells_images_and_bears_noise_and_brightness():
    rng = np.random.default_rng(0)
    small = np.array([np.asarray(drawn(seed).resize((17, 17))) for seed in range(20)])
    noisy = np.clip(small * 1.1 + rng.integers(-2, 3, size=small.shape), 0, 255)
    hashes = perceptual_hashes(small)
    assert (hashes != perceptual_hashes(noisy.astype(np.uint8))).sum(axis=1).max() <= 24
    apart = (hashes[:, None] != hashes[None]).sum(axis=2)[np.triu_indices(20, 1)]
    assert apart.min() > 80
    assert abs(apart.mean() - BITS / 2) < 8
    assert perceptual_hashes(small[:0]).shape == (0, BITS)
