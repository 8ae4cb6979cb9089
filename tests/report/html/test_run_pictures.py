import pandas as pd
from report_records import make_record, make_scores

from matl.evaluation.statistics.calibration import recalibrated
from matl.report.html.run_pictures import score_pictures, training_pictures


def test_curves_are_of_test_and_name_their_numbers():
    record = make_record()
    pictures = score_pictures(record.scored)
    assert [one.name for one in pictures] == ["roc", "precision_recall", "reliability", "decision"]
    assert all(one.caption.startswith("Test split; positive class: COVID.") for one in pictures)
    for result in record.scored.results("test"):
        assert f"{result.model} {result.metrics['auroc']}" in pictures[0].alt
    pooled = score_pictures(record.scored, "split folds, 2 seeds pooled")
    assert pooled[0].caption.startswith("Split folds, 2 seeds pooled; positive class")


def test_a_model_without_both_classes_has_no_curve():
    alone = {"chain": make_scores(1.5, 0), "floor": make_scores(0.2, 1, label=1)}
    [roc, *_] = score_pictures(make_record(diagnoses=alone).scored)
    assert list(roc.shown[0]) == ["chain"]
    assert score_pictures(make_record(diagnoses={"floor": alone["floor"]}).scored) == []


def test_decision_curves_are_of_scores_calibrated_on_validation_images():
    record = make_record(diagnoses={"chain": make_scores(1.5, 0), "floor": make_scores(0.8, 3)})
    decision = score_pictures(record.scored)[-1]
    assert "Calibrated by a logistic regression" in decision.caption
    assert "Uncalibrated" not in decision.caption
    test = record.scored.tables("test")
    for name, table in decision.shown[0].items():
        val = record.scored.tables("val")[name]
        assert table["score"].tolist() == recalibrated(val, test[name])["score"].tolist()


def test_decision_curves_that_cannot_be_calibrated_say_why():
    whole = make_scores(1.5, 0)
    reverse = whole.assign(score=whole["score"].where(whole["split"] != "val", 1 - whole["score"]))
    found = score_pictures(make_record(diagnoses={"chain": whole, "floor": reverse}).scored)[-1]
    assert "Platt 1999): chain. Uncalibrated, as validation scores do not rise" in found.caption
    assert found.shown[0]["floor"]["score"].tolist() == _of(reverse, "test")["score"].tolist()
    for split in ("test", "val"):
        alone = score_pictures(make_record(diagnoses={"chain": _of(whole, split)}).scored)[-1]
        assert "Uncalibrated, as there are no scores of another split" in alone.caption
        assert alone.shown[0]["chain"]["score"].tolist() == _of(whole, split)["score"].tolist()


def _of(scores, split):
    return scores[scores["split"] == split]


def test_costs_are_no_training_curve_and_names_are_file_names():
    curves = {
        "lung / a": pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "seconds": [1.0, 1.0]}),
        "empty": pd.DataFrame({"epoch": [1], "seconds": [1.0]}),
    }
    [picture] = training_pictures(curves)
    assert picture.name == "training-1-lung-a"
    assert "seconds" not in picture.shown[0]["lung / a"]
    assert picture.wide
