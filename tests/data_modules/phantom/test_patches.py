"""Patches show what their label says, and follow from the patient's generator alone."""

import numpy as np
import pytest

from data_modules.phantom.cohort import CLEAR, LESION, PATCHES, patch_label
from data_modules.phantom.patches import draw_patches


def patches(number: int) -> np.ndarray:
    return draw_patches(number, 24, np.random.default_rng(number))


def test_half_of_the_patients_have_lesions():
    assert [patch_label(number) for number in range(4)] == [LESION, CLEAR, LESION, CLEAR]


@pytest.mark.parametrize("number", range(4))
def test_the_same_generator_cuts_the_same_patches(number: int):
    assert patches(number).shape == (PATCHES, 24, 24)
    np.testing.assert_array_equal(patches(number), patches(number))


def test_lesions_are_denser_in_the_middle_than_clear_lung():
    middle = slice(10, 14)
    greys = {
        label: np.median(
            [
                patches(number)[:, middle, middle].mean()
                for number in range(40)
                if patch_label(number) == label
            ]
        )
        for label in (LESION, CLEAR)
    }
    assert greys[LESION] > greys[CLEAR] + 15


def test_a_patient_whose_slices_show_no_lesion_is_drawn_again():
    """Nothing could be cut out of any slice of this one."""
    found = draw_patches(186, 32, np.random.default_rng([2101, 5, 186]))
    assert found.shape == (PATCHES, 32, 32)
