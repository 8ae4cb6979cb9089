"""Every number of the same scores is computed once."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import report_records
from records import make_record, make_scores
from shown import render

from matl.evaluation import metrics
from matl.evaluation.metrics import summarise
from matl.evaluation.scored import Scored
from matl.evaluation.units import has_volumes, mixed_units, units_of
from matl.report.diagnosis_tables import diagnosis_table
from matl.report.html.run_page import write_run_page
from matl.report.run_report import write_report


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often patients were drawn, by what was resampled."""
    counts: Counter[str] = Counter()
    before = metrics.metric_values

    def counted(label, score, patients, weights, *names):
        if len(weights) > 1:
            counts[f"{label.tobytes()}{score.tobytes()}{patients.tobytes()}"] += 1
        return before(label, score, patients, weights, *names)

    monkeypatch.setattr(metrics, "metric_values", counted)
    return counts


def test_a_report_repeats_no_bootstrap(tmp_path: Path, drawn: Counter[str]) -> None:
    scores = {name: make_scores(skill, seed=skill) for skill, name in enumerate(["floor", "chain"])}
    record = make_record(diagnoses=scores)
    write_report(record, tmp_path)
    write_run_page(tmp_path)
    render(diagnosis_table(record))
    assert len(drawn) == 2 * 2 * 2  # two models, by image and by patient, on val and on test
    assert set(drawn.values()) == {1}


def test_each_patient_once_is_the_same_where_each_has_one_image(drawn: Counter[str]) -> None:
    table = make_scores(1.0)
    scored = Scored({"chain": table.assign(patient=table["image"])}, "a", "b")
    assert scored.results("test", "patient") == scored.results("test")
    assert units_of(scored, "test") == ["image"]
    assert len(drawn) == 1
    one = scored.tables("test")["chain"]
    assert scored.results("test")[0].metrics == summarise(one)


def test_the_results_are_those_of_the_scores() -> None:
    scored = Scored({"chain": make_scores(1.0), "floor": make_scores(0.1, seed=1)}, "a", "b")
    assert scored.splits() == ["test", "val"]
    for result in scored.results("val"):
        table = scored.models[result.model]
        assert result.metrics == summarise(table[table["split"] == "val"])
        assert (result.images, result.patients, result.positives) == (40, 20, 20)
    once = scored.results("test", "patient")
    assert [(one.images, one.patients) for one in once] == [(20, 20)] * 2
    assert units_of(scored, "test") == ["image", "patient"]
    assert scored.sources("test") == {}


def test_invalid_scores_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no probability"):
        Scored({"chain": make_scores(1.0).assign(score=np.nan)}, "a", "b")


def test_what_leaks_is_left_out_of_the_test_split_alone() -> None:
    table = report_records.make_scores(1, 0)
    first = [("covid_ct", "test, 00"), ("covid_ct", "test, 03"), ("covid_ct", "val, 01")]
    scored = Scored({"chain": table}, "ill", "well", leaking=frozenset(first))
    assert scored.leaks() == (6, 2)
    clean = scored.without_leaks()
    assert clean is not None
    kept = table[(table["split"] == "test") & ~table["patient"].isin(["test, 00", "test, 03"])]
    assert clean.splits() == ["test"]
    assert clean.results("test")[0] == Scored({"chain": kept}, "ill", "well").results("test")[0]
    assert clean.results("test")[0].patients == scored.results("test")[0].patients - 2
    assert clean.without_leaks() is None


def test_there_is_nothing_beside_where_nobody_who_was_tested_leaks() -> None:
    table = report_records.make_scores(1, 0)
    leaking = frozenset([("covid_ct", "val, 01"), ("elsewhere", "test, 00")])
    assert Scored({"chain": table}, "ill", "well", leaking=leaking).without_leaks() is None
    assert Scored({"chain": table}, "ill", "well").without_leaks() is None


def test_all_who_were_tested_may_leak() -> None:
    table = report_records.make_scores(1, 0)
    leaking = frozenset(zip(table["source"], table["patient"], strict=True))
    clean = Scored({"chain": table}, "ill", "well", leaking=leaking).without_leaks()
    assert clean is not None
    assert clean.results("test") == []


def volumes(studies_each: int) -> pd.DataFrame:
    """Scores of patients with four images each, in so many studies."""
    table = make_scores(1.0, images=48)
    number = np.tile(np.arange(48), 2)
    study = [f"{at % 4 * studies_each // 4}" for at in number]
    patient = [f"p{at // 4}" for at in number]
    return table.assign(patient=table["split"] + patient, study=study, label=number // 4 % 2)


def test_studies_stand_beside_images_and_patients_where_they_differ() -> None:
    scored = Scored({"chain": volumes(2)}, "a", "b", join="max")
    assert units_of(scored, "test") == ["image", "study", "patient"]
    [study], [patient] = (scored.results("test", unit) for unit in ("study", "patient"))
    assert (study.images, study.patients, patient.images) == (24, 12, 12)
    once = scored.tables("test", "study")["chain"]
    assert study.metrics == summarise(once)
    own = scored.models["chain"]
    own = own[(own["split"] == "test") & (own["patient"] == "testp0") & (own["study"] == "1")]
    joined = once[(once["patient"] == "testp0") & (once["study"] == "1")]
    assert len(own) == 2
    assert joined["score"].tolist() == [own["score"].max()]


def test_where_each_patient_has_one_study_the_patients_stand_for_both() -> None:
    scored = Scored({"chain": volumes(1)}, "a", "b")
    assert has_volumes(scored, "test")
    assert units_of(scored, "test") == ["image", "patient"]
    table = volumes(1)
    alone = Scored({"chain": table.assign(study=table["image"])}, "a", "b")
    assert not has_volumes(alone, "test")


def test_studies_of_several_labels_are_counted_once_a_split() -> None:
    table = volumes(2)
    first = table.index[(table["split"] == "test")][0]
    table.loc[first, "label"] = 1 - table.loc[first, "label"]
    scored = Scored({"chain": table, "floor": table}, "a", "b")
    assert [mixed_units(scored, "test", unit) for unit in ("study", "patient")] == [1, 1]
    assert mixed_units(scored, "val", "study") == 0


def test_scores_that_cannot_be_joined_so_are_refused() -> None:
    with pytest.raises(ValueError, match="'median' joins no scores"):
        Scored({"chain": make_scores(1.0)}, "a", "b", join="median")
