"""CheXpert: uncertain observations, patients and studies."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
import torchxrayvision
from public_miniatures import write_chexpert

from data_modules.errors import DataError
from data_modules.sets import chexpert

EDEMA = {
    "zeros": ["Edema|Fracture", "|", "|", "Edema|Fracture", "|", "|"],
    "ones": ["Edema|Fracture", "Edema", "|", "Edema|Fracture", "Edema", "|"],
    "ignore": ["Edema|Fracture", "", "|", "Edema|Fracture", "", "|"],
}
"""The labels of the training images: certain, uncertain, absent, twice."""


@pytest.mark.parametrize("policy", chexpert.POLICIES)
def test_uncertain_observations_follow_the_policy(tmp_path: Path, policy: str):
    write_chexpert(tmp_path)
    samples = chexpert.index(tmp_path, uncertain=policy)
    table = samples.table
    assert table["label"][table["split"] == "train"].tolist() == EDEMA[policy]
    ignored = (samples.targets() == -1).all(axis=1)
    assert ignored.sum() == (table["label"] == "").sum() == (3 if policy == "ignore" else 0)
    assert samples.notes[0].startswith(f"uncertain observations (-1): {policy}")
    assert samples.notes[2:] == (
        ("3 images with an uncertain observation are unlabelled",) if policy == "ignore" else ()
    )


def test_patients_studies_and_splits_are_those_of_the_paths(tmp_path: Path):
    write_chexpert(tmp_path)
    samples = chexpert.index(tmp_path)
    assert samples.table["path"].iloc[0] == "train/patient00001/study1/view1_frontal.jpg"
    assert samples.table["patient"].nunique() == 4
    assert samples.table["study"].tolist()[:2] == ["patient00001/study1", "patient00001/study2"]
    assert samples.table["split"].value_counts().to_dict() == {"train": 6, "val": 2}
    assert "No Finding" not in samples.classes


def test_what_is_wrong_is_named(tmp_path: Path):
    write_chexpert(tmp_path)
    with pytest.raises(DataError, match=r"options.uncertain: 'one': did you mean 'ones'"):
        chexpert.index(tmp_path, uncertain="one")
    (tmp_path / "valid" / "patient00009" / "study1" / "view1_frontal.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 8 images .*valid/patient00009/study1/view1_frontal"):
        chexpert.index(tmp_path)
    table = pd.read_csv(tmp_path / "train.csv", dtype=str)
    table.assign(Edema="maybe").to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError, match="'maybe' is none of 1, 0, -1 and empty"):
        chexpert.index(tmp_path)
    table.assign(Path="a.jpg").to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError, match=r"'a.jpg' is not .*patientN/studyN"):
        chexpert.index(tmp_path)


def test_the_real_table_has_the_published_counts(tmp_path: Path):
    """The publisher's train.csv, as TorchXRayVision carries it; valid.csv drawn, no images."""
    write_chexpert(tmp_path)
    packed = Path(torchxrayvision.__file__).parent / "data" / "chexpert_train.csv.gz"
    (tmp_path / "train.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    table = chexpert.listed(tmp_path)
    table = table[table["split"] == "train"]
    assert (len(table), table["patient"].nunique()) == (223414, 64540)
    labels = table["label"].str.split("|").explode()
    assert labels[labels != ""].value_counts().to_dict() == chexpert.IMAGES
