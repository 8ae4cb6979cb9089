"""Whole runs on scans: what a run writes of the persons in the tags, and what a model reads."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_files import chest, write_series, write_slice
from tiny import Load, run_quietly

from matl.evaluation.units import units_of
from matl.files import read_json
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.plan import make_plan
from matl.report.run_files import read_record
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


def test_studies_are_joined_as_asked_and_nothing_is_trained_again(
    load_tiny: Load, tmp_path: Path
) -> None:
    for number in range(40):
        kind = ("ill", "well")[number // 2 % 2]
        write_series(
            tmp_path / "two" / kind / f"scan{number:02}",
            [0, 3],
            first_seed=2 * number,
            PatientID=f"MRN-778{number // 2}",
            SeriesInstanceUID=f"1.2.999.{number}",
        )
    data = f"stages.diagnosis.data={{name: folder, root: {tmp_path / 'two'}, positive: ill}}"
    record, folder, _ = run_quietly(load_tiny(*ALONE, data))
    assert "Each study once, test split" in (folder / "report.md").read_text()
    split = record.scored.splits()[0]
    assert units_of(record.scored, split) == ["image", "study", "patient"]
    again = load_tiny(*ALONE, data, "stages.diagnosis.join=max")
    other, second, _ = run_quietly(again)
    assert [one.fingerprint for one in other.stages] == [one.fingerprint for one in record.stages]
    assert len([*(tmp_path / "store").glob("*/manifest.json")]) == len(record.stages)
    kept = read_record(second)
    assert kept.scored.join == "max"
    images, studies = (
        kept.scored.tables(split, unit)["from scratch"] for unit in ("image", "study")
    )
    highest = images.groupby("study")["score"].max()
    assert studies.set_index("study")["score"].to_dict() == pytest.approx(highest.to_dict())
    numbers = read_json((second / "metrics.json").read_bytes())
    rows = [one for one in numbers["by_study"] if one["split"] == split]
    assert {one["images"] for one in rows} == {len(studies)}
    assert numbers["joined"] == {"by": "max", "mixed": []}
    assert "highest of its images' scores" in (second / "report.md").read_text()
    page = (second / "report.html").read_text()
    assert "By study" in page
    found, report = evaluate_external(
        second, f"folder:{tmp_path / 'two'}", "ill", "matl evaluate", None
    )
    assert (found.scored.join, units_of(found.scored, "test")[1]) == ("max", "study")
    assert "Each study once" in (report / "report.md").read_text()


def test_a_model_looks_at_other_scans_with_the_spacing_of_its_training(
    load_tiny: Load, hospital: Path, tmp_path: Path
) -> None:
    data = f"{{name: folder, root: {hospital}, positive: ill, options: {{spacing: 1.0}}}}"
    _, folder, _ = run_quietly(load_tiny(*ALONE, f"stages.diagnosis.data={data}"))
    (entry,) = [one for one in (tmp_path / "store").iterdir() if (one / "manifest.json").is_file()]
    model = load_trained(entry)
    assert model.manifest.spacing == 1.0
    ill = tmp_path / "elsewhere" / "ill" / "a.dcm"
    fine = write_slice(ill, chest(0, 96), PixelSpacing=[0.25, 0.25])
    write_slice(tmp_path / "elsewhere" / "well" / "b.dcm", chest(1), SeriesInstanceUID="1.2.8")
    image = model.read([fine])["image"][0, 0].numpy()
    assert image.shape == (37, 37)
    assert not image[:4].any()  # 24 of 32 mm are of the slice
    assert image[18, 18] > 100
    found, _ = evaluate_external(folder, f"folder:{tmp_path / 'elsewhere'}", "ill", "matl evaluate")
    assert any("2 slices are looked at with 1 mm per pixel" in note for note in found.notes)
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="states no spacing, and is to be looked at with 1 mm"):
        model.read([tmp_path / "a.png"])
