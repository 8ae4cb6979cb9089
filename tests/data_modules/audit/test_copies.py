"""Copies are found however they were made, and nothing else is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_lungs import phantom_slices
from PIL import Image

from benchmarks.planted_copies import PLANTED
from data_modules.audit.alignment import WHOLE, Frame, agreement, align
from data_modules.audit.copies import COPY, confirm, find_copies, group_copies
from data_modules.audit.keypoints import keypoints, mirrored
from data_modules.audit.looks import look_at
from data_modules.audit.votes import propose
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples


@pytest.fixture(scope="module")
def slices() -> list[np.ndarray]:
    """A slice of each of 24 persons."""
    images = [image for image, _ in phantom_slices(24)]
    return images[::3][:24]


def save(folder: Path, images: list[np.ndarray]) -> list[str]:
    files = [folder / f"{number:03}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(np.ascontiguousarray(image)).save(file)
    return [str(file) for file in files]


@pytest.mark.parametrize("kind", PLANTED)
def test_a_copy_is_found_and_nothing_else(
    kind: str, slices: list[np.ndarray], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    copied = list(range(0, len(slices), 4))
    copies = [PLANTED[kind](slices[place], random) for place in copied]
    looks = look_at(save(tmp_path, [*slices, *copies]))
    proposals = list(propose([look.keypoints for look in looks]))
    found = {(first, second) for first, second, _ in confirm(proposals, looks)}
    assert found == {(place, len(slices) + at) for at, place in enumerate(copied)}


def test_the_part_that_a_copy_shows_is_found(slices: list[np.ndarray], tmp_path: Path) -> None:
    image = slices[0]
    height, width = image.shape
    part = image[int(0.2 * height) : int(0.9 * height), int(0.1 * width) : int(0.8 * width)]
    whole, cut = look_at(save(tmp_path, [image, part]))
    assert agreement(whole.preview, cut.preview, WHOLE) < 0.5
    likeness, frame = align(whole.preview, cut.preview, Frame(0.15, 0.95, 0.05, 0.85))
    assert likeness > COPY
    assert np.allclose(frame, (0.2, 0.9, 0.1, 0.8), atol=0.03)


def test_patches_of_a_mirrored_image_are_mirrored(slices: list[np.ndarray]) -> None:
    own = keypoints(slices[0])
    other = keypoints(np.ascontiguousarray(slices[0][:, ::-1]))
    alike = mirrored(own.patches).astype(float) @ other.patches.astype(float).T
    nearest = alike.argmax(axis=1)
    as_they_are = own.patches.astype(float) @ other.patches.astype(float).T
    assert np.median(alike.max(axis=1)) > 0.85
    assert np.median(as_they_are.max(axis=1)) < 0.8
    columns = own.places[:, 1] + other.places[nearest, 1]
    assert np.median(np.abs(columns - 1)) < 0.01


def test_nothing_is_proposed_where_nothing_is_seen() -> None:
    flat = np.full((64, 64), 90, np.uint8)
    assert len(keypoints(flat).places) == 0
    assert list(propose([keypoints(flat), keypoints(flat)])) == []
    assert list(propose([])) == []


def test_copies_within_a_split_and_exact_ones_are_found_too(
    slices: list[np.ndarray], tmp_path: Path
) -> None:
    files = save(tmp_path, [*slices[:6], slices[2], slices[4][8:, 5:]])
    (tmp_path / "bad.png").write_bytes(b"")
    names = [*(Path(file).name for file in files), "bad.png"]
    table = pd.DataFrame({"path": names, "label": "", "patient": names, "study": "", "source": "s"})
    samples = Samples(tmp_path, table.assign(split="train"))
    looks = look_at(samples.images())
    assert looks[-1] is None
    found = find_copies(samples, looks, FileHashes(tmp_path / "cache"))
    assert [(one[0], one[1], one[2]) for one in found] == [(2, 6, "exact"), (4, 7, "part")]


def test_groups_do_not_chain() -> None:
    chain = [(a, a + 1, "near", 0.98) for a in range(6)]
    assert max(map(len, group_copies(8, chain))) <= 3
    every = [(a, b, "near", 0.98) for a in range(5) for b in range(a + 1, 5)]
    assert [group.tolist() for group in group_copies(8, every)] == [[0, 1, 2, 3, 4]]
    assert group_copies(8, []) == []
