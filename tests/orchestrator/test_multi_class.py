"""A diagnosis of three classes: from a folder to its report, and what it is refused for."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shown import words
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from three_classes import CLASSES, ORDER, draw_classes, write_three
from tiny import console_of, run_quietly

import matl
from data_modules.errors import DataError
from matl.ablation.cells import cells_of, plan_cells
from matl.ablation.load import load_ablation
from matl.config import load_experiment
from matl.errors import MatlError
from matl.names import FLOORS
from matl.orchestrator.explain_run import explain_run
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.finished_run import read_run
from matl.orchestrator.floors import read_floor
from matl.orchestrator.plan import make_plan
from matl.orchestrator.show import show_data, show_plan, show_run
from matl.orchestrator.store import Store
from matl.orchestrator.store_check import damage
from matl.stages.diagnosis.multi_class import MultiClassStage

SCORES = [f"score_{name}" for name in CLASSES]
WORDS = ["baselines=[scratch]", f"stages.diagnosis.ordered={ORDER}"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Path:
    return write_three(tmp_path_factory.mktemp("three"), phantom_root)


@pytest.fixture(scope="module")
def finished(file: Path) -> Path:
    """The folder of the finished run."""
    return run_quietly(load_experiment(file, WORDS))[1]


def test_each_image_has_a_probability_of_each_class(finished: Path) -> None:
    scores = pd.read_csv(finished / "predictions.csv")
    assert list(scores["model"].unique()) == ["chain", "from scratch", "floor"]
    assert set(scores["class"]) == set(CLASSES)
    np.testing.assert_allclose(scores[SCORES].sum(axis=1), 1, atol=1e-6)
    assert "score" not in scores
    assert "label" not in scores


def test_its_numbers_are_scikit_learns_with_intervals(finished: Path) -> None:
    numbers = json.loads((finished / "metrics.json").read_text())
    found = {
        row["metric"]: row
        for row in numbers["metrics"]
        if (row["model"], row["split"]) == ("chain", "test")
    }
    assert all(row["low"] <= row["value"] <= row["high"] for row in found.values())
    scores = pd.read_csv(finished / "predictions.csv")
    own = scores[(scores["model"] == "chain") & (scores["split"] == "test")]
    names = np.array(CLASSES)
    auroc = roc_auc_score(own["class"], own[SCORES], multi_class="ovr", labels=names)
    assert found["auroc"]["value"] == pytest.approx(auroc)
    assert auroc > 0.7
    called, order = names[own[SCORES].to_numpy().argmax(1)], ["normal", "mild", "severe"]
    kappa = cohen_kappa_score(own["class"], called, labels=order, weights="quadratic")
    assert found["quadratic_kappa"]["value"] == pytest.approx(kappa)
    assert found["quadratic_kappa"]["classes"] == order
    gain = numbers["differences"][0]
    assert (gain["first"], gain["second"]) == ("chain", "from scratch")
    assert gain["auroc"]["error"] is not None


def test_report_and_page_show_every_class_and_no_curve(finished: Path) -> None:
    for name in ("report.md", "report.html"):
        text = (finished / name).read_text(encoding="utf-8")
        shown = ("Macro AUROC", "Each class against the rest", "Quadratic kappa", "Left out, as")
        assert [one for one in shown if one not in text] == []
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "classes normal, mild, severe" in page
    assert page.count("called severe") == 3  # of three models; each patient has one image
    assert not list((finished / "figures").glob("roc*"))
    before = page
    assert matl.write_page(finished).read_text(encoding="utf-8") == before


def test_the_terminal_says_that_it_is_multi_class(file: Path) -> None:
    experiment = load_experiment(file, WORDS)
    line = "diagnosis is multi-class: it tells 3 classes apart; images: mild 29, normal 29, severe"
    for show, what in ((show_plan, make_plan(experiment)), (show_data, experiment)):
        console, shown = console_of()
        show(what, console)
        assert line in words(shown.getvalue())
    record, folder, _ = run_quietly(experiment)
    console, shown = console_of()
    show_run(experiment, record, folder, console)
    text = words(shown.getvalue())
    assert "Called severe" in text
    assert "Macro AUROC of the chain minus from scratch" in text
    assert f"matl evaluate {folder} --data NAME:ROOT" in shown.getvalue()
    assert "matl explain" not in text


def test_its_model_scores_every_class(finished: Path) -> None:
    model = matl.load_model(finished)
    assert (model.classes, model.positive) == (CLASSES, None)
    scores = pd.read_csv(finished / "predictions.csv")
    own = scores[scores["model"] == "chain"]
    files = [finished.parents[1] / "lungs" / image for image in own["image"]]
    np.testing.assert_allclose(model.scores(model.read(files)), own[SCORES], atol=1e-6)


def test_it_is_evaluated_on_other_images_of_its_classes(finished: Path, tmp_path: Path) -> None:
    other = draw_classes(tmp_path / "other", seed=1)
    record, report = evaluate_external(finished, f"folder:{other}", None, "matl evaluate")
    [result, *_] = record.scored.results("test")
    assert result.counts == {"normal": 29, "mild": 29, "severe": 29}
    assert result.metrics["auroc"].value > 0.7
    assert "no file of it was trained on" in (finished / "report.html").read_text()
    assert (report / "report.md").is_file()
    two = draw_classes(tmp_path / "two", ("normal", "severe"))
    record, _ = evaluate_external(finished, f"folder:{two}", None, "matl evaluate")
    assert record.scored.results("test")[0].metrics["auroc"].value is None
    assert any("no image here is of the class mild" in note for note in record.notes)
    assert not any("positive" in note for note in record.notes)


def test_its_floor_is_kept_whole_and_fitted_for_every_class(file: Path, finished: Path) -> None:
    experiment = load_experiment(file, WORDS)
    [kept] = (Path(experiment.store) / FLOORS).iterdir()
    shown = pd.read_csv(finished / "predictions.csv")
    own = shown[shown["model"] == "floor"][SCORES]
    np.testing.assert_allclose(read_floor(kept).scores[SCORES], own, atol=1e-9)
    assert np.shape(read_floor(kept).fitted.weights) == (6, 3)
    assert read_run(finished).floor() == read_floor(kept).fitted
    assert {line for _, line in damage(Store(experiment.store))} == {""}


def test_probabilities_that_are_no_numbers_are_never_stored(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MultiClassStage.scores
    monkeypatch.setattr(MultiClassStage, "scores", lambda *given: whole(*given) * float("nan"))
    words = ["chain=[diagnosis]", "baselines=[]", f"store={tmp_path / 'store'}"]
    with pytest.raises(MatlError, match=r"stages\.diagnosis: \d+ of \d+ scores are no numbers"):
        run_quietly(load_experiment(file, words))


def test_what_an_evaluation_cannot_compare_is_refused(finished: Path, tmp_path: Path) -> None:
    other = draw_classes(tmp_path / "other", ("normal", "other"))
    with pytest.raises(MatlError, match="class 'other', which the diagnosis did not learn"):
        evaluate_external(finished, f"folder:{other}", None, "matl evaluate")
    with pytest.raises(MatlError, match=r"multi-class \(mild, .*\); leave --positive out"):
        evaluate_external(finished, f"folder:{other}", "normal", "matl evaluate")


def test_an_explanation_is_refused(finished: Path) -> None:
    with pytest.raises(MatlError, match="multi-class, and matl explain compares a positive class"):
        explain_run(finished, "matl explain")


def test_an_ablation_is_refused_before_anything_trains(file: Path) -> None:
    ablation = file.parent / "ablation.yaml"
    ablation.write_text(
        f"experiment: {file.name}\nname: two\narms: {{a: [], b: [backbone.operator=attention]}}\n"
        "regimes: {all: [shapes, diagnosis]}\nseeds: [0]\n"
        "analysis:\n"
        "  {comparison: [a, b], regime: all, split: official, metric: auroc, margin: 0.01}\n"
    )
    loaded = load_ablation(ablation)
    with pytest.raises(MatlError, match="null makes the diagnosis multi-class, and matl ablate"):
        plan_cells(loaded, cells_of(loaded), [])


def test_three_classes_without_a_word_of_the_positive_one_are_refused(file: Path) -> None:
    text = file.read_text().replace(", positive: null", "")
    silent = file.with_name("silent.yaml")
    silent.write_text(text)
    with pytest.raises(DataError, match="one of mild, normal, severe, or to null to tell all"):
        make_plan(load_experiment(silent))


def test_the_order_trains_nothing_again_and_the_question_does(file: Path) -> None:
    every, ordered, one = (
        make_plan(load_experiment(file, words)).chain[-1]
        for words in ([], WORDS, ["stages.diagnosis.data.positive=severe"])
    )
    assert every.fingerprint == ordered.fingerprint != one.fingerprint
    assert not {"ordered", "data"} & every.identity["stage"].keys()
