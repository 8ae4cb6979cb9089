"""A picture of each image beside itself under its Grad-CAM map."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from matl.errors import MatlError
from matl.explain.attribution import enlarge
from matl.explain.grad_cam import grad_cam_maps
from matl.explain.overlays import COLOURS, OPACITY
from matl.prediction.scoring import read_files
from matl.trained import TrainedModel, as_batch

BATCH = 16
LONGEST_STEM = 40


def write_overlays(
    model: TrainedModel, files: Sequence[Path], folder: Path, device: torch.device
) -> tuple[list[str], list[str]]:
    """Writes a PNG file for each image: the image as the network sees it, and under its map.

    Args:
        model: A diagnosis of two classes, on the device.
        files: The images.
        folder: Is made; a batch of images is held in memory at once.
        device: What the model computes on.

    Returns:
        The pictures' file names in the order of the files, and what a reader should know of them.

    Raises:
        MatlError: A file can no longer be read.
    """
    folder.mkdir(exist_ok=True)
    views: list[Tensor] = []
    layer = f"backbone.{model.backbone.last_module}"
    names: list[str] = []
    empty, places = 0, ""
    for maps in grad_cam_maps(model.stage, layer, _views(model, files, device, views)):
        places = f"{maps.shape[1]} x {maps.shape[2]}"
        for view, one in zip(views.pop(), maps.cpu(), strict=True):
            name = f"{len(names) + 1:05d}-{files[len(names)].stem[:LONGEST_STEM]}.png"
            Image.fromarray(blended(view.cpu(), one)).save(folder / name)
            names.append(name)
            empty += not one.any()
    notes = [
        f"overlays: Grad-CAM at the last map, {places} places, from 0 (dark blue) to each map's "
        f"own maximum (red): what speaks for {model.positive}"
    ]
    if empty:
        notes.append(
            f"{empty} of {len(names)} maps are empty: no place speaks for {model.positive}"
        )
    return names, notes


def _views(
    model: TrainedModel, files: Sequence[Path], device: torch.device, kept: list[Tensor]
) -> Iterator[Tensor]:
    """The plain view of each image, float32 [B, C, h, w], which is also kept until it is drawn."""
    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        images = []
        for file, one in zip(part, read_files(model, part), strict=True):
            if isinstance(one, str):
                raise MatlError(f"{file}: has changed since it was scored: {one}")
            images.append(one[0])
        batch = {name: one.to(device) for name, one in as_batch(images).items()}
        kept.append(model.stage.plain_view(batch))
        yield kept[-1]


def blended(view: Tensor, one: Tensor) -> np.ndarray:
    """An image beside itself under a map, uint8 [H, 2 W, 3].

    Args:
        view: float32 [C, H, W] in [0, 1].
        one: float32 [h, w], at least 0; where all of it is 0, the image stays as it is.
    """
    plain = view.expand(3, -1, -1).permute(1, 2, 0).numpy()
    over = plain
    if one.any():
        wide = enlarge(one[None], (view.shape[1], view.shape[2]))[0].numpy()
        colours = matplotlib.colormaps[COLOURS](wide / wide.max())[..., :3]
        over = (1 - OPACITY) * plain + OPACITY * colours
    both = np.concatenate([plain, over], axis=1)
    return np.rint(255 * both.clip(0, 1)).astype(np.uint8)
