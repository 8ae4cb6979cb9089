from dataclasses import replace

from ablation_records import drawn_record

from matl.ablation.summary import summary


def test_the_verdict_comes_before_the_tables():
    record = drawn_record()
    text = summary(record)
    assert text.startswith("# drawn\n\nPrimary analysis 1234")
    assert f"**{record.verdict}** against a margin of 0" in text
    order = ["**", "## Verdict", "## What is tested", "## What each arm reaches", "## Comparisons"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert text.count("| primary |") == 1


def test_nothing_finished_is_said():
    record = replace(drawn_record(), comparisons=[], means=[], verdict=None)
    text = summary(record)
    assert "No cell is finished yet." in text
    assert "Comparisons" not in text
