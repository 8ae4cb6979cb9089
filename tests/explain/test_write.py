"""The folder of an explanation, from evidence made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from matl.explain.embeddings import embed
from matl.explain.evidence import Diagnosis, Evidence, Pictures
from matl.explain.overlays import case_numbers, choose_cases, overlay_figure
from matl.explain.write import write_explanation

SIZE = (37, 50)
IMAGES = 24


def frame(wrong: float = 0.4) -> pd.DataFrame:
    """Three images a patient; the last patient of each class is right."""
    random = np.random.default_rng(0)
    patients = np.arange(IMAGES) // 3
    label = np.where(patients % 2, "ill", "well")
    right = random.random(IMAGES) >= wrong
    ill = (label == "ill") == right
    return pd.DataFrame(
        {
            "image": [f"scans/a, {number}$.png" for number in range(IMAGES)],
            "source": "hospital",
            "patient": [f"Jane Doe {patient}" for patient in patients],
            "label": label,
            "outcome": np.where(right, "right", "wrong"),
            "score": np.where(ill, 0.8, 0.2) + 0.01 * random.random(IMAGES),
        }
    )


def evidence(
    channels: int = 1, wrong: float = 0.4, lesions: bool = True, networks: int = 2
) -> Evidence:
    random = np.random.default_rng(1)
    fields = random.random((IMAGES, *SIZE)) < 0.3
    fields[5] = False
    maps = {
        "grad_cam": random.random((IMAGES, 2, 2)).astype(np.float32),
        "attention_16": random.random((IMAGES, 3, 4)).astype(np.float32),
    }
    maps["grad_cam"][7] = 0
    names = [f"stage{number}" for number in range(networks)]
    return Evidence(
        experiment="by hand",
        command="matl explain /home/jane/runs/by_hand",
        split="test",
        positive="ill",
        negative="well",
        seed=3,
        pictures=Pictures(
            images=random.integers(0, 256, (IMAGES, channels, *SIZE), dtype=np.uint8),
            fields=fields,
            lesions=random.random((IMAGES, *SIZE)) < 0.05 if lesions else None,
        ),
        diagnoses={"chain": Diagnosis(frame(wrong), maps, names[-1])},
        networks={name: {2: random.normal(size=(IMAGES, 6))} for name in names},
        methods={"grad_cam": "where it looks", "attention_16": "what it reads"},
        notes=["See /home/jane/notes.txt."],
    )


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


def test_the_title_fits_a_narrow_sheet() -> None:
    made = evidence()
    shown = made.diagnoses["chain"]
    narrow = replace(shown, maps={"grad_cam": shown.maps["grad_cam"]})
    cases = choose_cases(narrow.table, made.classes)
    figure = overlay_figure(cases, narrow, made.pictures, "a title", "a class with a long name")
    figure.draw_without_rendering()
    [title] = [text for text in figure.texts if "a title" in text.get_text()]
    assert title.get_window_extent().width < figure.bbox.width


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


def test_cases_are_as_many_right_as_wrong_ones_of_different_patients() -> None:
    table = pd.concat([frame(), frame().assign(source="other")], ignore_index=True)
    cases = choose_cases(table, ("ill", "well"), seed=1, each=2)
    assert {group: len(rows) for group, rows in cases.items()} == {
        (label, outcome): 2 for label in ("ill", "well") for outcome in ("right", "wrong")
    }
    for (label, outcome), rows in cases.items():
        chosen = table.loc[rows]
        assert set(chosen["label"]) == {label}
        assert set(chosen["outcome"]) == {outcome}
        assert len(chosen.drop_duplicates(["source", "patient"])) == len(chosen)
    assert sorted(case_numbers(cases).values()) == list(range(1, 9))


def test_cases_follow_from_the_seed_and_not_from_the_scores() -> None:
    table = frame()
    cases = choose_cases(table, ("ill", "well"), seed=1)
    assert cases == choose_cases(table.assign(score=0.5), ("ill", "well"), seed=1)
    others = [choose_cases(table, ("ill", "well"), seed=seed) for seed in range(2, 8)]
    assert any(other != cases for other in others)


def test_cases_of_an_empty_group_are_none() -> None:
    cases = choose_cases(frame(wrong=0.0), ("ill", "well"))
    assert cases["ill", "wrong"] == []
    assert len(cases["ill", "right"]) == 3


def test_an_embedding_keeps_neighbours_and_follows_from_the_seed() -> None:
    random = np.random.default_rng(0)
    group = np.arange(40) % 2
    features = random.normal(size=(40, 20)) + 30 * group[:, None]
    places = embed(features, seed=4)
    assert np.array_equal(places, embed(features, seed=4))
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(40)
    assert (group[distances.argmin(axis=1)] == group).all()
