import re

from hypothesis import given, settings
from hypothesis import strategies as st
from records import make_record, make_stage
from shown import render, words

from matl.report.markdown import markdown_table
from matl.report.run_record import NetworkRow, StartRow
from matl.report.stage_tables import network_table, stage_table, start_table
from matl.report.words import duration

WIDE = 200


def test_stage_table_shows_every_number_whole():
    text = render(stage_table(make_record()), WIDE)
    for number in ("5,216", "30", "12 min 34 s", "207", "2,345", "0.930"):
        assert re.search(rf"(?<!\S){number}(?!\S)", text)
    assert "this store" in text
    assert "Trained by this experiment: 12 min 34 s" in words(text)


def test_what_a_value_is_to_be_read_with_stands_below():
    read = "identity/accuracy 0.850 (position alone 0.820, chance 0.167)"
    stages = [make_stage(name="lung", references=read), make_stage(name="other")]
    caption = stage_table(make_record(stages=stages)).caption
    assert caption.endswith(f"it is not a result. lung: {read}.")


def test_what_was_found_in_training_stands_first_below():
    stages = [make_stage(name="lung", findings=["collapsed from epoch 2: cause: advice"])]
    caption = stage_table(make_record(stages=stages)).caption
    assert caption.startswith("WARNING: lung: collapsed from epoch 2: cause: advice. ")


def test_promises_stand_beside_gains():
    scratch = StartRow("from scratch", 300, -0.5, 0.1, 2.0)
    lung = StartRow("lung", 300, -0.25, 0.5, 3.0, "AUROC", "test", 0.1, -0.05, 0.25)
    text = render(start_table(make_record(starts=[scratch, lung])), WIDE)
    assert re.search(r"lung\s+300\s+-0.250\s+0.500\s+3.000\s+\+0.100 \[-0.050, \+0.250\]", text)
    assert "Gain, AUROC, test" in text
    alone = render(start_table(make_record(starts=[scratch])), WIDE)
    assert "Gain" not in alone
    assert start_table(make_record(starts=[])) is None


def test_at_80_columns_the_costs_stand_beside_the_names():
    text = render(stage_table(make_record()), 80)
    for shown in ("chest_xray", "lung", "5,216", "12 min 34 s"):
        assert shown in text
    assert "Not shown at this width: Part, Task, Data, Size" in words(text)


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
    text = render(stage_table(make_record(stages=[stage])), WIDE)
    numbers = (duration(seconds), f"{speed:,.0f}", f"{memory:,.0f}", f"{value:.3f}")
    for whole in (*numbers, f"{images:,}"):
        assert re.search(rf"(?<!\S){re.escape(whole)}(?!\S)", text)


def test_what_was_not_measured_is_not_printed():
    stage = make_stage(
        seconds=None, images_per_second=None, peak_memory_mb=None, metric=None, value=None
    )
    table = stage_table(make_record(stages=[stage]))
    text = render(table) + markdown_table(table)
    assert "None" not in text
    assert "nan" not in text
    assert "Trained by this experiment:" not in text


def test_one_network_is_not_called_a_match():
    rows = [NetworkRow(name, "r18", name, 100, 0, {"32 x 32": 10}) for name in ("none", "other")]
    assert "against" not in network_table(rows[:1]).caption
    assert network_table(rows[:1]).title == "What the network holds"
    assert "none against other: +0.00% FLOPs at 32 x 32." in network_table(rows).caption
