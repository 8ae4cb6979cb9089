"""Tables of images of any bytes, columns and cells."""

import csv
import io

import pytest
from fuzzed import Place, assert_harmless, damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = ["path", "label", "patient", "split"]
ROWS = [
    [f"scans/{split}/{kind}/{number}.png", kind, f"p{number}{kind}{split}", split]
    for split, images in (("train", 8), ("val", 4), ("test", 4))
    for kind in ("covid", "other")
    for number in range(images)
]
CELLS = ["", " ", "/etc/passwd", "/dev/zero", "../x.png", "=1+1", "a\nb", 'a"b', "a,b", "x" * 5000]
CELLS += ["NA", "nan", "0", "1.0", "1", "covid", "Covid", "cov\u0456d"]
CELLS += ["\x00", "\u202e", "e\u0301", "\u00e9"]
HEADERS = ["path", "label", " label", "patient", "patient_id", "split", "Split", "", "path,", "x"]
CSV_WORDS = ["stages.diagnosis.data={name: csv, root: ., positive: covid, options: {table: t.csv}}"]


def written(rows: list[list[str]], dialect: str = "excel") -> bytes:
    text = io.StringIO()
    csv.writer(text, dialect).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


@st.composite
def edited_tables(draw: st.DrawFn) -> bytes:
    """A good table of which a few headers, cells and rows are others."""
    rows = [list(row) for row in [COLUMNS, *ROWS]]
    for _ in range(draw(st.integers(1, 6))):
        row = draw(st.integers(0, len(rows) - 1))
        column = draw(st.integers(0, 3))
        match draw(st.sampled_from(["cell", "header", "drop", "double", "short", "long"])):
            case "cell":
                rows[row][column : column + 1] = [
                    draw(st.sampled_from(CELLS) | st.text(max_size=9))
                ]
            case "header":
                rows[0][column : column + 1] = [draw(st.sampled_from(HEADERS))]
            case "drop" if len(rows) > 1:
                del rows[row]
            case "double":
                rows.append(rows[row])
            case "short":
                rows[row] = rows[row][:column]
            case _:
                rows[row] = [*rows[row], "more"]
    return written(rows, draw(st.sampled_from(["excel", "excel-tab", "unix"])))


good = written([COLUMNS, *ROWS])
tables = damaged_bytes(good) | edited_tables() | st.binary(max_size=200)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "data"])
@fuzz(120)
@given(table=tables)
def test_a_table_is_read_or_refused(scans: Place, command: str, table: bytes) -> None:
    (scans.folder / "t.csv").write_bytes(table)
    assert_harmless(scans.run(command, "scans.yaml", *CSV_WORDS))


@pytest.mark.slow
@fuzz(60)
@given(table=tables)
def test_an_experiment_is_written_for_a_table_or_it_is_refused(scans: Place, table: bytes) -> None:
    (scans.folder / "t.csv").write_bytes(table)
    (scans.folder / "t.yaml").unlink(missing_ok=True)
    assert_harmless(scans.run("init", "t.csv", "--positive", "covid"))
