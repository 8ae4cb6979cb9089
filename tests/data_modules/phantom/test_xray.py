"""Radiographs: pneumonia brightens the lungs of the same chest."""

import numpy as np
import pytest

from data_modules.phantom.xray import draw_radiograph


@pytest.mark.parametrize("number", range(4))
def test_opacities_brighten_the_lungs_of_the_same_chest(number: int) -> None:
    clear, opaque = (
        draw_radiograph(ill, 48, np.random.default_rng(number)).astype(float)
        for ill in (False, True)
    )
    assert np.corrcoef(clear.ravel(), opaque.ravel())[0, 1] > 0.85
    in_chest, above = (opaque - clear)[12:34, 8:40].mean(), (opaque - clear)[:4].mean()
    assert in_chest > max(above, 0) + 4
