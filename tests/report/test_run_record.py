from dataclasses import replace

from report_records import make_record


def test_a_changed_record_keeps_what_was_computed():
    record = make_record()
    results = record.scored.results("test")
    assert replace(record, notes=[]).scored.results("test") is results
