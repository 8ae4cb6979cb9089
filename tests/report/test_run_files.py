"""A run's record can be read again from its folder."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from report_records import make_record

from matl.errors import MatlError
from matl.names import CHECKSUMS
from matl.report.run_files import read_record
from matl.report.run_record import NetworkRow, RunRecord, StartRow
from matl.report.run_report import write_report


def whole_record() -> RunRecord:
    counts = pd.DataFrame(
        {"images": [20, 36], "patients": [7, 12], "COVID": [9, 18]}, index=["train", "all"]
    ).rename_axis("split")
    network = NetworkRow("attention", "resnet18", "attention", 100, 4, {"32 x 32": 1000})
    other = pd.DataFrame({"epoch": [1, 2], "val/auroc": [0.5, 0.625]})
    starts = [
        StartRow("from scratch", 20, -0.5, 0.1, 2.0),
        StartRow("lung", 20, -0.25, 0.5, 3.0, "AUROC", "test", 0.1, -0.05, 0.25),
    ]
    record = make_record(data={"diagnosis": counts}, networks=[network], starts=starts)
    return replace(record, curves=record.curves | {"NA": other})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = whole_record()
    write_report(record, tmp_path)
    found = read_record(tmp_path)
    for name in ("experiment", "stages", "seeds", "networks", "starts", "split_note"):
        assert getattr(found, name) == getattr(record, name)
    assert found.scored.positive == record.scored.positive
    assert found.scored.negative == record.scored.negative
    assert found.notes[1] == "See …/log.txt."
    assert found.manifest["torch"] == "2.15"
    assert found.scored.results("test") == record.scored.results("test")
    assert found.scored.results("val") == record.scored.results("val")
    pd.testing.assert_frame_equal(found.data["diagnosis"], record.data["diagnosis"])
    assert list(found.curves["diagnosis"]) == ["epoch", "loss", "val/loss", "gate/16", "note"]
    pd.testing.assert_frame_equal(found.curves["NA"], record.curves["NA"], check_dtype=False)


def test_a_patient_may_be_called_na(tmp_path: Path) -> None:
    record = make_record()
    scores = {name: table.assign(patient="NA") for name, table in record.scored.models.items()}
    write_report(make_record(diagnoses=scores), tmp_path)
    assert set(read_record(tmp_path).scored.models["chain"]["patient"]) == {"NA"}


def test_a_folder_without_a_record_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="holds no finished run or ablation") as error:
        read_record(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("noted", [True, False])
def test_an_edited_record_is_refused_or_is_the_same(tmp_path: Path, noted: bool) -> None:
    write_report(make_record(), tmp_path)
    if not noted:
        (tmp_path / CHECKSUMS).unlink()
    whole = (tmp_path / "record.json").read_bytes()
    for keys in leaves(json.loads(whole)):
        for other in (None, [], {}, "x", -1.5, True):
            values = node = json.loads(whole)
            for key in keys[:-1]:
                node = node[key]
            node[keys[-1]] = other
            (tmp_path / "record.json").write_text(json.dumps(values))
            with suppress(MatlError):
                read_record(tmp_path)
                assert not noted or values == json.loads(whole)


def test_a_count_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    write_report(whole_record(), tmp_path)
    (tmp_path / CHECKSUMS).unlink()
    values = json.loads((tmp_path / "record.json").read_bytes())
    del values["data"]["diagnosis"]["train"]["COVID"]
    (tmp_path / "record.json").write_text(json.dumps(values))
    with pytest.raises(MatlError, match="holds no finished run"):
        read_record(tmp_path)


def leaves(node: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = list(node.items() if isinstance(node, dict) else enumerate(node))
    for key, one in inner:
        if isinstance(one, dict | list) and one:
            yield from leaves(one, (*keys, key))
        else:
            yield (*keys, key)
