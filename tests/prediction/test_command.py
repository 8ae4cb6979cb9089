"""`matl predict` as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from matl.cli import main
from matl.prediction.write import clear_folder
from matl.spreadsheet import read_csv

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def predict(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Call:
    """The command in an empty folder: its exit code, and what it printed."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["matl", "predict", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capfd.readouterr()

    return call


def test_bad_files_are_named_and_the_others_are_scored(
    predict: Call, finished: Path, scans: Path, tmp_path: Path
) -> None:
    good = scans / "test" / "mild" / "test0.png"
    good.rename(good.with_name("=1+1.png"))
    (scans / "test" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, shown, error = predict(finished, "scans/test")
    assert (code, error) == (0, "")
    lines = shown.splitlines()
    assert sum(line.startswith("scans/test/torn.png: ") for line in lines) == 1
    assert any(line.startswith("WARNING: 1 of 17 files cannot be used") for line in lines)
    assert any("16 images are called: normal " in line for line in lines)
    assert f"  matl predict {finished} scans/test --out predictions --explain" in lines
    assert f"  matl evaluate {finished} --data NAME:ROOT" in lines
    content = (tmp_path / "predictions" / "predictions.csv").read_bytes()
    table = read_csv(content)
    assert len(table) == 16
    record = json.loads((tmp_path / "predictions" / "predictions.json").read_text())
    assert [one["image"] for one in record["unreadable"]] == ["scans/test/torn.png"]
    assert [one["score"] for one in record["images"]] == pytest.approx(list(table["score"]))
    assert record["positive"] == "mild"
    assert record["command"].startswith("matl predict ")
    (tmp_path / "=2.png").write_bytes((scans / "test" / "normal" / "test0.png").read_bytes())
    assert predict(finished, "=2.png")[0] == 0
    assert b"\n'=2.png," in (tmp_path / "predictions" / "predictions.csv").read_bytes()


def test_the_same_command_again_scores_the_same_files(
    predict: Call, finished: Path, scans: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        code, shown, _ = predict(finished, ".", "--explain")
        assert code == 0
        assert "58 images are called" in shown
    assert "58 files in predictions, where predictions go, are passed over" in shown


def test_an_ensemble_by_the_command(
    predict: Call, finished: Path, other: Path, scans: Path
) -> None:
    code, shown, _ = predict(finished, "scans", "--model", other, "--coverage", "0.9")
    assert code == 0
    assert "it abstains on" in shown
    assert "--explain" not in shown


def test_a_mistake_is_one_line_and_exit_code_2(
    predict: Call, finished: Path, scans: Path, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = (finished / "predictions.csv").read_bytes()
    for words, expected in (
        (("nowhere", "scans"), "nowhere: holds no finished stage"),
        ((finished, "nowhere"), "nowhere: no such file or folder"),
        ((finished, "full"), "full: holds no image to score"),
        ((finished, "scans", "--out", "scans"), "holds something else than predictions"),
        ((finished, "scans", "--out", "full"), "holds something else than predictions"),
        ((finished, "scans", "--out", finished), "holds something else than predictions"),
        ((finished, "scans", "--out", "full/mine.txt"), "is a file; name a folder"),
        ((finished, "scans", "--coverage", "0.99"), "at least 99 persons, and there are 10"),
    ):
        code, _, error = predict(*words)
        assert code == 2
        assert len(error.strip().splitlines()) == 1, error
        assert expected in error
    assert (finished / "predictions.csv").read_bytes() == before


def test_where_no_file_can_be_read_all_are_named(
    predict: Call, finished: Path, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no image")
    code, shown, error = predict(finished, "a.png", "b.png")
    assert (code, shown) == (2, "")
    assert "none of 2 files can be used" in error
    assert [line.split(":")[0] for line in error.splitlines()[1:]] == ["  a.png", "  b.png"]


def test_an_interrupted_prediction_is_replaced_and_an_earlier_one_kept_until_then(
    predict: Call, finished: Path, scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "predictions"
    (tmp_path / "torn.png").write_bytes(b"no image")
    predict(finished, "scans/test", "--explain")
    before = sorted(out.rglob("*"))
    assert predict(finished, "torn.png")[0] == 2
    assert sorted(out.rglob("*")) == before
    clear_folder(out, {})
    assert [file.name for file in out.iterdir()] == ["predictions.json"]
    assert json.loads((out / "predictions.json").read_text()) == {"finished": False}
    (out / "overlays").mkdir()
    (out / "overlays" / "00001-old.png").touch()
    assert predict(finished, "scans/test")[0] == 0
    assert json.loads((out / "predictions.json").read_text())["finished"] is True
    assert not (out / "overlays").exists()
