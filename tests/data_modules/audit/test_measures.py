"""What is measured of an image, and what is said of faulty ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_modules.audit.image_findings import image_findings
from data_modules.audit.looks import look_at
from data_modules.audit.measures import MEASURES, TEXTS
from data_modules.samples import Samples


def measured(folder: Path, name: str, image: np.ndarray) -> pd.Series:
    file = folder / name
    Image.fromarray(image).save(file)
    [look] = look_at([str(file)])
    assert look is not None
    return pd.Series(look.measures, index=list(MEASURES))


def test_size_file_and_grey_levels(tmp_path: Path) -> None:
    image = np.full((100, 200), 200, np.uint8)
    image[:, :50] = 0
    found = measured(tmp_path, "a.png", image)
    assert (found["suffix"], found["mode"]) == (".png", "L")
    assert np.exp([found["height"], found["width"]]) == pytest.approx([100, 200])
    assert found["mean"] == pytest.approx(150)
    assert found["black"] == pytest.approx(0.25)
    assert found["bytes_per_pixel"] == (tmp_path / "a.png").stat().st_size / 20_000
    assert found["entropy"] == pytest.approx(-0.25 * np.log2(0.25) - 0.75 * np.log2(0.75))
    assert measured(tmp_path, "b.jpg", image)["suffix"] == ".jpg"


def test_borders_on_each_side(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 100), dtype=np.uint8)
    image[:20] = 255
    image[:, 90:] = 0
    image[:20, 90:] = 255
    found = measured(tmp_path, "a.png", image)
    sides = [found[f"border_{side}"] for side in ("top", "bottom", "left", "right")]
    assert sides == pytest.approx([0.2, 0, 0, 0], abs=0.01)
    image[:20] = 0
    assert measured(tmp_path, "b.png", image)["border_right"] == pytest.approx(0.1, abs=0.01)


def test_marks_and_colours(tmp_path: Path) -> None:
    image = np.full((200, 200, 3), 90, np.uint8)
    assert measured(tmp_path, "a.png", image)["marks"] == 0
    for column in (20, 60, 100):
        image[20:28, column : column + 5] = 255
    image[100:200, :] = 255  # a white half is no mark
    image[150:170, 10:30] = (255, 0, 0)
    found = measured(tmp_path, "b.png", image)
    assert found["marks"] == 3
    assert found["colour"] == pytest.approx(400 / 40_000)


def test_faulty_images_are_named() -> None:
    usual = dict.fromkeys(MEASURES, 6.0) | {"mean": 100.0, "deviation": 50.0, "suffix": ".png"}
    faulty = [
        usual,
        dict.fromkeys(MEASURES, np.nan),
        usual | {"deviation": 1.0},
        usual | {"mean": 3.0},
        usual | {"height": 9.0},
        *[usual] * 5,
    ]
    names = [f"{number}.png" for number in range(len(faulty))]
    table = pd.DataFrame({"path": names, "patient": names, "label": "", "study": "", "source": "s"})
    samples = Samples(Path("scans"), table.assign(split="train"))
    measures = pd.DataFrame(faulty, columns=list(MEASURES)).astype(dict.fromkeys(TEXTS, object))
    boxed = np.array([True] * 9 + [False])
    found = {
        one.kind: one.rows["path"].tolist() for one in image_findings(samples, measures, boxed)
    }
    assert found == {
        "unreadable": ["1.png"],
        "no_contrast": ["2.png"],
        "dark_or_light": ["3.png"],
        "odd_size": ["4.png"],
        "no_lungs": ["9.png"],
    }
    kinds = [one.kind for one in image_findings(samples, measures, ~boxed)]
    assert "no_lungs" not in kinds
