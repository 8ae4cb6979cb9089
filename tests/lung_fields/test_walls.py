"""Dense lung belongs to the lung: measured against the phantom's truth."""

import numpy as np
import pytest
from drawn_lungs import (
    AIR,
    BODY,
    LUNG,
    dice,
    oval,
    phantom_slices,
    solid_opacities,
    with_dependent,
)

from data_modules.phantom import ct
from matl.lung_fields.search import find_lungs, smoothed
from matl.lung_fields.walls import add_dense_lung
from matl.lungs import region_map


def mean_dice(slices) -> float:
    return float(np.mean([dice(region_map(image[None]) > 0, lungs) for image, lungs in slices]))


def test_the_phantoms_lungs_are_found():
    assert mean_dice(phantom_slices(15)) > 0.97


def test_solid_patches_at_the_pleura_belong_to_the_lung(monkeypatch):
    monkeypatch.setattr(ct, "_draw_disease", solid_opacities)
    assert mean_dice(phantom_slices(15, first=100)) > 0.95


def test_the_dependent_part_belongs_to_the_lung_even_if_all_of_it_is_solid():
    rng = np.random.default_rng(0)
    slices = [(with_dependent(*one, rng), one[1]) for one in phantom_slices(15, first=200)]
    assert mean_dice(slices) > 0.92


def chest() -> np.ndarray:
    image = np.full((128, 128), AIR, dtype=np.uint8)
    image[oval(0.5, 0.5, 0.94, 0.8)] = BODY
    for x in (0.3, 0.7):
        image[oval(x, 0.5, 0.26, 0.56)] = LUNG
    return image


@pytest.mark.parametrize("grey", [BODY, BODY - 45], ids=["consolidation", "ground glass"])
@pytest.mark.parametrize("place", [(0.19, 0.5), (0.3, 0.76), (0.82, 0.6)])
def test_a_patch_at_the_lateral_or_posterior_wall_is_lung(grey, place):
    image = chest()
    patch = oval(*place, 0.14, 0.16) & (image == LUNG)
    image[patch] = grey
    assert (region_map(image[None])[patch] > 0).mean() > 0.85


def test_the_mediastinum_is_no_lung():
    image = chest()
    heart = oval(0.5, 0.45, 0.36, 0.4)
    image[heart] = BODY
    assert (region_map(image[None])[heart] > 0).mean() < 0.1


@pytest.mark.parametrize("number", range(3))
def test_nothing_that_was_found_is_lost(number):
    for image, _ in phantom_slices(1, first=number * 3):  # 128 x 128, as the working image
        air = find_lungs(image)
        assert (add_dense_lung(air, smoothed(image))[air > 0] > 0).all()
