import pytest
from records import make_record, make_scores
from shown import render, words

from matl.report.diagnosis_tables import diagnosis_table
from matl.report.words import duration, p_in_words, seeds_in_words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.2, "4.2 s"),
        (59.96, "1 min 0 s"),
        (723, "12 min 3 s"),
        (3599.7, "1 h 0 min"),
        (12000, "3 h 20 min"),
        (400_000, "111 h"),
    ],
)
def test_duration_in_words(seconds, text):
    assert duration(seconds) == text


def test_the_caption_says_what_the_numbers_are():
    text = words(render(diagnosis_table(make_record(seeds=3, split_note="Official split."))))
    for said in (
        "test split, positive = CT_COVID",
        "negative: CT_NonCOVID",
        "40 images of 20 patients (20 CT_COVID, 20 CT_NonCOVID)",
        "3 seeds of the whole chain",
        "[low, high]: 95 % interval over patients",
        "Threshold 0.5",
        "Official split.",
    ):
        assert said in text


def test_rows_of_different_images_are_named():
    record = make_record(diagnoses={"chain": make_scores(1), "floor": make_scores(1, images=32)})
    text = words(render(diagnosis_table(record)))
    assert "chain: 40 images of 20 patients" in text
    assert "floor: 32 images of 16 patients" in text
    assert "do not compare them" in text


def test_one_seed_is_no_plural_and_a_small_p_no_zero():
    assert (seeds_in_words(1), seeds_in_words(3)) == ("1 seed", "3 seeds")
    assert [p_in_words(p) for p in (None, 0.0002, 0.04)] == ["", "< 0.001", "0.040"]
