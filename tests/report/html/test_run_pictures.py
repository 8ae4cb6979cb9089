import pandas as pd
from report_records import make_record, make_scores

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


def test_costs_are_no_training_curve_and_names_are_file_names():
    curves = {
        "lung / a": pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "seconds": [1.0, 1.0]}),
        "empty": pd.DataFrame({"epoch": [1], "seconds": [1.0]}),
    }
    [picture] = training_pictures(curves)
    assert picture.name == "training-1-lung-a"
    assert "seconds" not in picture.shown[0]["lung / a"]
    assert picture.wide
