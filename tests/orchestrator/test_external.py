"""A finished model scored on another data set."""

import itertools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import Load, run_quietly

from matl.backbones import BackboneConfig, build_backbone, canonical_state, save_weights
from matl.backbones.card import WeightsCard
from matl.errors import MatlError
from matl.orchestrator.external import evaluate_external, name_and_root
from matl.orchestrator.plan import make_plan

DIAGNOSIS = "chain=[diagnosis]"


def test_a_finished_model_is_scored_on_another_data_set(
    load_tiny: Load, phantom_root: Path
) -> None:
    _, folder, _ = run_quietly(load_tiny("chain=[shapes,diagnosis]", "baselines=[scratch]"))
    other = f"phantom_null:{phantom_root / 'external'}"
    record, report = evaluate_external(folder, other, None, "matl evaluate")
    assert list(record.scored.models) == ["chain", "from scratch", "floor"]
    assert {row.images for row in record.scored.results("test")} == {640}
    metrics = json.loads((report / "metrics.json").read_text())["metrics"]
    assert {row["model"] for row in metrics} == {"chain", "from scratch", "floor"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    name = f"tiny on phantom_null:external ({report.name.rpartition('-')[2]})"
    assert f"{name}: every labelled image of phantom_null; no file of it was" in page


def test_images_that_cannot_be_used_are_counted(
    load_tiny: Load, tmp_path: Path, phantom_root: Path
) -> None:
    _, folder, _ = run_quietly(load_tiny(DIAGNOSIS, "stages.diagnosis.data.on_bad_image=skip"))
    for label, number in (("covid", 0), ("covid", 1), ("other", 2), ("other", 3)):
        (tmp_path / "ext" / label).mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "ext" / label / f"{number}.png")
    Image.fromarray(np.tile(noise, (1, 12))).save(tmp_path / "ext" / "covid" / "long.png")
    record, _ = evaluate_external(folder, f"folder:{tmp_path / 'ext'}", "covid", "matl evaluate")
    assert record.split_note.startswith("4 of 5 labelled images of folder; ")
    assert [one for one in record.notes if "1 of 5 images are left out, such as covid/long" in one]
    assert {row.images for row in record.scored.results("test")} == {4}


def test_data_sets_of_one_kind_are_told_apart(load_tiny: Load, tmp_path: Path) -> None:
    own, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    drawn = np.random.default_rng(0)
    for place, kind, number in itertools.product(("north", "south"), ("ill", "well"), range(3)):
        file = tmp_path / place / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.integers(0, 256, (32, 32), dtype=np.uint8)).save(file)
    names = []
    for place, positive in (("north", "ill"), ("south", "ill"), ("south", "well")):
        record, _ = evaluate_external(folder, f"folder:{tmp_path / place}", positive, "matl")
        assert record.scored.positive == positive
        warning = (
            f"the positive class here is {positive}; the diagnosis learned {own.scored.positive}"
        )
        assert warning in record.notes
        assert record.experiment.startswith(f"tiny on folder:{place} (")
        names.append(record.experiment)
    assert len(set(names)) == len(list(folder.glob("evaluate-folder-*"))) == 3
    page = (folder / "report.html").read_text(encoding="utf-8")
    row = r'<th scope="row"[^>]*>([^<]+)</th>\s*<td[^>]*>from scratch</td>\s*<td[^>]*>(\w+)</td>'
    shown = re.findall(row, page)
    assert sorted(shown) == sorted(
        [("own test split", own.scored.positive), *zip(names, ("ill", "ill", "well"), strict=True)]
    )


def test_a_run_on_its_own_images_gives_its_own_scores(load_tiny: Load, phantom_root: Path) -> None:
    record, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    source = make_plan(load_tiny("chain=[diagnosis]")).chain[0].samples
    table = source.table[source.table["split"] == "test"].assign(split="test")
    rows = pd.DataFrame({"path": table["path"], "label": table["label"]})
    rows["patient"] = table["patient"]
    listing = source.root / "samples.csv"
    rows.to_csv(listing, index=False)
    external, _ = evaluate_external(folder, f"csv:{source.root}", "covid", "matl evaluate")
    listing.unlink()
    own = record.scored.tables("test")["from scratch"].set_index("image")["score"]
    scored = external.scored.tables("test")["from scratch"].set_index("image")["score"]
    assert scored.to_dict() == pytest.approx(own.to_dict(), abs=1e-6)
    own_floor = record.scored.tables("test")["floor"].set_index("image")["score"].to_dict()
    floor = external.scored.tables("test")["floor"].set_index("image")["score"].to_dict()
    assert floor == pytest.approx(own_floor, abs=1e-6)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ("folder:scans", ("folder", "scans")),
        ("folder:C:/scans", ("folder", "C:/scans")),
        ("mypkg.scans:index:scans", ("mypkg.scans:index", "scans")),
    ],
)
def test_a_data_set_of_ones_own_can_be_named(data: str, parts: tuple[str, str]) -> None:
    assert name_and_root(data) == parts


