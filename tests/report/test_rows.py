import pytest

from matl.report.rows import current_name, from_scratch


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("scratch", "from scratch"),
        ("diagnosis (scratch)", "diagnosis, from scratch"),
        ("diagnosis, from scratch", "diagnosis, from scratch"),
        ("chain", "chain"),
    ],
)
def test_names_of_earlier_versions_are_read(written, shown):
    assert current_name(written) == shown


def test_a_stage_from_scratch_is_named_after_the_stage():
    assert from_scratch("diagnosis") == "diagnosis, from scratch"
