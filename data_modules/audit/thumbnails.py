"""Small grey pictures of images, kept by the contents of the files, and images of equal pixels."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from data_modules.arrays import in_threads
from data_modules.audit.boxes import Boxes
from data_modules.cores import on_cores
from data_modules.files import read_signed, replace_file, signed
from data_modules.formats.images import read_image

SIDE = 17
MEMO = "thumbnails_v2.bin"
BOXED_VERSION = 1
OLDER_MEMOS = (*(f"near_duplicates_v{n}.npz" for n in (1, 2, 3)), "thumbnails_v1.npz")


def thumbnails(
    files: Sequence[str], contents: Sequence[str], folder: Path, boxes: Boxes | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Each image, or its box, stretched to `SIDE` x `SIDE` grey pixels; only new ones are decoded.

    Args:
        files: What reads the images; see `Samples.images`.
        contents: The hashes of their bytes.
        folder: Of the memo.
        boxes: What finds the part of an image that is taken; None takes all of it.

    Returns:
        Whether each file holds an image, with a box where that is asked for, bool [N], and its
        thumbnail, uint8 [N, SIDE, SIDE].
    """
    memo = folder / (MEMO if boxes is None else f"thumbnails_{boxes.name}_v{BOXED_VERSION}.bin")
    known = _recall(memo)
    new = {text: file for file, text in zip(files, contents, strict=True) if text not in known}
    known |= zip(new, _decoded(list(new.values()), boxes), strict=True)
    if new:
        _remember(memo, known)
    return _stacked([known[text] for text in contents])


def equal_pixels(
    files: Sequence[str], contents: Sequence[str], readable: np.ndarray, pictures: np.ndarray
) -> np.ndarray:
    """A number for each image, int64 [N], the same where the bytes or the pixels are.

    Only images of one thumbnail are decoded, each of them once.

    Args:
        files: What reads the images; see `Samples.images`.
        contents: The hashes of their bytes.
        readable: Which of them hold an image, bool [N].
        pictures: Their thumbnails.
    """
    looks = [picture.tobytes() for picture in pictures]
    table = pd.DataFrame({"file": files, "content": contents, "look": looks})
    table = table[readable].drop_duplicates("content")
    alike = table[table.duplicated("look", keep=False)]
    found = in_threads(_pixel_digest, list(alike["file"]))
    digests = dict(zip(alike["content"], found, strict=True))
    return np.unique([digests.get(text, text) for text in contents], return_inverse=True)[1]


def _decoded(files: Sequence[str], boxes: Boxes | None) -> Iterator[np.ndarray | None]:
    """The thumbnail of each file; Pillow works in threads, what finds boxes in processes."""
    one = partial(_thumbnail, boxes=boxes)
    return in_threads(one, files) if boxes is None else on_cores(one, files)


def _thumbnail(file: str, boxes: Boxes | None) -> np.ndarray | None:
    try:
        if boxes is None:
            return read_image(file, (SIDE, SIDE), 1)[0][0]
        return _boxed(read_image(file, None, 1)[0][0], boxes)
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return None


def _boxed(grey: np.ndarray, boxes: Boxes) -> np.ndarray | None:
    found = boxes.find(grey)
    if found is None:
        return None
    height, width = grey.shape
    box = tuple(share * side for share, side in zip(found, (width, height) * 2, strict=True))
    whole = Image.fromarray(grey)
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


def _pixel_digest(file: str) -> str:
    try:
        pixels, size = read_image(file, None, 3)
    except Exception:  # as in `_thumbnail`: it is equal to no other, and found when it is decoded
        return file
    return f"{size} {hashlib.blake2b(pixels.tobytes(), digest_size=16).hexdigest()}"


def _stacked(found: Sequence[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
    empty = np.zeros((SIDE, SIDE), dtype=np.uint8)
    readable = np.array([one is not None for one in found], dtype=bool)
    rows = [empty if one is None else one for one in found]
    return readable, np.array(rows, dtype=np.uint8).reshape(len(rows), SIDE, SIDE)


def _recall(memo: Path) -> dict[str, np.ndarray | None]:
    content = read_signed(memo)
    if content is None:
        return {}
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        contents, readable, rows = (stored[name] for name in ("contents", "readable", "rows"))
    return {
        str(text): row if good else None
        for text, good, row in zip(contents, readable, rows, strict=True)
    }


def _remember(memo: Path, known: dict[str, np.ndarray | None]) -> None:
    readable, rows = _stacked(list(known.values()))
    stream = io.BytesIO()
    np.savez(stream, contents=np.array(list(known)), readable=readable, rows=rows)
    memo.parent.mkdir(parents=True, exist_ok=True)
    replace_file(memo, signed(stream.getvalue()))
    for name in OLDER_MEMOS:
        replace_file(memo.parent / name, None)
