import re
from dataclasses import replace

import pytest
from ablation_records import drawn_record

from matl.ablation.ablation_files import write_record
from matl.ablation.power import power_like
from matl.errors import MatlError


def least(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"(\d+\.\d{3}) AUROC", text)]


def test_errors_that_were_measured_are_scaled(tmp_path):
    record = drawn_record()
    write_record(record, tmp_path)
    same = power_like(tmp_path)
    assert len(least(same)) == len(record.comparisons)
    assert record.comparisons[0].what in same
    more = power_like(tmp_path, patients=10_000, seeds=100)
    assert "10000 patients, 100 seeds" in more
    assert all(new < old / 3 for new, old in zip(least(more), least(same), strict=True))


def test_one_seed_says_nothing_of_others(tmp_path):
    record = drawn_record()
    single = [
        replace(one, plain=replace(one.plain, seeds_error=None)) for one in record.comparisons
    ]
    write_record(replace(record, comparisons=single), tmp_path)
    with pytest.raises(MatlError, match="no comparison has two seeds"):
        power_like(tmp_path)


def test_only_an_ablation_has_measured_them(tmp_path):
    with pytest.raises(MatlError, match=r"is no folder with a results\.json"):
        power_like(tmp_path)
