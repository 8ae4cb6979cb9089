"""Arrays on disk are whole or absent, and threads keep the order of their items."""

import json
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from data_modules.arrays import (
    ARRAY,
    META,
    in_threads,
    mapped_arrays,
    open_arrays,
    store_arrays,
    write_rows,
)

ROWS = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)


def write(file: BinaryIO) -> dict:
    return {"shapes": write_rows(file, ROWS), "note": "seen"}


def test_an_array_is_written_once_and_opened_again(tmp_path: Path):
    arrays, meta = store_arrays(tmp_path / "deep" / "one", write)
    np.testing.assert_array_equal(list(arrays), ROWS)
    assert meta == {"shapes": [[2, 3]] * 4, "note": "seen"}
    assert not arrays[0].flags.writeable
    again, _ = store_arrays(tmp_path / "deep" / "one", lambda file: pytest.fail("written twice"))
    np.testing.assert_array_equal(list(again), ROWS)


@pytest.mark.parametrize(
    "meta",
    [
        *("[1]", "3", '{"shapes": 3}', '{"shapes": ["a"]}', '{"shapes": [[2, 3], [4]]}'),
        *('{"shapes": [[24, -1]]}', '{"shapes": [[1e400]]}', f'{{"shapes": [[{10**30}]]}}'),
        "[" * 100_000,
    ],
)
def test_meta_data_of_another_form_are_absent(tmp_path: Path, meta: str):
    folder = tmp_path / "one"
    store_arrays(folder, write)
    (folder / META).write_text(meta)
    assert mapped_arrays(folder) is None
    assert open_arrays(folder) is None


@pytest.mark.parametrize("damage", ["absent", "short", "no shapes", "no JSON"])
def test_what_is_damaged_is_absent(tmp_path: Path, damage: str):
    folder = tmp_path / "one"
    store_arrays(folder, write)
    if damage == "absent":
        (folder / ARRAY).unlink()
    elif damage == "short":
        (folder / ARRAY).write_bytes(b"123")
    else:
        (folder / META).write_text(json.dumps({}) if damage == "no shapes" else "{")
    assert open_arrays(folder) is None
    np.testing.assert_array_equal(list(store_arrays(folder, write)[0]), ROWS)


def test_a_failing_writer_leaves_nothing(tmp_path: Path):
    def fail(file: BinaryIO) -> dict:
        file.write(b"half")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        store_arrays(tmp_path / "one", fail)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_rows_must_be_alike(tmp_path: Path):
    with open(tmp_path / "rows", "wb") as file:
        assert write_rows(file, []) == []
        assert write_rows(file, [ROWS[0, ::-1], ROWS[1, :1]]) == [(2, 3), (1, 3)]
        for rows in ([ROWS[0], ROWS[0, 0]], [ROWS[0].astype(float)]):
            with pytest.raises(ValueError, match=r"row \d is .* not uint8"):
                write_rows(file, rows)
    written = ROWS[0, ::-1].tobytes() + ROWS[1, :1].tobytes() + ROWS[0].tobytes()
    assert (tmp_path / "rows").read_bytes() == written


def test_threads_keep_the_order_and_report_progress():
    used, calls = set(), []

    def double(number: int) -> int:
        used.add(threading.current_thread().name)
        return 2 * number

    done = in_threads(double, range(5000), lambda *state: calls.append(state))
    assert list(done) == [2 * number for number in range(5000)]
    assert calls[-1] == (5000, 5000)
    assert sorted(calls) == calls
    assert threading.current_thread().name not in used
