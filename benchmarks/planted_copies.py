"""Recall and precision of the audit on planted copies, as they are found in public sets."""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_modules.audit.copies import confirm
from data_modules.audit.looks import look_at
from data_modules.audit.votes import propose
from data_modules.catalogue import find_index
from data_modules.formats.images import read_image
from data_modules.samples import Samples

SETS = ("covid_ct", "luna16_slices", "chest_xray_pneumonia", "mosmed_slices")
PERSONS = 70
EACH = 10

Make = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def compressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Saved as JPEG and read again, uint8 [H, W]."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(stream.getvalue())))


def resized(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """At 0.5 to 0.8 of its size."""
    share = random.uniform(0.5, 0.8)
    size = [int(side * share) for side in image.shape[::-1]]
    return compressed(np.asarray(Image.fromarray(image).resize(size)), 75)


def cropped(image: np.ndarray, random: np.random.Generator, share: float) -> np.ndarray:
    """Without a share of its height and of its width, anywhere."""
    height, width = image.shape
    top, left = (int(random.uniform(0, share) * side) for side in (height, width))
    kept = [int((1 - share) * side) for side in (height, width)]
    return compressed(image[top : top + kept[0], left : left + kept[1]], 85)


def windowed(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """In a window of 0.5 to 0.8 of its grey levels, anywhere near the middle."""
    centre, width = random.uniform(90, 165), random.uniform(128, 204)
    return np.clip((image - (centre - width / 2)) / width * 255, 0, 255).astype(np.uint8)


def annotated(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """With three white arrows, a letter and two words."""
    height, width = image.shape
    whole = Image.fromarray(image)
    draw = ImageDraw.Draw(whole)
    for _ in range(3):
        end = random.uniform(0.2, 0.8, 2) * (width, height)
        turn = random.uniform(0, 2 * np.pi)
        start = end + 0.12 * width * np.array([np.cos(turn), np.sin(turn)])
        draw.line([*start, *end], fill=255, width=max(2, width // 80))
        sides = [
            end + 0.04 * width * np.array([np.cos(turn + by), np.sin(turn + by)])
            for by in (-0.5, 0.5)
        ]
        draw.polygon([tuple(end), *map(tuple, sides)], fill=255)
    draw.text((width // 20, height // 20), "A", 255, ImageFont.load_default(size=width // 8))
    draw.text((width * 0.6, height * 0.9), "Day 12", 255, ImageFont.load_default(size=width // 14))
    return compressed(np.asarray(whole), 85)


PLANTED: dict[str, Make] = {
    "resized": resized,
    "recompressed": lambda image, random: compressed(image, 40),
    "cropped by 10 %": lambda image, random: cropped(image, random, 0.1),
    "cropped by 30 %": lambda image, random: cropped(image, random, 0.3),
    "windowed": windowed,
    "mirrored": lambda image, random: compressed(image[:, ::-1], 85),
    "annotated": annotated,
}


def planted_copies(folder: Path) -> dict[str, dict[str, float]]:
    """Recall by kind, and precision, on each public set below MATL_DATA, or ../shared/data."""
    root = Path(
        os.environ.get("MATL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    )
    found = {}
    for name in SETS:
        if (root / name).is_dir():
            (folder / name).mkdir()
            images = some_persons(find_index(name)(root / name))
            found[name] = recall_and_precision(images, folder / name)
    return found


def some_persons(samples: Samples, seed: int = 0) -> list[np.ndarray]:
    """A grey image, uint8 [H, W], of each of `PERSONS` persons, or of all where they are fewer."""
    ones = samples.subset(~samples.table["patient"].duplicated())
    files = np.random.default_rng(seed).permutation(ones.images())[:PERSONS]
    return [read_image(file, None, 1)[0][0] for file in files]


def recall_and_precision(images: Sequence[np.ndarray], folder: Path) -> dict[str, float]:
    """Plants `EACH` copies of every kind among images, no two of which are of one person.

    Args:
        images: uint8 [H, W] each.
        folder: Where they are written, as PNG files.

    Returns:
        The share of the copies of each kind that were found, of all ("recall"), and the share of
        what was found that had been planted ("precision").
    """
    random = np.random.default_rng(0)
    planted = [
        (kind, int(place))
        for kind in PLANTED
        for place in random.choice(len(images), min(EACH, len(images)), replace=False)
    ]
    copies = [PLANTED[kind](images[place], random) for kind, place in planted]
    every = [*images, *copies]
    files = [str(folder / f"{number:04}.png") for number in range(len(every))]
    for file, image in zip(files, every, strict=True):
        Image.fromarray(np.ascontiguousarray(image)).save(file)
    looks = look_at(files)
    proposals = propose([look.keypoints for look in looks if look is not None])
    found = {(first, second) for first, second, _ in confirm(proposals, looks)}
    shows = [*range(len(images)), *(place for _, place in planted)]
    hit = [((place, len(images) + at) in found, kind) for at, (kind, place) in enumerate(planted)]
    right = sum(shows[first] == shows[second] for first, second in found)
    recall = {kind: float(np.mean([ok for ok, of in hit if of == kind])) for kind in PLANTED}
    everything = float(np.mean([ok for ok, _ in hit]))
    return {**recall, "recall": everything, "precision": right / max(len(found), 1)}
