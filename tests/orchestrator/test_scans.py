"""Whole runs on scans: what a run writes of the persons in the tags, and what a model reads."""

from pathlib import Path

import numpy as np
import pytest
from scan_files import chest, write_series, write_slice
from tiny import Load, run_quietly

from matl.orchestrator.plan import make_plan
from matl.trained import load_trained

SECRETS = ("MRN-778", "Quetzal", "Wilhelmina", "19500101", "1.2.999.")
ALONE = ("chain=[diagnosis]", "stages.diagnosis.data.options=null")


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Two classes of twelve persons with three slices each."""
    for number in range(24):
        kind = ("ill", "well")[number % 2]
        write_series(
            tmp_path / "hospital" / kind / f"scan{number:02}",
            [0, 3, 6],
            first_seed=3 * number,
            PatientID=f"MRN-778{number}",
            PatientName=f"Quetzal^Wilhelmina {number}",
            SeriesInstanceUID=f"1.2.999.{number}",
        )
    return tmp_path / "hospital"


def test_a_run_never_writes_who_was_scanned(
    load_tiny: Load, hospital: Path, tmp_path: Path
) -> None:
    data = f"stages.diagnosis.data={{name: folder, root: {hospital}, positive: ill}}"
    experiment = load_tiny(*ALONE, data)
    plan = make_plan(experiment)
    assert plan.chain[-1].samples.table["patient"].nunique() == 24
    _, _, shown = run_quietly(experiment)
    assert not [word for word in SECRETS if word in shown]
    written = [
        file
        for file in tmp_path.rglob("*")
        if file.is_file() and not file.is_relative_to(hospital) and file.name != "tiny.yaml"
    ]
    assert len(written) > 10
    for file in written:
        content = file.read_bytes()
        assert not [word for word in SECRETS if word.encode() in content], file


def test_a_trained_model_reads_scans_as_its_stage_did(
    load_tiny: Load, hospital: Path, tmp_path: Path
) -> None:
    data = f"{{name: folder, root: {hospital}, positive: ill, window: bone}}"
    experiment = load_tiny(*ALONE, f"stages.diagnosis.data={data}")
    run_quietly(experiment)
    (entry,) = [one for one in (tmp_path / "store").iterdir() if (one / "manifest.json").is_file()]
    model = load_trained(entry)
    assert model.manifest.levels == {"HU": "-500.0..1300.0HU"}
    path = write_slice(tmp_path / "new.dcm")
    image = model.read([path])["image"][0, 0].numpy()
    wanted = np.clip((chest().astype(float) + 500) / 1800 * 255, 0, 255)
    np.testing.assert_allclose(image, wanted, atol=1)


def test_three_windows_need_three_channels(load_tiny: Load, hospital: Path) -> None:
    data = f"{{name: folder, root: {hospital}, positive: ill, window: [lung, bone, mediastinum]}}"
    with pytest.raises(Exception, match="3 windows are as many channels"):
        load_tiny(*ALONE, f"stages.diagnosis.data={data}")
