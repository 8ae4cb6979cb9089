import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import make_record, make_scores, make_stage
from rich.console import Console

from matl.evaluation.metrics import METRICS
from matl.report.tables import (
    diagnosis_markdown,
    diagnosis_table,
    duration,
    escape,
    stage_markdown,
    stage_table,
)


def render(table, width=100):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(table)
    return console.file.getvalue()


def words(text):
    """The text without its line breaks and table layout."""
    return " ".join(text.split())


def test_stage_table_shows_every_number_whole():
    text = render(stage_table(make_record()))
    for number in ("5,216 images", "30 epochs", "12 min 34 s", "207", "2,345", "0.930"):
        assert number in text
    assert "reused: this store" in text
    assert "Trained by this experiment: 12 min 34 s" in words(text)


number = st.floats(0, 999_999)


@settings(deadline=None)
@given(
    seconds=number,
    speed=st.floats(100, 999_999),
    memory=number,
    images=st.integers(0, 10**7),
    value=st.floats(-10, 10),
    name=st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60),
)
def test_stage_table_cuts_no_number(seconds, speed, memory, images, value, name):
    stage = make_stage(
        name=name,
        data=name,
        metric="val/m",
        seconds=seconds,
        images_per_second=speed,
        peak_memory_mb=memory,
        images=images,
        value=value,
    )
    text = render(stage_table(make_record(stages=[stage])))
    numbers = (duration(seconds), f"{speed:,.0f}", f"{memory:,.0f}", f"{value:.3f}")
    for whole in (*numbers, f"{images:,} images"):
        assert re.search(rf"(?<!\S){re.escape(whole)}(?!\S)", text)


def test_what_was_not_measured_is_not_printed():
    stage = make_stage(
        seconds=None, images_per_second=None, peak_memory_mb=None, metric=None, value=None
    )
    record = make_record(stages=[stage])
    text = render(stage_table(record)) + stage_markdown(record)
    assert "None" not in text
    assert "nan" not in text
    assert "Trained by this experiment:" not in text


def test_diagnosis_table_shows_every_estimate_whole():
    record = make_record()
    text = render(diagnosis_table(record))
    for result in record.results("test"):
        for name, label in METRICS.items():
            assert label in text
            assert str(result.metrics[name]) in text


def test_diagnosis_table_says_what_its_numbers_are():
    text = words(render(diagnosis_table(make_record(seeds=3, split_note="Official split."))))
    for said in (
        "test split, positive = CT_COVID",
        "negative: CT_NonCOVID",
        "40 images of 20 patients (20 CT_COVID, 20 CT_NonCOVID)",
        "3 seeds of the whole chain",
        "[low, high]: 95 % percentile interval over 2,000 resamples of patients",
        "Threshold 0.5",
        "Official split.",
    ):
        assert said in text


def test_rows_keep_their_order_and_a_loss_is_printed_like_a_gain():
    better = {"chain": make_scores(0.2), "scratch": make_scores(1.5, seed=1)}
    lines = diagnosis_markdown(make_record(diagnoses=better), "test").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| chain", "| scratch"]
    assert all(re.fullmatch(r"\| \w+( \| \d\.\d{3} \[\d\.\d\d, \d\.\d\d\]){8} \|", line)
               for line in lines[2:])  # fmt: skip


def test_undefined_metrics_are_words_not_numbers():
    record = make_record(diagnoses={"chain": make_scores(1, label=1)})
    text = render(diagnosis_table(record))
    assert text.count("undefined") == 4 + 1
    assert "undefined: the images are of one class" in words(text)
    assert "undefined" in diagnosis_markdown(record)


def test_rows_of_different_images_are_named():
    record = make_record(diagnoses={"chain": make_scores(1), "floor": make_scores(1, images=32)})
    text = words(render(diagnosis_table(record)))
    assert "chain: 40 images of 20 patients" in text
    assert "floor: 32 images of 16 patients" in text
    assert "do not compare them" in text


def test_val_is_shown_where_nothing_was_tested():
    record = make_record(diagnoses={"chain": make_scores(1, splits=("train", "val"))})
    assert record.splits() == ["val"]
    assert "val split" in render(diagnosis_table(record))
    with pytest.raises(ValueError, match="test split"):
        diagnosis_table(record, "test")


def test_names_are_not_read_as_markup():
    record = make_record(diagnoses={"[red]a": make_scores(1)}, positive="[bold]x|y")
    assert "[red]a" in render(diagnosis_table(record))
    assert "[bold]x|y" in render(diagnosis_table(record))
    assert r"\[red\]a" in diagnosis_markdown(record)


@given(st.text(max_size=30))
def test_escaped_text_stays_one_cell(text):
    cell = escape(text)
    assert not re.search(r"(?<!\\)(\\\\)*\|", cell)
    assert len(cell.splitlines()) <= 1
    assert re.sub(r"\\(.)", r"\1", cell) == " ".join(text.split())


def test_stage_markdown_is_a_table_of_equal_rows():
    record = make_record(stages=[make_stage(data="a|b_c*d")])
    lines = stage_markdown(record).splitlines()
    cells = [re.split(r"(?<!\\)\|", line) for line in lines]
    assert len({len(row) for row in cells}) == 1
    assert r"a\|b_c\*d" in lines[2]


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
