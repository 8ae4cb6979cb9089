"""Cached reading over torchvision's ImageFolder with a DataLoader of two workers."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Grayscale, PILToTensor, Resize

from data_modules.cache import build_cache
from data_modules.config import DataConfig
from data_modules.module import ImageDataModule
from data_modules.registry import load
from data_modules.samples import Samples

SIZE = 64
BATCH = 64
REPEATS = 5


def cached_reading(folder: Path) -> dict[str, float]:
    """Images a second of an epoch through both, alternating; the ratio of the medians."""
    samples = load(DataConfig(name="phantom_shapes"), folder)
    kept, cache = build_cache(samples, (SIZE, SIZE), 1, folder / "cache", fit="stretch")
    ours = ImageDataModule(
        kept, cache, batch_size=BATCH, seed=0, task="bench", train_splits=("train", "val")
    ).train_dataloader()
    theirs = _image_folder(samples, folder / "image_folder")
    rates: dict[str, list[float]] = {"cached": [], "image_folder": []}
    for _ in range(REPEATS):
        rates["cached"].append(len(kept) / _seconds(ours))
        rates["image_folder"].append(len(kept) / _seconds(theirs))
    result = {name: median(values) for name, values in rates.items()}
    return {**result, "ratio": result["cached"] / result["image_folder"]}


def _image_folder(samples: Samples, root: Path) -> DataLoader[Any]:
    for file, label in zip(samples.files(), samples.table["label"], strict=True):
        (root / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / label / f"{file.parent.name}-{file.name}")
    transform = Compose([Grayscale(), Resize((SIZE, SIZE)), PILToTensor()])
    dataset = ImageFolder(str(root), transform)
    return DataLoader(dataset, BATCH, shuffle=True, num_workers=2, persistent_workers=True)


def _seconds(batches: Iterable[Any]) -> float:
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start
