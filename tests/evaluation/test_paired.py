import json
from pathlib import Path

import numpy as np
import pytest
from records import make_record, make_scores

from matl.evaluation.paired import paired
from matl.evaluation.statistics.clustered import auroc_difference
from matl.report.diagnosis_tables import paired_table
from matl.report.markdown import markdown_table
from matl.report.run_report import write_report


def of_test(scores):
    return scores[scores["split"] == "test"]


def test_the_first_diagnosis_is_compared_with_each_other_one() -> None:
    chain, scratch, floor = (
        of_test(make_scores(skill, seed=n)) for n, skill in enumerate((2.0, 1.0, 0.0))
    )
    shuffled = scratch.sample(frac=1, random_state=0)
    first, second = paired({"chain": chain, "from scratch": shuffled, "floor": floor})
    assert (first.second, second.second) == ("from scratch", "floor")
    codes = np.arange(40) // 2
    columns = (chain["label"], chain["score"], scratch["score"])
    direct = auroc_difference(*(column.to_numpy() for column in columns), codes)
    assert first.auroc.value == pytest.approx(direct.value)
    assert first.auroc.error == pytest.approx(direct.error)
    rights = [((one["score"] >= 0.5) == one["label"]).mean() for one in (chain, scratch)]
    assert first.accuracy.value == pytest.approx(rights[0] - rights[1])


def test_scores_of_other_images_are_not_compared() -> None:
    chain, floor = (of_test(make_scores(1.0, seed=n)) for n in range(2))
    assert not list(paired({"chain": chain, "floor": floor.iloc[:-2]}))


def test_one_class_has_no_auroc_and_one_model_no_difference() -> None:
    chain, floor = (of_test(make_scores(1.0, label=1, seed=n)) for n in range(2))
    [found] = paired({"chain": chain, "floor": floor})
    assert found.auroc is None
    record = make_record(diagnoses={"chain": chain, "copy": chain})
    same = markdown_table(paired_table(record.scored, "test"))
    assert "| chain - copy | undefined |  | +0.000 |  |" in same
    assert make_record(diagnoses={"chain": chain}).scored.paired("test") == []


def test_two_patients_have_no_error(tmp_path: Path) -> None:
    chain, floor = (of_test(make_scores(1.0, images=4, seed=n)) for n in range(2))
    [found] = paired({"chain": chain, "floor": floor})
    assert found.auroc.interval() == "[none]"
    write_report(make_record(diagnoses={"chain": chain, "floor": floor}), tmp_path)
    [row] = json.loads((tmp_path / "metrics.json").read_text())["differences"]
    assert row["auroc"]["error"] is None
