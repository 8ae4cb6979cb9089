"""A folder of three classes that a tiny network tells apart, and an experiment on it."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("mild", "normal", "severe")
"""As a folder is read: by name."""
ORDER = "[normal, mild, severe]"
IMAGES = {"train": 16, "val": 5, "test": 8}
EXPERIMENT = """
name: three
backbone: {name: resnet10t, operator: none}
stages:
  shapes:
    part: 1
    task: source
    data: {name: phantom_shapes, options: {images: 60, size: 32}}
    size: 32
    epochs: 1
    batch_size: 16
  diagnosis:
    part: 3
    task: diagnosis
    data: {name: folder, root: ROOT, positive: null}
    size: 32
    epochs: 6
    batch_size: 8
    lr: 0.003
chain: [shapes, diagnosis]
trainer: {accelerator: cpu, threads: 1, precision: 32-true}
"""


def draw_classes(root: Path, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Path:
    """Images in noise, whose bright square is the larger the severer the class."""
    random = np.random.default_rng(seed)
    for split, images in IMAGES.items():
        for name in classes:
            side = 7 * ("normal", "mild", "severe", "other").index(name)
            for number in range(images):
                pixels = random.normal(90, 30, (32, 32))
                top, left = random.integers(0, 33 - max(side, 1), 2)
                pixels[top : top + side, left : left + side] += 45
                file = root / split / name / f"{split}{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)
    return root


def write_three(folder: Path, data_root: Path) -> Path:
    """The experiment's file, with its images, store, cache and runs in the same folder."""
    places = {name: folder / name for name in ("store", "cache", "runs")} | {"data_root": data_root}
    text = EXPERIMENT.replace("ROOT", str(draw_classes(folder / "lungs")))
    file = folder / "three.yaml"
    file.write_text(text + "".join(f"{name}: {place}\n" for name, place in places.items()))
    return file
