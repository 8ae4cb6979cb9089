"""Files to predictions, from Python."""

import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from three_classes import CLASSES, draw_classes

import matl
from matl.errors import MatlError
from matl.evaluation.statistics.calibration import apply_temperature
from matl.names import SCORES
from matl.orchestrator.finished_run import read_run, stage_folder
from matl.spreadsheet import read_csv


def stored(run: Path, split: str = "test") -> pd.DataFrame:
    """The run's own scores of a split."""
    scores = pd.read_csv(run / "predictions.csv")
    return scores[(scores["model"] == "chain") & (scores["split"] == split)]


def test_scores_and_temperature_are_those_of_the_run(finished: Path, place: Path) -> None:
    own = stored(finished).set_index("image")
    found = matl.predict(finished, place / "lungs" / "test")
    images = found.images.assign(
        image=[str(Path(one).relative_to(place / "lungs")) for one in found.images["image"]]
    ).set_index("image")
    assert set(images.index) == set(own.index)
    np.testing.assert_allclose(images.loc[own.index, "score"], own["score"], atol=1e-6)
    assert own["score"].std() > 0.01
    called = np.where(own["score"] >= 0.5, "mild", "normal")
    assert (images.loc[own.index, "class"] == called).all()
    calibrations = json.loads((finished / "metrics.json").read_text())["calibration"]
    temperature = next(one for one in calibrations if one["model"] == "chain")["temperature"]
    assert found.about["temperature"] == pytest.approx(temperature)
    calibrated = apply_temperature(own["score"].to_numpy(), temperature)
    np.testing.assert_allclose(images.loc[own.index, "calibrated"], calibrated, atol=1e-5)


def test_a_copied_stage_predicts_alone(finished: Path, tmp_path: Path, scans: Path) -> None:
    run = read_run(finished)
    copy = tmp_path / "copy"
    shutil.copytree(stage_folder(finished), copy)
    shutil.copytree(run.store.entry(run.diagnoses["chain"]), tmp_path / "again")
    by_run = matl.predict(finished, scans)
    pd.testing.assert_frame_equal(matl.predict(copy, scans).images, by_run.images)
    (copy / SCORES).unlink()
    bare = matl.predict(copy, scans)
    assert "calibrated" not in bare.images
    assert any("not calibrated" in note and SCORES in note for note in bare.notes)
    (tmp_path / "again" / SCORES).write_text("image\n")
    with pytest.raises(MatlError, match=r"scores\.csv: is damaged"):
        matl.predict(tmp_path / "again", scans)


def test_labels_and_folders_never_change_a_prediction(
    finished: Path, tmp_path: Path, scans: Path
) -> None:
    files = sorted((scans / "test" / "mild").iterdir())
    plain = matl.predict(finished, files).images["score"]
    for label in ("normal", "mild"):
        for file in files:
            there = tmp_path / label / "test" / label / file.name
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, there)
        in_folder = matl.predict(finished, tmp_path / label).images["score"]
        np.testing.assert_array_equal(in_folder, plain)
        table = pd.DataFrame({"path": [file.name for file in files], "label": label})
        table.to_csv(files[0].parent / "list.csv", index=False)
        listed = matl.predict(finished, files[0].parent / "list.csv")
        np.testing.assert_array_equal(listed.images["score"], plain)
        assert any("passed over: label" in note for note in listed.notes)


def test_an_ensemble_is_the_mean_of_its_models(finished: Path, other: Path, scans: Path) -> None:
    both = matl.predict([finished, other], scans)
    own = [matl.predict(one, scans).images["score"] for one in (finished, other)]
    np.testing.assert_allclose(both.images["score"], np.mean(own, axis=0))
    assert not np.allclose(*own)
    validated = [stored(one, "val").set_index("image")["score"] for one in (finished, other)]
    sets = matl.predict([finished, other], scans, coverage=0.9).about["coverage"]
    mean = np.mean(validated, axis=0)
    label = stored(finished, "val")["label"].to_numpy()
    assert sets["largest_non_conformity"] == pytest.approx(np.abs(label - mean).max())


def test_models_of_different_images_are_not_calibrated_together(
    finished: Path, train: Callable[..., Path], tmp_path: Path, scans: Path
) -> None:
    """Their validation images may have the same names."""
    words = (
        "chain=[diagnosis]",
        "stages.diagnosis.epochs=1",
        f"stages.diagnosis.data.root={scans}",
    )
    both = matl.predict([finished, train(*words)], scans / "test")
    assert "calibrated" not in both.images
    assert any("not calibrated: the models were trained and vali" in note for note in both.notes)
    with pytest.raises(MatlError, match=r"--coverage 0\.5: the models were trained and validated"):
        matl.predict([finished, train(*words)], scans, coverage=0.5)


