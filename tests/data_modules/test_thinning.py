"""Training images that are nearly identical are left out, whatever they are called."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from data_modules.audit import thumbnails
from data_modules.config import DataConfig, ThinConfig
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.formats.images import read_image
from data_modules.registry import load
from data_modules.samples import LEFT_OUT, SPLITS, Samples
from data_modules.thinning import COMMON, thin

IMAGES, COPIES = 5, 4
POOL = [f"{image}-{copy}.png" for image in range(IMAGES) for copy in range(COPIES)]
NEW_NAMES = dict(zip(POOL, reversed(POOL), strict=True))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five images, each in four versions: the last two are equal, the others moved a little."""
    root = tmp_path_factory.mktemp("pool")
    for image in range(IMAGES):
        noise = np.random.default_rng(image).integers(0, 256, (100, 130), dtype=np.uint8)
        whole = ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))
        for copy, left in enumerate((0, 1, 3, 3)):
            whole.crop((left, 0, left + 120, 100)).save(root / f"{image}-{copy}.png")
    return root


@pytest.fixture(scope="module")
def renamed(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files under other names, in another order."""
    root = tmp_path_factory.mktemp("renamed")
    for old, new in NEW_NAMES.items():
        shutil.copy(pool / old, root / new)
    return root


@pytest.fixture(scope="module")
def hashes(tmp_path_factory: pytest.TempPathFactory) -> FileHashes:
    return FileHashes(tmp_path_factory.mktemp("memo"))


@pytest.fixture(scope="module")
def distances(pool: Path) -> pd.DataFrame:
    """How far each two of the pool are apart, by imagehash alone."""
    small = {name: read_image(pool / name, (17, 17), 1)[0][0] for name in POOL}
    known = {name: imagehash.phash(Image.fromarray(one), 16) for name, one in small.items()}
    return pd.DataFrame({a: {b: int(known[a] - known[b]) for b in POOL} for a in POOL})


def table_of(paths: list[str], parts: list[tuple[str, int, int]]) -> pd.DataFrame:
    """Images of a pool with a split, a patient and a study each; some have no study."""
    rows = [
        (path, "ab"[place % 2], f"{split} {patient}", split, "" if study > 1 else str(study), "s")
        for place, (path, (split, patient, study)) in enumerate(zip(paths, parts, strict=True))
    ]
    return pd.DataFrame(rows, columns=["path", "label", "patient", "split", "study", "source"])


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    paths = draw(st.permutations(POOL))[: draw(st.integers(8, len(POOL)))]
    splits = st.sampled_from((*SPLITS, *["train"] * 3))
    kinds = st.tuples(splits, st.integers(0, 1), st.integers(0, 2))
    return table_of(paths, draw(st.lists(kinds, min_size=len(paths), max_size=len(paths))))


def group(row: pd.Series, within: str) -> tuple[str, ...]:
    alone = within == "study" and row["study"] == ""
    return tuple(row[COMMON[within]]) + ((row["path"],) if alone else ())


@pytest.mark.parametrize("within", COMMON)
@settings(max_examples=40)
@given(tables(), st.sampled_from([0, 20, 40, 60, 100]))
def test_no_two_that_are_kept_are_near_and_all_others_are_near_one(
    pool: Path,
    hashes: FileHashes,
    distances: pd.DataFrame,
    within: str,
    table: pd.DataFrame,
    distance: int,
):
    if within == "study" and (table["study"][table["split"] == "train"] == "").all():
        return
    samples = Samples(pool, table, classes=("a", "b"))
    kept = thin(samples, ThinConfig(within, distance), hashes).table
    held_out = table[table["split"] != "train"]
    assert kept[kept["split"] != "train"].to_dict("list") == held_out.to_dict("list")
    rows = {row["path"]: group(row, within) for _, row in table.iterrows()}
    training = kept["path"][kept["split"] == "train"].tolist()
    for path in table["path"][table["split"] == "train"]:
        near = [
            other
            for other in training
            if other != path
            and rows[other] == rows[path]
            and distances.loc[path, other] <= distance
        ]
        assert bool(near) != (path in training)


@settings(max_examples=40)
@given(tables(), st.sampled_from(["patient", "source", "all"]), st.integers(0, 1000))
def test_neither_order_nor_names_nor_thinning_twice_change_what_is_kept(
    pool: Path, renamed: Path, hashes: FileHashes, table: pd.DataFrame, within: str, seed: int
):
    config = ThinConfig(within, 40)
    first = thin(Samples(pool, table, classes=("a", "b")), config, hashes)
    shuffled = table.sample(frac=1, random_state=seed)
    again = thin(Samples(pool, shuffled, classes=("a", "b")), config, hashes)
    assert set(again.table["path"]) == set(first.table["path"])
    assert thin(first, config, hashes).table.equals(first.table)
    named = table.assign(path=table["path"].map(NEW_NAMES))
    other = thin(Samples(renamed, named, classes=("a", "b")), config, hashes)
    assert sorted(hashes.of(other.files())) == sorted(hashes.of(first.files()))


def of_one_study(pool: Path, **columns: object) -> Samples:
    table = table_of(POOL, [("train", 0, 0)] * len(POOL))
    return Samples(pool, table.assign(**columns), classes=("a", "b"))


def test_the_notes_count_and_name_what_is_left_out(pool: Path, hashes: FileHashes):
    samples = of_one_study(pool, study=["1"] * (len(POOL) - 2) + [""] * 2)
    copies = thin(samples, ThinConfig("study", 0), hashes)
    assert len(copies) == len(POOL) - (IMAGES - 1)
    first, second = copies.notes
    assert first.startswith(
        "thin: 16 of 20 training images kept (images within a distance of 0 of "
    )
    named = re.search(r"their study are left out: 4, such as (\S+), near (\S+);", first)
    assert named
    assert named[1] not in set(copies.table["path"])
    assert set(named.groups()) in [{f"{image}-2.png", f"{image}-3.png"} for image in range(4)]
    expected = " 2 without a study stand for themselves): an epoch takes 80 % of the steps"
    assert first.endswith(expected)
    # so that it also explains an error that too little is left
    assert any(words in first for words in LEFT_OUT)
    remain = copies.table["label"].value_counts()
    assert second == (
        f"thin: training images that remain: a {remain['a']} of 10, b {remain['b']} of 10; 4 left "
        "out are near one of another class"
    )


def test_nothing_is_left_out_in_silence(pool: Path, hashes: FileHashes):
    samples = of_one_study(pool, patient=POOL)
    kept = thin(samples, ThinConfig("patient", 100), hashes)
    assert kept.table.equals(samples.table)
    assert kept.notes == (
        "thin: all 20 training images kept (none is within a distance of 100 of another one of "
        "their patient)",
    )
    assert thin(samples, ThinConfig(), hashes) is samples
    none = of_one_study(pool, split="val")
    assert thin(none, ThinConfig("all"), hashes) is none


def test_the_steps_are_those_of_all_splits_that_a_stage_trains_on(pool: Path, hashes: FileHashes):
    splits = ["train"] * 10 + ["test"] * 10
    samples = of_one_study(pool, split=splits, patient=splits)
    [note, _] = thin(samples, ThinConfig("all", 0), hashes, SPLITS).notes
    assert note.startswith("thin: 8 of 10 training images kept (images within")
    assert note.endswith("an epoch takes 90 % of the steps")


def test_many_classes_are_summed_up(pool: Path, hashes: FileHashes):
    names = [f"class {number}" for number in range(10)]
    samples = replace(of_one_study(pool), classes=(), table=of_one_study(pool, label="").table)
    assert len(thin(samples, ThinConfig("all", 0), hashes).notes) == 1
    samples = replace(samples, classes=names, table=samples.table.assign(label=names * 2))
    [_, note] = thin(samples, ThinConfig("all", 0), hashes).notes
    assert note.startswith("thin: training images that remain: 50 to 100 % of 10 classes; ")


def test_a_study_must_be_named_where_images_are_compared_in_one(pool: Path, hashes: FileHashes):
    with pytest.raises(DataError, match=r"^data\.thin\.within: no training image of .*; set pati"):
        thin(of_one_study(pool, study=""), ThinConfig("study"), hashes)


def test_a_file_that_holds_no_image_stays_for_whoever_decodes_it(tmp_path: Path):
    for name in ("0.png", "1.png"):
        (tmp_path / name).write_text(f"no image {name}")
    table = table_of(["0.png", "1.png"], [("train", 0, 0)] * 2)
    samples = Samples(tmp_path, table, classes=("a", "b"))
    assert len(thin(samples, ThinConfig("all", 100), FileHashes(tmp_path / "memo"))) == 2


def test_what_was_found_is_kept_and_no_image_is_decoded_twice(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    samples = of_one_study(pool)
    first = thin(samples, ThinConfig("all", 30), FileHashes(tmp_path))
    monkeypatch.setattr(thumbnails, "_thumbnail", pytest.fail)
    other = thin(samples, ThinConfig("all", 60), FileHashes(tmp_path))
    assert len(other) < len(first)
    monkeypatch.setattr("data_modules.thinning.perceptual_hashes", None)
    assert thin(samples, ThinConfig("all", 30), FileHashes(tmp_path)).notes == first.notes
    for memo in tmp_path.glob("thinned_*/*"):
        memo.write_bytes(memo.read_bytes()[:-1])
    with pytest.raises(TypeError):
        thin(samples, ThinConfig("all", 30), FileHashes(tmp_path))


def write_slice(file: Path, png: Path) -> None:
    """A slice of 512 x 512 pixels at the end of a DICOM file, in a lung window."""
    stored = np.frombuffer(file.read_bytes()[-2 * 512**2 :], dtype="<i2").reshape(512, 512)
    grey = np.clip((stored - 1024.0 + 1350) / 1500 * 255, 0, 255)
    Image.fromarray(grey.astype(np.uint8)).save(png)


@pytest.mark.real_data
def test_of_real_slices_3_mm_apart_one_is_left_out(real_data: Path, tmp_path: Path):
    files = sorted((real_data / "dicom" / "chest_series").glob("*.dcm"))
    for file in files:
        write_slice(file, tmp_path / f"{file.stem}.png")
    paths = [f"{file.stem}.png" for file in files]
    samples = Samples(tmp_path, table_of(paths, [("train", 0, 0)] * len(paths)), classes=("a", "b"))
    kept = thin(samples, ThinConfig("study"), FileHashes(tmp_path / "memo"))
    left_out = set(paths) - set(kept.table["path"])
    neighbours = [{"000038.png", "000043.png"}, {"000036.png", "000046.png"}]
    assert [len(left_out & pair) for pair in neighbours] == [1, 1]
    assert len(left_out) == 2


@pytest.mark.real_data
def test_no_real_slice_is_near_one_of_another_person(real_data: Path, hashes: FileHashes):
    samples = load(DataConfig(union=["covid_ct", "luna16_slices"]), real_data)
    kept = [thin(samples, ThinConfig(within, 40), hashes) for within in ("patient", "all")]
    assert len(samples) - len(kept[0]) == 22
    assert kept[0].table.equals(kept[1].table)
    by_default = thin(samples, ThinConfig("patient"), hashes)
    assert len(samples) - len(by_default) == 4
