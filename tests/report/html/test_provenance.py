import pytest

from matl.report.html.provenance import digest_table, facts


def manifest(**changes):
    values = {
        "machine": {"system": "Linux", "device": "CPU", "cores": 4},
        "commit": "0123456789abcdef0123+",
        "finished": "2026-01-02",
        "identity": {"seed": 0, "trainer": {"precision": "32-true"}, "data": "d" * 40},
        "trainer": {"processes": 1, "threads": 2},
        "versions": {"torch": "2.15"},
        "fingerprint": "f" * 40,
        "parent": None,
        "sha256": {"backbone.safetensors": "b" * 64},
    }
    return values | changes


def test_facts_name_several_values_where_stages_differ():
    found = facts([manifest(), manifest(versions={"torch": "2.16"}, finished="2026-01-03")])
    assert found["torch"] == "2.15; 2.16"
    assert found["Finished"] == "2026-01-03"
    assert found["Commit of matl"] == "0123456789ab+"
    assert found["Processes x threads"] == "1 x 2"
    assert facts([]) == {}


@pytest.mark.parametrize("commit", [None, ""])
def test_what_was_no_checkout_is_called_so(commit):
    assert facts([manifest(commit=commit)])["Commit of matl"] == "not a checkout"


def test_manifests_of_an_earlier_version_are_read():
    old = manifest()
    old["identity"] = old["identity"] | {
        "trainer": {"precision": "32-true", "processes": 2, "threads": 3}
    }
    del old["trainer"]
    assert facts([old])["Processes x threads"] == "2 x 3"


def test_the_digests_of_each_stage_stand_in_one_row():
    table = digest_table({"natural": manifest(), "diagnosis": manifest(parent="a" * 40)})
    assert [str(cell) for cell in table.rows[1]] == [
        *("diagnosis", "2026-01-02", "f" * 12, "a" * 12, "d" * 12, "b" * 12)
    ]
    assert table.rows[0][3].text == ""