def test_bad_words_for_an_evaluation(load_tiny: Load, tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="no folder of a finished run"):
        evaluate_external(tmp_path, "phantom_ct:x", None, "matl evaluate")
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    with pytest.raises(MatlError, match="NAME:ROOT"):
        evaluate_external(folder, "phantom_ct", None, "matl evaluate")


def test_an_evaluation_says_what_was_trained_on(load_tiny: Load) -> None:
    _, folder, _ = run_quietly(load_tiny(DIAGNOSIS))
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    table = samples.table.rename(columns={"split": "part"})
    listing = samples.root / "samples.csv"
    table[["path", "label", "patient"]].to_csv(listing, index=False)
    record, _ = evaluate_external(folder, f"csv:{samples.root}", "covid", "matl evaluate")
    listing.unlink()
    trained = int((samples.table["split"] == "train").sum())
    assert f"{trained} OF THEM WERE TRAINED ON" in record.split_note


def test_a_run_is_evaluated_without_the_images_that_it_was_trained_on(
    load_tiny: Load, phantom_root: Path, tmp_path: Path
) -> None:
    shutil.copytree(phantom_root, tmp_path / "data", dirs_exist_ok=True)
    _, folder, _ = run_quietly(load_tiny(DIAGNOSIS, f"data_root={tmp_path / 'data'}"))
    shutil.rmtree(tmp_path / "data")
    shutil.rmtree(tmp_path / "cache")
    other = f"phantom_null:{phantom_root / 'external'}"
    record, _ = evaluate_external(folder, other, None, "matl evaluate")
    assert list(record.scored.models) == ["from scratch", "floor"]
    assert "no file of it was trained on" in record.split_note
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("card", "words", "warned"),
    [
        (None, "in these stages; what own.safetensors learned from is not known", False),
        (
            WeightsCard("a paper", trained_on=("mosmed",)),
            "in these stages; the weights that they began from learned from mosmed",
            False,
        ),
        (
            WeightsCard("a paper", trained_on=("phantom_null",)),
            "in these stages; the weights that they began from may have learned from it",
            True,
        ),
    ],
)
def test_an_evaluation_says_what_the_initial_weights_learned_from(
    card: WeightsCard | None,
    words: str,
    warned: bool,
    load_tiny: Load,
    phantom_root: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "own.safetensors"
    network = BackboneConfig("resnet10t", "attention", [16], in_channels=1)
    state = canonical_state(build_backbone(network, seed=0))
    save_weights(file, state, {} if card is None else card.as_text())
    overrides = (f"backbone.weights={file}", "stages.diagnosis.epochs=1")
    _, folder, _ = run_quietly(load_tiny(DIAGNOSIS, *overrides))
    file.unlink()
    other = f"phantom_null:{phantom_root / 'external'}"
    record, _ = evaluate_external(folder, other, None, "matl evaluate")
    assert f"no file of it was trained on {words}" in record.split_note
    warning = "WARNING: the weights were trained on a data set named phantom_null, which this"
    assert any(note.startswith(warning) for note in record.notes) == warned


def test_a_cohort_without_positives_is_scored_for_what_it_can_show(
    load_tiny: Load, tmp_path: Path
) -> None:
    own, folder, _ = run_quietly(load_tiny(DIAGNOSIS))
    drawn = np.random.default_rng(0)
    for kind, number in itertools.product(("well", "scarred"), range(3)):
        file = tmp_path / "cohort" / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.integers(0, 256, (32, 32), dtype=np.uint8)).save(file)
    cohort, learned = f"folder:{tmp_path / 'cohort'}", own.scored.positive
    record, _ = evaluate_external(folder, cohort, learned, "matl evaluate")
    metrics = record.scored.results("test")[0].metrics
    assert metrics["specificity"].value is not None
    assert metrics["auroc"].value is None
    assert any(f"no image here is of the class {learned}" in note for note in record.notes)
    with pytest.raises(MatlError) as error:
        evaluate_external(folder, cohort, "il", "matl evaluate")
    assert "its classes are scarred, well, and the diagnosis learned" in str(error.value)
    assert "did you mean" not in str(error.value)
    negative = str(own.scored.negative)
    (tmp_path / "cohort" / "well").rename(tmp_path / "cohort" / negative.upper())
    with pytest.raises(MatlError, match="sensitivity and specificity would change places"):
        evaluate_external(folder, cohort, negative.upper(), "matl evaluate")
    (tmp_path / "cohort" / negative.upper()).rename(tmp_path / "cohort" / learned.upper())
    with pytest.raises(MatlError, match=f"has that class, too; write --positive {learned.upper()}"):
        evaluate_external(folder, cohort, "scarred", "matl evaluate")
