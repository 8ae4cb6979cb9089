import re
from dataclasses import replace

import pytest
from ablation_records import drawn_record

from matl.ablation.ablation_files import write_record
from matl.ablation.power import power_like
from matl.errors import MatlError


@pytest.fixture(scope="module")
def record():
    return drawn_record()


def least(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"(\d+\.\d{3}) AUROC", text)]


def test_errors_that_were_measured_are_scaled(record, tmp_path):
    write_record(record, tmp_path)
    same = power_like(tmp_path)
    assert len(least(same)) == len(record.comparisons)
    assert record.comparisons[0].what in same
    more = power_like(tmp_path, patients=10_000, seeds=100)
    assert "10000 patients, 100 seeds" in more
    assert all(new < old / 3 for new, old in zip(least(more), least(same), strict=True))


def test_no_difference_is_promised_beyond_what_the_arm_reached(record, tmp_path):
    write_record(record, tmp_path)
    reached = {
        (one.arm, one.regime, one.split, one.fraction): one.value.value for one in record.means
    }
    lines = power_like(tmp_path, patients=3, seeds=2).splitlines()[:-1]
    kinds = set()
    for one, line in zip(record.comparisons, lines, strict=True):
        gain_of = (*one.arms, one.regime, one.split, one.fraction)
        most = 0.5 if len(one.arms) == 2 else reached[gain_of] - 0.5
        impossible = least(line)[0] > most
        kinds.add((len(one.arms), impossible))
        assert ("none can be found with this test set" in line) == impossible
        assert line.endswith(f"at most {most:.3f} is possible") == impossible
    assert kinds >= {(1, True), (2, True)}


def test_the_file_itself_is_taken_too(record, tmp_path):
    write_record(record, tmp_path)
    of_file, of_folder = (power_like(one) for one in (tmp_path / "results.json", tmp_path))
    assert of_file.splitlines()[:-1] == of_folder.splitlines()[:-1]
    with pytest.raises(MatlError, match=r"other\.json: is no folder with a results\.json"):
        power_like(tmp_path / "other.json")


def test_one_seed_says_nothing_of_others(record, tmp_path):
    single = [
        replace(one, plain=replace(one.plain, seeds_error=None)) for one in record.comparisons
    ]
    write_record(replace(record, comparisons=single), tmp_path)
    with pytest.raises(MatlError, match="no comparison has two seeds"):
        power_like(tmp_path)


def test_only_an_ablation_has_measured_them(tmp_path):
    with pytest.raises(MatlError, match=r"is no folder with a results\.json"):
        power_like(tmp_path)
