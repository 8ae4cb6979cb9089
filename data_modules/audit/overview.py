"""What a data set holds, and what could leak: the tables behind `matl data`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from data_modules.file_hashes import FileHashes
from data_modules.formats.images import is_picture, try_read_size
from data_modules.formats.pictures import FORMATS
from data_modules.samples import SPLITS, Samples, split_label, texts
from data_modules.spelling import form

SHEET_MARK = ("Software", "matl contact sheet")
"""The text in a sheet's PNG file by which it is known."""


def counts(samples: Samples) -> pd.DataFrame:
    """Images and patients of each split.

    Returns:
        One row per split that has images, and "all"; columns `images`, `patients`, one per class,
        and `unlabelled` where there are such images.
    """
    rows = {split: samples.subset(samples.table["split"] == split) for split in SPLITS}
    rows = {split: part for split, part in rows.items() if len(part)} | {"all": samples}
    table = pd.DataFrame({split: _count(part) for split, part in rows.items()}).T
    if not table["unlabelled"].any():
        table = table.drop(columns="unlabelled")
    return table.rename_axis("split")


def image_sizes(samples: Samples) -> pd.DataFrame:
    """Smallest, median and largest image of each source, from the files' headers.

    Returns:
        One row per source; columns `images`, `unreadable`, `modes` (for example "L 746"), and for
        `width` and `height` in pixels `_min`, `_median` and `_max`.
    """
    headers = pd.DataFrame(
        [_header(path) for path in samples.files()], columns=["width", "height", "mode"]
    )
    rows = {}
    for source, part in headers.groupby(samples.table["source"].to_numpy()):
        modes = part["mode"].value_counts()
        row = {
            "images": len(part),
            "unreadable": int(part["mode"].isna().sum()),
            "modes": ", ".join(f"{mode} {count}" for mode, count in modes.items()),
        }
        for side in ("width", "height"):
            summary = part[side].agg(["min", "median", "max"])
            row |= {f"{side}_{name}": value for name, value in summary.items()}
        rows[source] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def shared_patients(first: Samples, second: Samples) -> list[tuple[str, str]]:
    """The patients of `first` that are also in `second`, as (source, patient), sorted.

    Names are compared by their form, so that `P001` and `p1` are one patient. Of data sets that
    name no patients, the groups that serve as patients are compared.
    """
    named = first.patients_named and second.patients_named
    known = {(source, _form(name, named)) for source, name in _patients(second)}
    return sorted(
        (source, name) for source, name in _patients(first) if (source, _form(name, named)) in known
    )


def same_images(seen: Samples, others: Samples, hashes: FileHashes | Path) -> list[str]:
    """The paths in `others` of the files whose bytes are also in `seen`.

    Args:
        seen: The images to look among.
        others: The images to look for.
        hashes: What hashes the files, or the folder of its memo.

    Raises:
        DataError: Where files of a table cannot be read; all are listed.
    """
    hashes = FileHashes.at(hashes)
    known = set(hashes.of(seen.absolute_paths()))
    contents = hashes.of(others.absolute_paths())
    paths = texts(others.table["path"])
    return [path for path, content in zip(paths, contents, strict=True) if content in known]


def contact_sheet(
    images: Sequence[np.ndarray],
    captions: Sequence[str],
    path: Path,
    columns: int = 8,
    tile: int = 160,
) -> None:
    """Write images with their captions as one PNG.

    Args:
        images: uint8 [C, h, w] each; with three channels shown in colour, else the first in grey.
        captions: A text for each image, shown as it is, cut where it is too long.
        path: The PNG file to write.
        columns: Images in a row.
        tile: Side of an image on the sheet, in pixels.
    """
    if len(images) != len(captions) or not len(images):
        raise ValueError(f"{len(images)} images and {len(captions)} captions do not make a sheet")
    font = ImageFont.load_default(size=11)
    line = 16
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * tile, rows * (tile + line)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = number % columns * tile, number // columns * (tile + line)
        picture = _picture(image)
        picture.thumbnail((tile - 4, tile - 4))
        sheet.paste(picture, (left + 2, top + 2))
        text = "".join(letter if letter.isprintable() else "?" for letter in caption)
        draw.text((left + 2, top + tile), _cut(text, font, tile - 4), fill="black", font=font)
    mark = PngInfo()
    mark.add_text(*SHEET_MARK)
    sheet.save(path, format="PNG", pnginfo=mark)


def is_contact_sheet(path: Path) -> bool:
    """Whether a file was written by `contact_sheet`."""
    key, text = SHEET_MARK
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return image.info.get(key) == text
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return False


def _patients(samples: Samples) -> set[tuple[str, str]]:
    return set(zip(texts(samples.table["source"]), texts(samples.table["patient"]), strict=True))


def _form(patient: str, named: bool) -> str:
    return form(patient, fractions=False) if named else patient


def _count(samples: Samples) -> dict[str, int]:
    labels = samples.table["label"].value_counts()
    named = _count_classes(samples)
    for one in samples.label_sets:
        named |= {f"{one.name}: {k}": v for k, v in _count_classes(samples.part(one)).items()}
    patients = len(samples.table.drop_duplicates(["source", "patient"]))
    unlabelled = int(labels.get("", 0))
    return {"images": len(samples), "patients": patients, **named, "unlabelled": unlabelled}


def _count_classes(samples: Samples) -> dict[str, int]:
    named: dict[str, int] = dict.fromkeys(samples.classes, 0)
    if not named:
        return named
    for label, images in samples.table["label"].value_counts().items():
        for name in split_label(str(label)) if samples.multi_label else {str(label)} - {""}:
            named[name] += int(images)
    return named


def _header(path: Path) -> tuple[float, float, str | None]:
    if not is_picture(path):
        height, width = try_read_size(path) or (np.nan, np.nan)
        return width, height, None if np.isnan(width) else "scan"
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.width, image.height, image.mode
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return np.nan, np.nan, None


def _picture(image: np.ndarray) -> Image.Image:
    if image.shape[0] == 3:
        return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    return Image.fromarray(np.ascontiguousarray(image[0]))


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
