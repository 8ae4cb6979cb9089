"""Prone patients are turned, and what ends before the back is no lung."""

import numpy as np
from drawn_lungs import AIR, BODY, BONE, oval, phantom_slices, prone_slice

from matl.lung_fields.posture import spine_on_top
from matl.lung_fields.search import find_lungs, smoothed
from matl.lungs import region_map


def rows(labels, *numbers):
    return np.flatnonzero(np.isin(labels, numbers).any(axis=1)).mean()


def test_the_regions_of_a_prone_patient_keep_their_anatomy():
    image = prone_slice()
    labels = region_map(image[None])
    assert set(np.unique(labels)) == set(range(7))
    assert rows(labels, 1, 4) > rows(labels, 3, 6), "posterior is where the spine is"
    columns = np.flatnonzero(np.isin(labels, (1, 2, 3)).any(axis=0))
    assert columns.mean() > 64, "the patient's right lung lies on the image's right"


def test_it_is_the_map_of_the_turned_image():
    image = prone_slice()
    upright = region_map(np.rot90(image, 2)[None])
    agree = region_map(image[None]) == np.rot90(upright, 2)
    assert agree.mean() > 0.97


def test_no_phantom_is_prone():
    for image, _ in phantom_slices(6):
        if image.shape == (128, 128):
            assert not spine_on_top(find_lungs(image), smoothed(image))


def test_where_bone_is_as_white_as_muscle_it_is_supine():
    image = prone_slice()
    white = np.clip(image.astype(int) * 255 // BODY, 0, 255).astype(np.uint8)
    assert rows(region_map(white[None]), 1, 4) < rows(region_map(white[None]), 3, 6)


def test_bowel_in_the_belly_is_no_lung():
    image = np.full((128, 128), AIR, dtype=np.uint8)
    image[oval(0.5, 0.5, 0.94, 0.8)] = BODY
    for x in (0.3, 0.7):
        image[oval(x, 0.36, 0.24, 0.26)] = 60
    image[oval(0.5, 0.7, 0.14, 0.14)] = BONE
    assert find_lungs(image).any()
    assert not region_map(image[None]).any()
