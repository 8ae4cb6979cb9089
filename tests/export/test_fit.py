"""An exported graph makes the views that matl makes of a file, to the bit of a stored pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data_modules.fit import FITS
from data_modules.formats.images import read_image
from matl.export.fit import Fit
from matl.views import Fitting, evaluation_views

OWN = [(32, 32), (37, 50), (20, 71), (100, 64), (333, 211), (64, 64), (40, 90), (12, 11)]


@pytest.mark.parametrize(
    ("fit", "tta"), [*((fit, tta) for fit in FITS for tta in ("none", "flip")), ("crop", "crops")]
)
@pytest.mark.parametrize("size", [(32, 32), (48, 32)])
def test_views_are_those_of_a_file_that_is_read(
    fit: str, tta: str, size: tuple[int, int], tmp_path: Path
) -> None:
    fitting = Fitting(size, fit)
    for seed, own in enumerate(OWN):
        pixels = np.random.default_rng(seed).integers(0, 256, own, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "scan.png")
        stored = torch.from_numpy(read_image(tmp_path / "scan.png", size, 1, fit)[0].copy())[None]
        extent = torch.tensor([stored.shape[2:]])
        wanted = list(evaluation_views(stored, fitting, tta, extent))
        views = Fit(fitting, tta)(torch.from_numpy(pixels).float()[None, None])
        for view, one in zip(views, wanted, strict=True):
            torch.testing.assert_close(view, one, rtol=0, atol=level(own, fitting))


def level(own: tuple[int, int], fitting: Fitting) -> float:
    """What a view may differ by: Pillow 13 begins with the columns where height shrinks most."""
    lower = own[0] / fitting.size[0] > own[1] / fitting.size[1]
    return 1.01 / 255 if fitting.fit == "stretch" and lower else 1e-5


def test_colours_are_resized_apart(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.png")
    stored = torch.from_numpy(read_image(tmp_path / "scan.png", (32, 32), 3, "crop")[0].copy())
    fitting = Fitting((32, 32), "crop")
    (wanted,) = evaluation_views(stored[None], fitting, "none")
    (view,) = Fit(fitting, "none")(torch.from_numpy(pixels.transpose(2, 0, 1))[None].float())
    torch.testing.assert_close(view, wanted, rtol=0, atol=1e-5)
