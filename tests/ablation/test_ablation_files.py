import json

import pytest
from ablation_records import drawn_record

from matl.ablation.ablation_files import read_ablation, read_fixed, write_record
from matl.errors import MatlError


def test_what_is_written_is_read(tmp_path):
    record = drawn_record()
    write_record(record, tmp_path)
    assert read_ablation(tmp_path) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}'])
def test_a_damaged_record_is_a_mistake(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(MatlError, match=r"results\.json: is damaged; type the matl ablate again"):
        read_ablation(tmp_path)


def test_what_was_fixed_is_read_or_missed(tmp_path):
    file = tmp_path / "analysis.json"
    with pytest.raises(MatlError, match="is damaged or gone"):
        read_fixed(file)
    fixed = {"hash": "1", "cells": 4, "finished_before": 0, "ablation": {"analysis": {"a": 1}}}
    file.write_text(json.dumps(fixed))
    assert read_fixed(file) == fixed