def test_models_that_do_not_belong_together_are_refused(
    finished: Path, multi_class: Path, place: Path, scans: Path
) -> None:
    with pytest.raises(MatlError, match=r"tells mild, normal, severe apart, and .* mild from norm"):
        matl.predict([finished, multi_class], scans)
    with pytest.raises(MatlError, match="a model is named twice"):
        matl.predict([finished, stage_folder(finished)], scans)
    run = read_run(finished)
    parent = run.store.manifest(run.diagnoses["chain"]).parent
    with pytest.raises(MatlError, match="is the stage shapes, which is no diagnosis"):
        matl.predict(run.store.entry(str(parent)), scans)


def test_a_table_names_patients_and_studies(finished: Path, tmp_path: Path, scans: Path) -> None:
    names = [f"test/{kind}/test{n}.png" for kind in ("normal", "mild") for n in range(3)]
    rows = {"path": names, "patient": ["a", "a", "a", "b", "b", ""], "study": [*"112233"]}
    pd.DataFrame(rows).to_csv(scans / "list.csv", index=False)
    found = matl.predict(finished, scans / "list.csv", tmp_path / "out")
    score = found.images["score"].to_numpy()
    assert list(found.images["image"]) == [str(scans / name) for name in names]
    assert found.patients is not None
    assert list(found.patients["patient"]) == ["a", "b"]
    assert list(found.patients["images"]) == [3, 2]
    np.testing.assert_allclose(found.patients["score"], [score[:3].mean(), score[3:5].mean()])
    assert found.studies is not None
    keys = found.studies[["patient", "study"]].to_numpy().tolist()
    assert keys == [["a", "1"], ["a", "2"], ["b", "2"], ["b", "3"], ["", "3"]]
    assert any("1 of 6 files name no patient" in note for note in found.notes)
    for name, table in (("patients.csv", found.patients), ("studies.csv", found.studies)):
        written = read_csv((tmp_path / "out" / name).read_bytes(), dtype={"study": str})
        pd.testing.assert_frame_equal(written, table)
    matl.predict(finished, scans / "test", tmp_path / "out")
    assert not (tmp_path / "out" / "patients.csv").exists()


def test_sets_of_possible_classes_and_abstentions(finished: Path, scans: Path) -> None:
    found = matl.predict(finished, scans, coverage=0.9)
    val = stored(finished, "val")
    calibration = np.abs(val["label"] - val["score"]).to_numpy()
    assert len(calibration) == 10
    for row in found.images.itertuples():
        possible = []
        for name, probability in (("normal", 1 - row.score), ("mild", row.score)):
            as_odd = (calibration >= 1 - probability - 1e-12).sum() + 1
            possible += [name] if as_odd / 11 > 0.1 - 1e-12 else []
        assert row.possible == "|".join(possible)
        assert (row.abstains == "") == (len(possible) == 1)
    assert any("with these 10 persons it is between 69% and 100% (95 %)" in n for n in found.notes)
    with pytest.raises(MatlError) as error:
        matl.predict(finished, scans, coverage=0.95)
    assert "needs the validation scores of at least 19 persons, and there are 10" in str(
        error.value
    )
    with pytest.raises(MatlError, match="is a share between 0 and 1"):
        matl.predict(finished, scans, coverage=90)


def test_every_class_of_a_multi_class_diagnosis_has_a_score(
    multi_class: Path, tmp_path: Path
) -> None:
    scans = draw_classes(tmp_path / "scans")
    found = matl.predict(multi_class, scans / "test", tmp_path / "out", coverage=0.9)
    columns = [f"score_{name}" for name in CLASSES]
    np.testing.assert_allclose(found.images[columns].sum(axis=1), 1, atol=1e-6)
    likeliest = np.array(CLASSES)[found.images[columns].to_numpy().argmax(axis=1)]
    assert (found.images["class"] == likeliest).all()
    assert any("not calibrated: a temperature is fitted for two" in note for note in found.notes)
    assert json.loads((tmp_path / "out" / "predictions.json").read_text())["threshold"] is None
    with pytest.raises(MatlError, match=r"--explain: .* the diagnosis is multi-class"):
        matl.predict(multi_class, scans, tmp_path / "out", explain=True)


