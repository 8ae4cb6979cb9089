"""Digests follow content and table, and nothing else."""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

from data_modules.digest import content_digest, digest, file_hashes, table_digest
from data_modules.errors import DataError
from data_modules.samples import Samples

NAMES = ["a.png", "b/c.png", "b/d e%.png"]


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return make_samples(tmp_path / "data")


def make_samples(root: Path) -> Samples:
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 10)
    columns = {
        "path": NAMES,
        "label": ["x", "y", ""],
        "patient": ["1", "1", "2"],
        "split": ["train", "train", "test"],
        "study": "",
        "source": "toy",
    }
    return Samples(root, pd.DataFrame(columns), classes=("x", "y"))


def change(samples: Samples, column: str, row: int, value: str) -> Samples:
    table = samples.table.copy()
    table.loc[row, column] = value
    return replace(samples, table=table)


def test_a_copy_elsewhere_with_other_mtimes_has_the_same_digest(samples: Samples, tmp_path: Path):
    shutil.copytree(samples.root, tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*.png"):
        os.utime(file, (1, 1))
    copy = replace(samples, root=tmp_path / "copy")
    assert digest(copy, tmp_path / "memo") == digest(samples, tmp_path / "memo")
    assert digest(copy, tmp_path / "other memo") == digest(samples, tmp_path / "memo")


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("label", 0, "y"),
        ("label", 0, ""),
        ("patient", 2, "3"),
        ("split", 2, "val"),
        ("study", 0, "s"),
        ("source", 0, "other"),
    ],
)
def test_the_table_changes_the_digest_but_not_the_content_digest(
    samples: Samples, tmp_path: Path, column: str, row: int, value: str
):
    other = change(samples, column, row, value)
    assert digest(other, tmp_path) != digest(samples, tmp_path)
    assert table_digest(other) != table_digest(samples)
    assert content_digest(other, tmp_path) == content_digest(samples, tmp_path)


def test_classes_and_the_positive_class_change_the_digest(samples: Samples, tmp_path: Path):
    variants = [
        samples,
        replace(samples, classes=("y", "x")),
        replace(samples, positive="x"),
        replace(samples, patients_named=False),
        samples.subset([True, True, False]),
    ]
    assert len({digest(variant, tmp_path) for variant in variants}) == len(variants)
    assert digest(replace(samples, notes=("a note",)), tmp_path) == digest(samples, tmp_path)


def test_a_renamed_file_keeps_the_content_digest_only(samples: Samples, tmp_path: Path):
    before = digest(samples, tmp_path), content_digest(samples, tmp_path)
    os.rename(samples.root / "a.png", samples.root / "z.png")
    renamed = change(samples, "path", 0, "z.png")
    assert content_digest(renamed, tmp_path) == before[1]
    assert digest(renamed, tmp_path) != before[0]


def test_the_order_of_the_table_counts(samples: Samples, tmp_path: Path):
    turned = replace(samples, table=samples.table.iloc[::-1])
    assert content_digest(turned, tmp_path) != content_digest(samples, tmp_path)


def test_a_changed_file_is_hashed_again_and_an_unchanged_one_is_not(
    samples: Samples, tmp_path: Path
):
    before = content_digest(samples, tmp_path)
    file = samples.root / "a.png"
    stat = file.stat()
    content = file.read_bytes()

    file.write_bytes(b"?" * len(content))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content_digest(samples, tmp_path) == before, "same size and mtime: the memo answers"

    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert content_digest(samples, tmp_path) != before
    file.write_bytes(content)
    os.utime(file, (1, 1))
    assert content_digest(samples, tmp_path) == before


def test_all_missing_files_are_listed_at_once(samples: Samples, tmp_path: Path):
    for name in NAMES[:2]:
        (samples.root / name).unlink()
    with pytest.raises(DataError, match="2 files cannot be read") as caught:
        digest(samples, tmp_path)
    assert all(name in str(caught.value) for name in NAMES[:2])
    assert NAMES[2] not in str(caught.value)


def test_a_damaged_memo_is_replaced(samples: Samples, tmp_path: Path):
    before = digest(samples, tmp_path)
    memo = next(tmp_path.glob("*.json"))
    for damaged in (memo.read_text()[:20], "[]"):
        memo.write_text(damaged)
        assert digest(samples, tmp_path) == before
        assert digest(samples, tmp_path) == before


def test_two_processes_share_a_memo_without_losing_entries(samples: Samples, tmp_path: Path):
    files = [samples.root / f"{number}.bin" for number in range(40)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 100)
    memo = tmp_path / "memo"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(hash_one_by_one, files[start::2], memo) for start in (0, 1)]
        hashes = [part.result() for part in parts]
    written = next(memo.glob("*.json")).read_text()
    assert all(str(file) in written for file in files)
    assert file_hashes(files, tmp_path / "fresh memo")[::2] == hashes[0]


def hash_one_by_one(files: list[Path], memo: Path) -> list[str]:
    return [file_hashes([file], memo)[0] for file in files]
