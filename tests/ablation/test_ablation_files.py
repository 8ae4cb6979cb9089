import json
import math
from contextlib import suppress
from copy import deepcopy

import pytest
from ablation_records import drawn_record

from matl.ablation.ablation_files import read_ablation, read_fixed, write_record
from matl.ablation.tables import comparison_table, cost_table, gate_table, mean_table
from matl.errors import MatlError
from matl.names import CHECKSUMS, RESULTS


@pytest.fixture(scope="module")
def record():
    return drawn_record()


def test_what_is_written_is_read(tmp_path, record):
    write_record(record, tmp_path)
    assert read_ablation(tmp_path) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "[" * 100_000])
def test_a_damaged_record_is_a_mistake(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(MatlError, match=r"results\.json: is damaged; type the matl ablate again"):
        read_ablation(tmp_path)


@pytest.mark.parametrize("other", [None, {}, "x", math.nan])
def test_an_edited_record_is_refused_or_can_be_shown(tmp_path, record, other):
    """Also where no digest of it is noted."""
    write_record(record, tmp_path)
    (tmp_path / CHECKSUMS).unlink()
    whole = json.loads((tmp_path / RESULTS).read_text())
    for keys in places(whole):
        values = node = deepcopy(whole)
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = other
        (tmp_path / RESULTS).write_text(json.dumps(values))
        with suppress(MatlError):
            found = read_ablation(tmp_path)
            for table in (comparison_table, mean_table):
                table(found)
            gate_table(found.gates)
            cost_table(found.costs)


def places(node, keys=()):
    """Where something stands; of a list the first two."""
    inner = node.items() if isinstance(node, dict) else enumerate(node[:2])
    for key, value in inner:
        yield (*keys, key)
        if isinstance(value, dict | list):
            yield from places(value, (*keys, key))


def test_what_was_fixed_is_read_or_missed(tmp_path):
    file = tmp_path / "analysis.json"
    with pytest.raises(MatlError, match="is damaged or gone"):
        read_fixed(file)
    fixed = {"hash": "1", "cells": 4, "finished_before": 0, "ablation": {"analysis": {"a": 1}}}
    file.write_text(json.dumps(fixed))
    assert read_fixed(file) == fixed
