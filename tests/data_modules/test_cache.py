"""The cache decodes once, survives kills, and names every bad image."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_modules.cache import ImageCache, build_cache
from data_modules.digest import content_digest
from data_modules.errors import DataError
from data_modules.samples import Samples

SIZE = (8, 10)
"""Each image, 12 x 20, is stored for it as 9 x 15: 8 rows, and 1.15 times as many."""
STORED = (9, 15)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return make_samples(tmp_path / "data", 300)


def make_samples(root: Path, count: int) -> Samples:
    root.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (count, 12, 20), dtype=np.uint8)
    names = [f"{number}.png" for number in range(count)]
    for name, pixels in zip(names, noise, strict=True):
        Image.fromarray(pixels).save(root / name)
    columns = {"path": names, "label": "x", "patient": names, "study": "", "source": "toy"}
    table = pd.DataFrame(columns).assign(split="train")
    return Samples(root, table, classes=("x",))


class Count:
    """A progress callback that remembers how far it came."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))


def pixels(cache: ImageCache) -> np.ndarray:
    return cache.images.padded(np.arange(len(cache)))


def caches(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def test_images_are_decoded_once_in_the_tables_order(samples: Samples, tmp_path: Path):
    first, again = Count(), Count()
    kept, cache = build_cache(samples, SIZE, 1, tmp_path / "cache", progress=first)
    _, reopened = build_cache(samples, SIZE, 1, tmp_path / "cache", progress=again)
    assert kept is samples
    np.testing.assert_array_equal(cache.images.shapes, [[1, *STORED]] * 300)
    assert cache.images[0].dtype == np.uint8
    assert not cache.images[0].flags.writeable
    np.testing.assert_array_equal(cache.sizes, [[12, 20]] * 300)
    for row in (0, 157, 299):
        with Image.open(samples.files()[row]) as image:
            expected = image.resize(STORED[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(cache.images[row][0], expected)
    np.testing.assert_array_equal(pixels(reopened), pixels(cache))
    assert first.calls[-1] == (300, 300)
    assert again.calls == []


def test_the_key_is_content_size_and_channels(samples: Samples, tmp_path: Path):
    def folder(samples: Samples, size: tuple[int, int] = SIZE, channels: int = 1) -> Path:
        return build_cache(samples, size, channels, tmp_path / "cache")[1].folder

    relabelled = replace(samples, table=samples.table.assign(label="", split="test"))
    assert folder(relabelled) == folder(samples)
    assert len({folder(samples), folder(samples, (10, 8)), folder(samples, SIZE, 3)}) == 3
    padded = build_cache(samples, SIZE, 1, tmp_path / "padded", fit="pad")[1].folder
    assert padded.name != folder(samples).name
    Image.new("L", (5, 5)).save(samples.files()[7])
    assert folder(samples) not in (folder(samples, (10, 8)), folder(samples, SIZE, 3))
    assert len(caches(tmp_path / "cache")) == 6


def test_a_known_content_digest_saves_a_look_at_the_files(samples: Samples, tmp_path: Path):
    folder = tmp_path / "cache"
    content = content_digest(samples, folder)
    _, first = build_cache(samples, SIZE, 1, folder, content=content)
    assert build_cache(samples, SIZE, 1, folder)[1].folder == first.folder
    for file in samples.files():
        file.unlink()
    _, opened = build_cache(samples, SIZE, 1, folder, content=content)
    np.testing.assert_array_equal(pixels(opened), pixels(first))


def test_images_that_changed_since_their_digest_are_not_cached(samples: Samples, tmp_path: Path):
    folder = tmp_path / "cache"
    content = content_digest(samples, folder)
    Image.new("L", (5, 5)).save(samples.files()[7])
    with pytest.raises(DataError, match="images have changed meanwhile; run the command again"):
        build_cache(samples, SIZE, 1, folder, content=content)
    assert caches(folder) == []


def test_every_bad_image_is_listed_and_nothing_is_left(samples: Samples, tmp_path: Path):
    files = samples.files()
    files[3].write_bytes(b"")
    files[200].write_bytes(files[200].read_bytes()[:60])
    files[250].write_text("no image")
    with pytest.raises(DataError, match="3 of 300 images cannot be used") as caught:
        build_cache(samples, SIZE, 1, tmp_path / "cache")
    listed = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]]
    assert listed == ["3.png", "200.png", "250.png"]
    assert caches(tmp_path / "cache") == []


def test_bad_images_are_left_out_and_counted(samples: Samples, tmp_path: Path):
    samples.files()[3].write_bytes(b"")
    kept, cache = build_cache(samples, SIZE, 1, tmp_path / "cache", on_bad_image="skip")
    assert len(kept) == len(cache) == len(cache.sizes) == 299
    assert "3.png" not in set(kept.table["path"])
    [note] = kept.notes
    assert note.startswith("WARNING: 1 of 300 images are left out, such as 3.png: is no image")
    with Image.open(kept.files()[3]) as image:
        expected = image.resize(STORED[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(cache.images[3][0], expected)
    with pytest.raises(DataError, match=r"1 of 300 images(.|\n)*3\.png"):
        build_cache(samples, SIZE, 1, tmp_path / "cache", on_bad_image="stop")


def test_no_readable_image_and_no_image_at_all_are_errors(samples: Samples, tmp_path: Path):
    one = samples.subset(np.arange(300) == 3)
    one.files()[0].write_bytes(b"")
    with pytest.raises(DataError, match="1 of 1 images"):
        build_cache(one, SIZE, 1, tmp_path / "cache", on_bad_image="skip")
    with pytest.raises(DataError, match="no images"):
        build_cache(samples.subset(np.zeros(300)), SIZE, 1, tmp_path / "cache")


@pytest.mark.parametrize(
    "damage", ["short", "no meta", "broken meta", "no array", "zeros", "a bit", "meta", "no digest"]
)
def test_a_damaged_cache_is_rebuilt(samples: Samples, tmp_path: Path, damage: str):
    _, cache = build_cache(samples, SIZE, 1, tmp_path / "cache")
    expected = pixels(cache)
    if damage == "short":
        os.truncate(cache.folder / "array.u8", 1000)
    elif damage == "zeros":
        (cache.folder / "array.u8").write_bytes(bytes(expected.nbytes))
    elif damage == "a bit":
        whole = bytearray((cache.folder / "array.u8").read_bytes())
        whole[-1] ^= 4
        (cache.folder / "array.u8").write_bytes(whole)
    elif damage == "meta":
        text = (cache.folder / "meta.json").read_text()
        (cache.folder / "meta.json").write_text(text.replace("20", "21", 1))
    elif damage == "no digest":
        (cache.folder / "digest").unlink()
    elif damage == "broken meta":
        (cache.folder / "meta.json").write_text('{"shapes": [3')
    else:
        (cache.folder / ("meta.json" if damage == "no meta" else "array.u8")).unlink()
    if damage not in ("zeros", "a bit", "meta", "no digest"):
        with pytest.raises(DataError, match="no whole image cache"):
            ImageCache(cache.folder)
    _, rebuilt = build_cache(samples, SIZE, 1, tmp_path / "cache")
    np.testing.assert_array_equal(pixels(rebuilt), expected)


def test_a_cache_pickles_as_its_folder(samples: Samples, tmp_path: Path):
    _, cache = build_cache(samples, SIZE, 1, tmp_path / "cache")
    text = pickle.dumps(cache)
    assert len(text) < 1000
    np.testing.assert_array_equal(pixels(pickle.loads(text)), pixels(cache))


def test_derived_arrays_are_computed_once_for_each_version(samples: Samples, tmp_path: Path):
    _, cache = build_cache(samples, SIZE, 3, tmp_path / "cache")
    calls: list[int] = []

    def dark(image: np.ndarray) -> np.ndarray:
        calls.append(1)
        return (image[0] < 100).astype(np.uint8)

    first = cache.derived("dark", 1, dark)
    np.testing.assert_array_equal(first.padded(np.arange(300)), pixels(cache)[:, 0] < 100)
    _, reopened = build_cache(samples, SIZE, 3, tmp_path / "cache")
    reopened.derived("dark", 1, dark)
    assert len(calls) == 300
    cache.derived("dark", 2, dark)
    assert len(calls) == 600


@pytest.mark.parametrize(
    "extractor",
    [
        lambda image: image[0].astype(np.float32),
        lambda image: image[0] if image[0, 0, 0] % 3 else image[0, 0],
    ],
    ids=["dtype", "axes"],
)
def test_a_wrong_extractor_leaves_nothing_behind(samples: Samples, tmp_path: Path, extractor):
    _, cache = build_cache(samples, SIZE, 1, tmp_path / "cache")
    with pytest.raises(ValueError, match="not uint8"):
        cache.derived("wrong", 1, extractor)
    assert caches(cache.folder) == []


BUILD = """
    import os, signal, sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_cache import SIZE, Samples, build_cache, pd
    root, folder = Path(sys.argv[1]), Path(sys.argv[2])
    columns = dict(label="x", patient="p", study="", source="toy", split="train")
    names = [f"{{number}}.png" for number in range(300)]
    samples = Samples(root, pd.DataFrame(dict(path=names, **columns)), classes=("x",))
    def progress(done, total):
        {action}
    def extractor(image):
        return image
    _, cache = build_cache(samples, SIZE, 1, folder, progress={build})
    cache.derived("same", 1, extractor, progress)
"""


def start(samples: Samples, folder: Path, action: str, build: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(BUILD).format(
        tests=str(Path(__file__).parent), action=action, build=build
    )
    command = [sys.executable, "-c", code, str(samples.root), str(folder)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE)


@pytest.mark.parametrize("build", ["progress", "None"], ids=["images", "derived"])
def test_a_killed_build_is_done_again(samples: Samples, tmp_path: Path, build: str):
    process = start(samples, tmp_path / "cache", "os.kill(os.getpid(), signal.SIGKILL)", build)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert list((tmp_path / "cache").rglob("*.partial"))

    _, cache = build_cache(samples, SIZE, 1, tmp_path / "cache")
    same = cache.derived("same", 1, lambda image: image)
    _, clean = build_cache(samples, SIZE, 1, tmp_path / "clean")
    np.testing.assert_array_equal(pixels(cache), pixels(clean))
    np.testing.assert_array_equal(same.padded(np.arange(300)), pixels(clean))
    assert not list((tmp_path / "cache").rglob("*.partial"))


def test_what_a_killed_build_of_another_size_left_is_removed(samples: Samples, tmp_path: Path):
    action = "os.kill(os.getpid(), signal.SIGKILL)"
    start(samples, tmp_path / "cache", action, "progress").communicate()
    assert list((tmp_path / "cache").glob("*.partial"))
    build_cache(samples, (4, 4), 1, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_of_two_processes_one_builds_and_both_use_it(samples: Samples, tmp_path: Path):
    action = "print(done, flush=True); time.sleep(0.1)"
    both = [start(samples, tmp_path / "cache", action, "progress") for _ in range(2)]
    printed = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    finished = [line for lines in printed for line in lines if line == "300"]
    assert len(finished) == 2, "the images once and the derived array once"


@pytest.mark.real_data
def test_real_images_of_each_data_set(real_data: Path, tmp_path: Path):
    files = [
        file
        for pattern in ("natural_images/val/n0*", "covid_ct/Images-processed/*", "luna16_slices")
        for folder in sorted(real_data.glob(pattern))[:4]
        for file in sorted(path for path in folder.rglob("*") if path.suffix != ".csv")[:5]
    ]
    names = [file.relative_to(real_data).as_posix() for file in files]
    columns = {"path": names, "label": "", "patient": names, "study": "", "source": "real"}
    samples = Samples(real_data, pd.DataFrame(columns).assign(split="train"))
    kept, cache = build_cache(samples, (48, 64), 3, tmp_path)
    assert len(kept) == len(files) >= 15
    sides = cache.images.shapes[:, 1:] / [48, 64]
    own = np.minimum(cache.sizes / [48, 64], 1.15).min(axis=1)
    np.testing.assert_allclose(sides.min(axis=1), own, atol=0.02)
    aspects = cache.images.shapes[:, 1] / cache.images.shapes[:, 2]
    np.testing.assert_allclose(aspects, cache.sizes[:, 0] / cache.sizes[:, 1], rtol=0.03)
    assert all(image.std() > 5 for image in cache.images)


def test_images_without_contrast_are_warned_of(samples: Samples, tmp_path: Path):
    Image.new("L", (20, 12), 15).save(samples.files()[7])
    for _ in range(2):
        kept, _ = build_cache(samples, SIZE, 1, tmp_path / "cache")
        assert kept.notes == (
            "WARNING: 1 of 300 images have hardly any contrast (fewer than 16 of 256 grey "
            "levels), such as 7.png",
        )


def test_images_of_any_shape_keep_it_and_a_strip_is_no_scan(samples: Samples, tmp_path: Path):
    Image.new("L", (140, 12)).save(samples.files()[3])
    Image.new("L", (5, 4)).save(samples.files()[4])
    kept, cropped = build_cache(samples, SIZE, 1, tmp_path / "cache", on_bad_image="skip")
    assert len(kept) == 299
    assert cropped.images[3].shape == (1, 4, 5), "nothing is enlarged"
    with pytest.raises(DataError, match=r"3\.png: is 140 x 12 pixels, of which 10 x 8 would show"):
        build_cache(samples, SIZE, 1, tmp_path / "cache")
    _, padded = build_cache(samples, SIZE, 1, tmp_path / "cache", fit="pad")
    assert padded.images[3].shape == (1, 1, 11)
    assert padded.images[0].shape == (1, 7, 12)
    _, stretched = build_cache(samples, SIZE, 1, tmp_path / "cache", fit="stretch")
    np.testing.assert_array_equal(stretched.images.shapes, [[1, *SIZE]] * 300)
