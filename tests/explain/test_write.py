"""The folder of an explanation, from evidence made by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence import evidence, frame
from PIL import Image

from matl.explain.write import write_explanation


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    write_explanation(evidence(), folder)
    return folder


def test_numbers_name_their_split_class_and_interval(written: Path) -> None:
    found = json.loads((written / "explain.json").read_text())
    assert (found["split"], found["positive"], found["seeds"]) == ("test", "ill", 1)
    assert (found["images"], found["patients"], found["without_lung_field"]) == (24, 8, 1)
    whole = [r for r in found["attribution"] if r["label"] == r["outcome"] == "all"]
    assert {(r["method"], r["images"], r["empty"]) for r in whole} == {
        ("grad_cam", 22, 1),
        ("attention_16", 23, 0),
    }
    assert {row["method"] for row in found["pointing"]["results"]} == {"grad_cam", "attention_16"}
    assert found["pointing"]["tolerance_pixels"] == 1
    [pair] = found["cka"]["results"]
    assert (pair["first"], pair["second"], pair["stride"]) == ("stage0", "stage1", 2)


def test_the_table_holds_every_image_and_the_shares_of_the_numbers(written: Path) -> None:
    rows = pd.read_csv(written / "attribution.csv")
    assert list(rows["image"]) == list(frame()["image"])
    assert rows["lung_share"].isna().sum() == 1
    assert rows["grad_cam"].isna().sum() == 2
    found = json.loads((written / "explain.json").read_text())["attribution"]
    for row in found:
        chosen = rows[rows["lung_share"].notna() & rows[row["method"]].notna()]
        for key in ("label", "outcome"):
            chosen = chosen if row[key] == "all" else chosen[chosen[key] == row[key]]
        assert len(chosen) == row["images"]
        assert row["share"]["value"] == pytest.approx(chosen[row["method"]].mean(), rel=1e-4)
        assert row["lungs"]["value"] == pytest.approx(chosen["lung_share"].mean(), rel=1e-4)


def test_the_cases_of_the_sheet_are_numbered_in_the_table(written: Path) -> None:
    rows = pd.read_csv(written / "attribution.csv").dropna(subset="case")
    assert sorted(rows["case"]) == list(range(1, len(rows) + 1))
    groups = rows.groupby(["label", "outcome"]).size()
    assert groups.max() <= 3


@pytest.mark.parametrize(("channels", "wrong"), [(1, 0.4), (3, 0.0)])
def test_figures_are_drawn_for_grey_and_colour_and_without_wrong_ones(
    tmp_path: Path, channels: int, wrong: float
) -> None:
    write_explanation(evidence(channels, wrong), tmp_path)
    for name in ("overlays.png", "cka.png", "embeddings.png"):
        pixels = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        assert min(pixels.shape[:2]) > 300
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_what_was_not_measured_is_not_written(tmp_path: Path) -> None:
    write_explanation(evidence(), tmp_path)
    write_explanation(evidence(lesions=False, networks=1), tmp_path)
    found = json.loads((tmp_path / "explain.json").read_text())
    assert "pointing" not in found
    assert "cka" not in found
    assert not (tmp_path / "cka.png").exists()
    text = (tmp_path / "explain.md").read_text()
    assert "Pointing" not in text
    assert "CKA" not in text


def test_no_patient_and_no_place_of_the_machine_is_named(written: Path) -> None:
    for name in ("explain.md", "explain.json", "attribution.csv"):
        text = (written / name).read_text()
        assert "Jane Doe" not in text
        assert "/home" not in text


def test_the_same_evidence_gives_the_same_files(written: Path, tmp_path: Path) -> None:
    write_explanation(evidence(), tmp_path)
    for file in written.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()