def test_overlays_show_each_image_beside_its_map(
    finished: Path, other: Path, scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = matl.predict(finished, scans / "test", out, explain=True)
    assert len(found.images) == len([*(out / "overlays").iterdir()]) == 16
    for path, name in zip(found.images["image"], found.images["overlay"], strict=True):
        picture = np.asarray(Image.open(out / name)).astype(int)
        assert picture.shape == (32, 64, 3)
        assert np.abs(picture[:, :32, 0] - np.asarray(Image.open(path))).max() <= 1
    coloured = [
        np.ptp(np.asarray(Image.open(out / n))[:, 32:].astype(int), axis=2).max()
        for n in found.images["overlay"]
    ]
    empty = sum(one == 0 for one in coloured)
    assert empty < 16
    assert any(f"{empty} of 16 maps are empty" in note for note in found.notes) == (empty > 0)
    matl.predict(finished, scans / "test", out)
    assert not (out / "overlays").exists()
    with pytest.raises(MatlError, match="name one model"):
        matl.predict([finished, other], scans, out, explain=True)
    with pytest.raises(MatlError, match="needs a folder"):
        matl.predict(finished, scans, explain=True)


def test_memory_does_not_grow_with_the_number_of_files(finished: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 300), dtype=np.uint8)
    for number in range(256):
        (tmp_path / "many").mkdir(exist_ok=True)
        Image.fromarray(np.roll(pixels, number)).save(tmp_path / "many" / f"{number:03d}.bmp")
    files = sorted((tmp_path / "many").iterdir())
    peaks = []
    for some in (files[:32], files[:64], files):
        tracemalloc.start()
        matl.predict(finished, some)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 192 * 3000  # an image has 12,000 bytes, or 10,000 as it is stored


def test_what_is_odd_with_images_is_counted(finished: Path, tmp_path: Path) -> None:
    small = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(small).save(tmp_path / "small.png")
    Image.fromarray(np.full((64, 64), 7, dtype=np.uint8)).save(tmp_path / "black.png")
    (tmp_path / "notes.txt").write_text("none")
    notes = matl.predict(finished, tmp_path).notes
    assert [note for note in notes if "1 of 2 images are smaller than what the network" in note]
    assert [note for note in notes if "1 of 2 images have hardly any contrast" in note]
    assert [note for note in notes if "passed over: 1 .txt" in note]


def test_scans_have_their_studies_and_scores_are_joined_as_asked(
    finished: Path, tmp_path: Path
) -> None:
    scan_files = pytest.importorskip("scan_files")
    for person in range(2):
        folder = tmp_path / "scans" / f"p{person}"
        tags = {"PatientID": f"MRN-55{person}", "SeriesInstanceUID": f"1.2.888.{person}"}
        scan_files.write_series(folder, [0, 3, 6], first_seed=9 * person, **tags)
    scan_files.write_nifti(tmp_path / "scans" / "volume.nii.gz", slices=2)
    found = matl.predict(finished, tmp_path / "scans", tmp_path / "out", join="top_2")
    assert found.studies is not None
    assert found.patients is not None
    assert sorted(found.studies["images"]) == [2, 3, 3]
    assert sorted(found.patients["images"]) == [3, 3]
    for row in found.studies.itertuples():
        own = found.images.loc[found.images["study"] == row.study, "score"]
        assert row.score == pytest.approx(own.nlargest(2).mean())
    assert found.about["join"] == "top_2"
    assert "volume.nii.gz#000" in found.images["image"].iloc[-2]
    written = b"".join(one.read_bytes() for one in (tmp_path / "out").iterdir() if one.is_file())
    assert b"MRN-55" not in written
    assert b"1.2.888" not in written
    one = matl.predict(finished, tmp_path / "scans" / "volume.nii.gz#001", join="max")
    assert one.images["study"].tolist() == ["volume"]
    assert one.images["score"].tolist() == [found.images["score"].iloc[-1]]


def test_a_join_that_is_none_is_refused(finished: Path, multi_class: Path, scans: Path) -> None:
    with pytest.raises(MatlError, match="--join: 'most' joins no scores; write mean, max"):
        matl.predict(finished, scans, join="most")
    with pytest.raises(MatlError, match="--join max: is for two classes, and the diagnosis is mul"):
        matl.predict(multi_class, scans, join="max")
