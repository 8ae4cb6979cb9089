"""Decoding of a data set, once, to memory-mapped uint8 images that keep their aspect."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from data_modules.arrays import (
    Progress,
    StoredArrays,
    in_threads,
    mapped_arrays,
    store_arrays,
    write_rows,
)
from data_modules.digest import content_digest
from data_modules.errors import DataError
from data_modules.fit import FITS
from data_modules.formats import volumes
from data_modules.formats.images import try_read
from data_modules.formats.pictures import MODES, Decoded
from data_modules.formats.places import levels_of
from data_modules.ragged import Ragged
from data_modules.samples import LEVELS, Samples

VERSION = 3  # of read_image's pixels and of the files: raise it when either changes
ON_BAD_IMAGE = ("stop", "skip")
MOST_LISTED = 20
LEAST_CONTRAST = 16  # grey levels: what is stored with the wrong depth is nearly black


class ImageCache:
    """The decoded images of a data set. Pickles as its folder, so processes share one mapping.

    Attributes:
        folder: The folder that holds it.
        images: uint8 [C, h, w] for each image, of its own height and width, memory-mapped,
            read-only; row i is row i of the samples that `build_cache` returned with it.
        sizes: int32 [N, 2], height and width of each image file in pixels.
        unreadable: Row in the whole table, and the reason, of each image that was left out.
        flat: Rows in the whole table of images with hardly any contrast.
    """

    def __init__(self, folder: Path, stored: StoredArrays | None = None) -> None:
        """Open a finished cache; `build_cache` makes one.

        Args:
            folder: The folder that holds it.
            stored: What `open_arrays` returned for the folder, where it is open already; else its
                digest is not looked at again.

        Raises:
            DataError: Where the folder holds no whole cache.
        """
        stored = stored or mapped_arrays(folder)
        if stored is None:
            raise DataError(f"{folder}: no whole image cache here; run the command that makes it")
        self.folder = folder
        self.images, meta = stored
        self.sizes = np.array(meta["sizes"], dtype=np.int32).reshape(-1, 2)
        self.unreadable = {int(row): reason for row, reason in meta["unreadable"].items()}
        self.flat: list[int] = meta["flat"]

    def __reduce__(self) -> tuple[type["ImageCache"], tuple[Path]]:
        return ImageCache, (self.folder,)

    def __len__(self) -> int:
        return len(self.images)

    def derived(
        self,
        name: str,
        version: int,
        extractor: Callable[..., np.ndarray],
        progress: Progress | None = None,
        files: Sequence[Path | None] | None = None,
    ) -> Ragged:
        """Compute an array from every image, once for each name and version, and store it here.

        Args:
            name: Name of the array, a file name; it should name the extractor's options.
            version: Raise it when the extractor changes.
            extractor: Takes an image, uint8 [C, h, w], and returns a uint8 array with the same axes
                for every image. Runs in several threads at once.
            progress: Called with the number of images done and of all.
            files: A further file of each image, which the extractor takes second, and then the
                image's own height and width. The name must tell other contents apart.

        Returns:
            A uint8 array for each image, memory-mapped, read-only.

        Raises:
            ValueError: Where the extractor's arrays are not uint8, or differ in their axes.
            DataError: What the extractor says of further files; all are listed.
        """

        def write(file: BinaryIO) -> dict[str, Any]:
            def extract(row: int) -> np.ndarray | DataError:
                size = (int(self.sizes[row, 0]), int(self.sizes[row, 1]))
                more = [] if files is None else [files[row], size]
                try:
                    return extractor(np.array(self.images[row]), *more)
                except DataError as error:
                    return error

            rows = in_threads(extract, range(len(self)), progress)
            shapes = write_rows(file, _whole(rows))
            volumes.forget()  # further files may be slices of some
            return {"shapes": shapes}

        return store_arrays(self.folder / f"{name}-v{version}", write)[0]


def build_cache(
    samples: Samples,
    size: tuple[int, int],
    channels: int,
    folder: Path,
    on_bad_image: str = "stop",
    progress: Progress | None = None,
    content: str | None = None,
    fit: str = "crop",
) -> tuple[Samples, ImageCache]:
    """Decode the images, or open what was decoded before from the same file contents.

    The cache is complete or absent: killed at any moment, the next call decodes again, and of two
    processes one decodes while the other waits. With `content`, opening a cache looks at no image
    file.

    Args:
        samples: The data set.
        size: Height and width that a stage looks at, in pixels.
        channels: 1 (grey) or 3 (RGB).
        folder: Folder of all caches and of the memo of file hashes.
        on_bad_image: "stop" raises an error that lists every unreadable image; "skip" leaves them
            out and says how many in the samples' notes.
        progress: Called with the number of images done and of all.
        content: The samples' `content_digest`, where it is known.
        fit: How an image fits `size`; see `data_modules.fit`, which says how large it is stored.

    Returns:
        The samples whose images could be read, and their cache, row by row.

    Raises:
        DataError: Where there is no image, an image cannot be read and `on_bad_image` is "stop", or
            images change while they are decoded or have changed since `content`.
    """
    if (
        channels not in MODES
        or min(size) < 1
        or on_bad_image not in ON_BAD_IMAGE
        or fit not in FITS
    ):
        settings = f"size={size}, channels={channels}, on_bad_image={on_bad_image!r}, fit={fit!r}"
        raise ValueError(settings)
    if len(samples) == 0:
        raise DataError(f"{samples.root}: there are no images; check the data set's folder")
    _check_windows(samples, channels)
    height, width = map(int, size)
    content = content_digest(samples, folder) if content is None else content
    name = f"{VERSION} {height} {width} {fit} {channels} {content}"
    target = folder / hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    read = partial(try_read, size=(height, width), channels=channels, fit=fit)

    def write(file: BinaryIO) -> dict[str, Any]:
        meta = _decode(in_threads(read, samples.images(), progress), file)
        volumes.forget()
        if content_digest(samples, folder) != content:
            raise DataError(f"{samples.root}: images have changed meanwhile; run the command again")
        check_readable(samples, meta["unreadable"], on_bad_image)
        return meta

    cache = ImageCache(target, store_arrays(target, write))
    check_readable(samples, cache.unreadable, on_bad_image)
    return _noted(_without(samples, cache.unreadable), samples, cache.flat), cache


def _check_windows(samples: Samples, channels: int) -> None:
    """Refuse several windows that are not one for each channel."""
    stated = set(samples.table[LEVELS]) - {""} if LEVELS in samples.table else set()
    several = {len(levels_of(text).ranges) for text in stated} - {1, channels}
    if several:
        raise DataError(
            f"data.window: {max(several)} windows need as many channels; set backbone.in_channels "
            f"to {max(several)}, or name one window"
        )


def _whole(rows: Iterable[np.ndarray | DataError]) -> Iterator[np.ndarray]:
    """The arrays, where none is an error."""
    wrong = []
    for row in rows:
        if isinstance(row, DataError):
            wrong.append(str(row))
        elif not wrong:
            yield row
    if wrong:
        raise DataError("\n".join(wrong))


def _decode(results: Iterator[Decoded | str], file: BinaryIO) -> dict[str, Any]:
    sizes: list[tuple[int, int]] = []
    unreadable: dict[int, str] = {}
    flat: list[int] = []

    def images() -> Iterator[np.ndarray]:
        for row, result in enumerate(results):
            if isinstance(result, str):
                unreadable[row] = result
            else:
                sizes.append(result[1])
                if int(result[0].max()) - int(result[0].min()) < LEAST_CONTRAST:
                    flat.append(row)
                yield result[0]

    shapes = write_rows(file, images())
    return {"shapes": shapes, "sizes": sizes, "unreadable": unreadable, "flat": flat}


def check_readable(samples: Samples, unreadable: dict[int, str], on_bad_image: str) -> None:
    """Refuse images that cannot be used, unless they are to be skipped and others remain.

    Args:
        samples: The data set.
        unreadable: The reason of each such image, by its row.
        on_bad_image: As of `build_cache`.

    Raises:
        DataError: Which images these are, and why.
    """
    if not unreadable or (on_bad_image == "skip" and len(unreadable) < len(samples)):
        return
    paths = samples.table["path"]
    lines = [f"  {paths[row]}: {reason}" for row, reason in unreadable.items()][:MOST_LISTED]
    if len(unreadable) > MOST_LISTED:
        lines.append(f"  and {len(unreadable) - MOST_LISTED} more")
    raise DataError(
        f"{samples.root}: {len(unreadable)} of {len(samples)} images cannot be used; replace them, "
        "or set on_bad_image=skip to leave them out:\n" + "\n".join(lines)
    )


def _without(samples: Samples, unreadable: dict[int, str]) -> Samples:
    if not unreadable:
        return samples
    kept = samples.subset(~np.isin(np.arange(len(samples)), list(unreadable)))
    return replace(kept, notes=(*samples.notes, left_out(samples, unreadable)))


def left_out(samples: Samples, unreadable: dict[int, str]) -> str:
    """A warning that images, the reason of each by its row, are left out."""
    row, reason = next(iter(unreadable.items()))
    return (
        f"WARNING: {len(unreadable)} of {len(samples)} images are left out, such as "
        f"{samples.table['path'][row]}: {reason}"
    )


def _noted(kept: Samples, whole: Samples, flat: list[int]) -> Samples:
    """The samples with a warning where images are nearly of one grey level."""
    if not flat:
        return kept
    note = (
        f"WARNING: {len(flat)} of {len(whole)} images have hardly any contrast (fewer than "
        f"{LEAST_CONTRAST} of 256 grey levels), such as {whole.table['path'][flat[0]]}"
    )
    return replace(kept, notes=(*kept.notes, note))
