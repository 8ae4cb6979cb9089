"""Runs side by side: settings that differ, numbers, paired differences on the same images."""

from pathlib import Path

import pytest
from report_records import make_record, make_scores, write_run

import matl
from matl.errors import MatlError
from matl.evaluation.paired import differences
from matl.evaluation.scored import Scored
from matl.report.rows import ensemble
from matl.report.run_report import write_report


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [write_run(tmp_path / name, seed, 2.0 * seed) for seed, name in enumerate(("a", "b"))]


def test_only_settings_that_differ_are_shown(runs: list[Path]) -> None:
    assert matl.compare_runs(runs).settings == {"seed": [0, 1]}


def test_the_difference_is_paired_on_the_test_images(runs: list[Path]) -> None:
    found = matl.compare_runs(runs)
    assert found.split == "test"
    assert not found.apart
    (one,) = found.record.scored.paired("test")
    first, second = (make_scores(2.0 * seed, seed) for seed in (0, 1))
    tables = [table[table["split"] == "test"] for table in (first, second)]
    expected, _ = differences(*tables)
    assert one.auroc is not None
    assert expected is not None
    assert one.auroc.value == pytest.approx(expected.value)
    assert one.auroc.error == pytest.approx(expected.error)
    titles = [table.title for table in found.tables()]
    assert titles[0] == "Settings that differ"
    assert titles[-1] == "Differences, test split"


def test_runs_on_other_images_have_no_difference(runs: list[Path]) -> None:
    scores = make_scores(1.0, 2)
    scores["image"] = "other " + scores["image"]
    other = runs[0].parent / "c"
    write_run(other, 2, 1.0)
    write_report(make_record(diagnoses={"chain": scores}), other)
    found = matl.compare_runs([*runs, other])
    assert found.apart == ["c"]
    assert [one.second for one in found.record.scored.paired("test")] == ["b"]


def test_runs_on_the_same_images_with_other_labels_have_no_difference(runs: list[Path]) -> None:
    scores = make_scores(1.0, 2)
    scores["label"] = 1 - scores["label"]
    write_report(make_record(diagnoses={"chain": scores}), runs[1])
    assert matl.compare_runs(runs).apart == ["b"]


def test_persons_who_leak_in_any_run_are_left_out_of_all(runs: list[Path]) -> None:
    leaking = frozenset([("covid_ct", "test, 01")])
    scored = Scored({"chain": make_scores(2.0, 1)}, "COVID", "NonCOVID", leaking=leaking)
    write_report(make_record(scored=scored), runs[1])
    found = matl.compare_runs(runs).record.scored
    clean = found.without_leaks()
    assert clean is not None
    assert {one.images for one in clean.results("test")} == {33}


def test_of_several_seeds_the_mean_is_compared(runs: list[Path]) -> None:
    mean = make_scores(1.0, 3)
    diagnoses = {"chain": make_scores(2.0, 1), ensemble("chain", 3): mean}
    write_report(make_record(diagnoses=diagnoses), runs[1])
    scores = matl.compare_runs(runs).record.scored.models["b"]["score"]
    assert scores.tolist() == pytest.approx(mean["score"].tolist())


def test_other_classes_are_one_line(runs: list[Path]) -> None:
    write_report(make_record(diagnoses={"chain": make_scores(1.0, 2)}, positive="flu"), runs[1])
    with pytest.raises(MatlError, match="compare runs of the same classes"):
        matl.compare_runs(runs)


def test_one_run_twice_is_one_line(runs: list[Path]) -> None:
    with pytest.raises(MatlError, match="name two different runs or more"):
        matl.compare_runs([runs[0], runs[0]])
    with pytest.raises(MatlError, match="name two different runs or more"):
        matl.compare_runs(runs[:1])
