"""The built-in phantom: simulated images for tests and demonstrations, no download.

Chests are made of ellipsoids, tubes and textures in Hounsfield units. CT slices and radiographs
are taken of the same kind of chest but never of the same patient. Each image is a function of
the seed and of the patient's (or image's) number alone. PNG files are written once, below the
data set's folder, under a name that follows from the settings.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_modules.cores import on_cores
from data_modules.phantom.anatomy import Array
from data_modules.phantom.cohort import (
    CLEAR,
    COVID,
    LESION,
    OTHER,
    PATCHES,
    Patient,
    chance_labels,
    patch_label,
    patient,
)
from data_modules.phantom.figures import FIGURES
from data_modules.phantom.writing import whole_number, write_once
from data_modules.samples import COLUMNS, Samples

if TYPE_CHECKING:
    from data_modules.phantom.ct import Scan

__all__ = ["index_ct", "index_null", "index_patches", "index_shapes", "index_xray", "lesion_mask"]

NOTE = "Simulated images: they show that a chain works, not how well it diagnoses patients."
_STREAMS = {"shapes": 1, "xray": 2, "ct": 3, "null": 4, "patches": 5}
_EVERY_FIFTH = 5
Row = tuple[str, str, str, str, str, str]


def index_shapes(root: Path, images: int = 1200, size: int = 64, seed: int = 0) -> Samples:
    """Drawn shapes of twelve classes, in the role of natural images.

    Args:
        root: Where the files are written.
        images: Number of images; the classes take turns, a fifth is for validation.
        size: Height and width in pixels.
        seed: Another seed gives other images.

    Raises:
        DataError: Where an option is no whole number in its range, or `root` cannot be written.
    """
    options = {
        "images": whole_number("images", images, 5 * len(FIGURES), 1_000_000),
        "size": whole_number("size", size, 16, 1024),
        "seed": whole_number("seed", seed, 0, 2**31),
    }
    names = list(FIGURES)
    rows: list[Row] = []
    for number in range(images):
        split = "val" if number // len(names) % _EVERY_FIFTH == 0 else "train"
        name = f"shape-{seed}-{number:06d}"
        label = names[number % len(names)]
        rows.append((f"images/{name}.png", label, name, split, "", "phantom_shapes"))
    folder = write_once(root, "shapes", options, _shape_files(rows, size, seed))
    return _samples(folder, rows, tuple(names), None)


def index_xray(root: Path, patients: int = 400, size: int = 96, seed: int = 0) -> Samples:
    """Radiographs of phantom chests, one per patient: "opacity" (pneumonia) or "clear".

    Args:
        root: Where the files are written.
        patients: Number of patients, half of them with opacities; a fifth is for validation.
        size: Height and width in pixels.
        seed: Another seed gives other patients.

    Raises:
        DataError: Where an option is no whole number in its range, or `root` cannot be written.
    """
    options = {
        "patients": whole_number("patients", patients, 4, 1_000_000),
        "size": whole_number("size", size, 32, 1024),
        "seed": whole_number("seed", seed, 0, 2**31),
    }
    rows: list[Row] = []
    for number in range(patients):
        split = "val" if number // 2 % _EVERY_FIFTH == 0 else "train"
        name = f"xray-{seed}-{number:04d}"
        label = ("clear", "opacity")[number % 2]
        rows.append((f"images/{name}.png", label, name, split, "", "phantom_xray"))
    folder = write_once(root, "xray", options, _xray_files(rows, size, seed))
    return _samples(folder, rows, ("clear", "opacity"), "opacity")


def index_patches(root: Path, patients: int = 400, size: int = 32, seed: int = 0) -> Samples:
    """Patches of phantom CT lungs, four per patient: "lesion" or "clear", as LUNA16's are cut.

    Lesions are ground glass at the pleura or around the hila, and nodules: what disease looks like,
    and not where it lies.

    Args:
        root: Where the files are written.
        patients: Number of patients, half of them with lesions; a fifth is for validation.
        size: Height and width in pixels.
        seed: Another seed gives other patients.

    Raises:
        DataError: Where an option is no whole number in its range, or `root` cannot be written.
    """
    options = {
        "patients": whole_number("patients", patients, 4, 1_000_000),
        "size": whole_number("size", size, 16, 256),
        "seed": whole_number("seed", seed, 0, 2**31),
    }
    folder = write_once(root, "patches", options, _patch_files(patients, size, seed))
    rows: list[Row] = []
    for number in range(patients):
        split = "val" if number // 4 % _EVERY_FIFTH == 0 else "train"
        name = f"patch-{seed}-{number:04d}"
        paths = [f"images/{name}_{place}.png" for place in range(PATCHES)]
        rows += [(path, patch_label(number), name, split, "", "phantom_patches") for path in paths]
    return _samples(folder, rows, (CLEAR, LESION), LESION)


def index_ct(
    root: Path, patients: int = 160, slices: int = 4, size: int = 96, seed: int = 0
) -> Samples:
    """Axial slices of phantom chests: "covid" or "other" (half healthy, half central disease).

    The column `study` ends in the subtype: "covid", "healthy" or "central". `lesion_mask` finds
    the mask of each slice.

    Args:
        root: Where the files are written.
        patients: Number of patients, half of them with COVID-19; 60 % train, 15 % val, 25 % test.
        slices: Slices of each patient.
        size: Height and width in pixels.
        seed: Another seed gives other patients.

    Raises:
        DataError: Where an option is no whole number in its range, or `root` cannot be written.
    """
    people = _people(patients)
    labels = [person.label for person in people]
    return _ct_samples(root, people, labels, "phantom_ct", slices, size, seed)


def index_null(
    root: Path, patients: int = 160, slices: int = 4, size: int = 96, seed: int = 0
) -> Samples:
    """The images of `index_ct` at the same options, with labels that do not depend on them.

    The labels are given to patients at random, half and half within each split. What a model
    seems to learn from them is chance.

    Args:
        root: Where the files are written.
        patients: As for `index_ct`.
        slices: As for `index_ct`.
        size: As for `index_ct`.
        seed: Another seed gives other patients and other labels.

    Raises:
        DataError: Where an option is no whole number in its range, or `root` cannot be written.
    """
    people = _people(patients)
    labels = chance_labels(people, _stream("null", whole_number("seed", seed, 0, 2**31), 0))
    return _ct_samples(root, people, labels, "phantom_null", slices, size, seed)


def lesion_mask(image: Path) -> Path:
    """The PNG (0 or 255, the slice's size) of the disease in a slice of the CT phantom."""
    return image.parent.parent / "masks" / image.name


def _people(patients: int) -> list[Patient]:
    return [patient(number) for number in range(whole_number("patients", patients, 6, 1_000_000))]


def _ct_samples(
    root: Path,
    people: list[Patient],
    labels: list[str],
    source: str,
    slices: int,
    size: int,
    seed: int,
) -> Samples:
    options = {
        "patients": len(people),
        "slices": whole_number("slices", slices, 1, 64),
        "size": whole_number("size", size, 32, 1024),
        "seed": whole_number("seed", seed, 0, 2**31),
    }
    folder = write_once(root, "ct", options, _ct_files(people, slices, size, seed))
    rows: list[Row] = []
    for person, label in zip(people, labels, strict=True):
        name = _ct_name(seed, person)
        paths = [f"images/{name}_{number}.png" for number in range(slices)]
        study = f"{name}-{person.kind}"
        rows += [(path, label, name, person.split, study, source) for path in paths]
    return _samples(folder, rows, (OTHER, COVID), COVID)


def _shape_files(rows: list[Row], size: int, seed: int) -> Iterator[tuple[str, Array]]:
    from data_modules.phantom.shapes import draw_shape  # scipy is needed for drawing alone

    for number, (path, label, *_) in enumerate(rows):
        yield path, draw_shape(label, size, _stream("shapes", seed, number))


def _xray_files(rows: list[Row], size: int, seed: int) -> Iterator[tuple[str, Array]]:
    labels = list(enumerate(label for _, label, *_ in rows))
    drawn = on_cores(partial(_radiograph, size=size, seed=seed), labels)
    for (path, *_), image in zip(rows, drawn, strict=True):
        yield path, image


def _radiograph(of: tuple[int, str], size: int, seed: int) -> Array:
    from data_modules.phantom.xray import draw_radiograph

    number, label = of
    return draw_radiograph(label == "opacity", size, _stream("xray", seed, number))


def _patch_files(patients: int, size: int, seed: int) -> Iterator[tuple[str, Array]]:
    drawn = on_cores(partial(_patches, size=size, seed=seed), range(patients))
    for number, patches in enumerate(drawn):
        for place, patch in enumerate(patches):
            yield f"images/patch-{seed}-{number:04d}_{place}.png", patch


def _patches(number: int, size: int, seed: int) -> Array:
    from data_modules.phantom.patches import draw_patches

    return draw_patches(number, size, _stream("patches", seed, number))


def _ct_files(
    people: list[Patient], slices: int, size: int, seed: int
) -> Iterator[tuple[str, Array]]:
    scans = on_cores(partial(_scan, slices=slices, size=size, seed=seed), people)
    for person, scan in zip(people, scans, strict=True):
        for number in range(slices):
            name = f"{_ct_name(seed, person)}_{number}.png"
            yield f"images/{name}", scan.images[number]
            yield f"masks/{name}", scan.lesions[number]


def _scan(person: Patient, slices: int, size: int, seed: int) -> "Scan":
    from data_modules.phantom.ct import draw_scan

    return draw_scan(person.kind, slices, size, _stream("ct", seed, person.number))


def _ct_name(seed: int, person: Patient) -> str:
    return f"ct-{seed}-{person.number:04d}"


def _stream(content: str, seed: int, number: int) -> np.random.Generator:
    """The random numbers of one patient or image."""
    return np.random.default_rng([seed, _STREAMS[content], number])


def _samples(
    folder: Path,
    rows: list[Row],
    classes: tuple[str, ...],
    positive: str | None,
) -> Samples:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Samples(folder, table, classes, positive, notes=(NOTE,))
