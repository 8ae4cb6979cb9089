"""What a run's folder and the store keep of it."""

from pathlib import Path

import pytest
from tiny import Load, run_quietly

from matl.checksums import write_files
from matl.errors import MatlError
from matl.names import EXPERIMENT
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.finished_run import read_run
from matl.orchestrator.store import Store
from matl.trained import _settings


def test_a_run_is_evaluated_from_any_folder(
    load_tiny: Load, phantom_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its paths were relative to the folder in which it was started."""
    monkeypatch.chdir(tmp_path)
    places = [f"{name}={name}" for name in ("store", "cache", "runs")]
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]", *places))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    monkeypatch.chdir(moved)
    other = f"phantom_null:{phantom_root / 'external'}"
    record, report = evaluate_external(tmp_path / folder, other, None, "matl evaluate")
    assert record.scored.results("test")
    assert report.is_relative_to(tmp_path / "runs")
    assert not list(moved.iterdir())


@pytest.mark.parametrize("named", [False, True])
def test_a_run_that_was_moved_finds_its_store(
    load_tiny: Load, phantom_root: Path, tmp_path: Path, named: bool
) -> None:
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    moved = tmp_path / "moved"
    moved.mkdir()
    store = moved / ("elsewhere" if named else "store")
    (tmp_path / "store").rename(store)
    (tmp_path / "runs").rename(moved / "runs")
    run = moved / "runs" / folder.name
    other = f"phantom_null:{phantom_root / 'external'}"
    record, _ = evaluate_external(run, other, None, "matl evaluate", store if named else None)
    assert record.scored.results("test")
    assert not (tmp_path / "store").exists()
    with pytest.raises(MatlError, match=r"no such store; name it with --store"):
        read_run(run, tmp_path / "nowhere")


def test_another_users_store_is_read_as_it_is(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_quietly(load_tiny("chain=[diagnosis]"))
    before = sorted((tmp_path / "store").rglob("*"))

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Store, "lock", refused)
    _, _, shown = run_quietly(load_tiny("chain=[diagnosis]"))
    assert "in the store" in shown
    assert sorted((tmp_path / "store").rglob("*")) == before


def test_a_run_of_before_there_was_a_fit_was_stretched(load_tiny: Load) -> None:
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    assert read_run(folder).config.fit == "crop"
    lines = (folder / EXPERIMENT).read_text().splitlines(keepends=True)
    before = "".join(line for line in lines if line.split(":")[0].strip() != "fit")
    write_files(folder, {EXPERIMENT: before.encode()})
    assert read_run(folder).config.fit == "stretch"
    settings = {"task": "diagnosis", "part": 3, "epochs": 1}
    assert _settings(settings).fit == "stretch"
    assert _settings(settings | {"fit": "pad"}).fit == "pad"
