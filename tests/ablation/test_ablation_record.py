from dataclasses import replace

from ablation_records import drawn_record

from matl.ablation.ablation_record import covered, place


def test_the_primary_comparison_and_what_it_is_tested_on_are_found():
    record = drawn_record()
    assert record.primary.what == "attention - plain, full minus from scratch"
    assert record.primary_tested.split == "folds"
    assert record.metric_name == "AUROC"
    assert replace(record, comparisons=[]).primary is None


def test_a_place_names_the_share_of_the_labels_where_it_is_not_whole():
    assert place("folds", 1.0) == "folds"
    assert place("folds", 0.5) == "folds, 0.5 of the labels"


def test_one_seed_covers_the_patients_alone():
    many = drawn_record().primary.plain
    one = replace(many, seeds=1)
    assert covered([one]) == "over patients alone: of one seed"
    assert covered([many]) == "over seeds and patients"
    assert covered([many, one]) == "over seeds and patients (of one seed: over patients)"
