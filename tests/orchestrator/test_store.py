"""What is in the store: finished or not, whatever the clock said."""

import os
import shutil
from pathlib import Path

import pytest
from damaged import damage, flip
from interrupted import BrokenOff, failing_at
from shown import render
from tiny import Load, console_of, run_quietly, weights

from matl.errors import MatlError
from matl.names import FLOORS, MANIFEST, STARTS
from matl.orchestrator.plan import make_plan
from matl.orchestrator.show import show_check, unfinished_table
from matl.orchestrator.store import Store
from matl.stages.base import Stage

DIAGNOSIS = "chain=[diagnosis]"


def break_off(load_tiny: Load, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=1, step=1))
        with pytest.raises(BrokenOff):
            run_quietly(load_tiny(*words))


def test_an_unfinished_stage_is_listed_and_removed(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(load_tiny, monkeypatch, DIAGNOSIS)
    store = Store(tmp_path / "store")
    [one] = store.unfinished()
    assert one.about == {"stage": "diagnosis", "experiment": "tiny"}
    assert one.size > 1_000_000
    assert not one.running
    shown = render(unfinished_table(store), width=80)
    for cell in (one.fingerprint, "diagnosis", "tiny", f"{one.size / 1e6:.1f} MB", "interrupted"):
        assert cell in shown
    with pytest.raises(MatlError, match="no stage"):
        store.find(one.fingerprint[:6])
    found = store.find(one.fingerprint[:6], unfinished=True)
    with store.lock(found):
        assert store.unfinished()[0].running
        with pytest.raises(MatlError, match="a run is training it; end that run"):
            store.remove(found)
    store.remove(found)
    assert not store.unfinished()


def test_what_a_kill_at_the_very_end_left_is_cleared(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(DIAGNOSIS))
    store = Store(tmp_path / "store")
    [finished] = store
    assert not store.unfinished()
    store.workspace(finished)
    run_quietly(load_tiny(DIAGNOSIS))
    assert not store.unfinished()
    store.workspace(finished, fresh=True)
    store.remove(finished)
    assert not list(store)
    assert not store.unfinished()


def test_every_digest_of_a_store_is_checked(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(DIAGNOSIS))
    store = Store(tmp_path / "store")
    [entry] = store
    console, shown = console_of()
    show_check(store, console)
    assert "1 stages, 1 floors, 1 starts are whole" in shown.getvalue()
    counts = {
        entry: "1 of 1 stages, 0 of 1 floors, 0 of 1 starts",
        FLOORS: "0 of 1 stages, 1 of 1 floors, 0 of 1 starts",
        STARTS: "0 of 1 stages, 0 of 1 floors, 1 of 1 starts",
    }
    for file in [path for folder in counts for path in (store.root / folder).iterdir()]:
        before = file.read_bytes()
        damage(file, flip)
        with pytest.raises(MatlError, match=f"damaged are {counts[file.parent.name]}"):
            show_check(store, console)
        assert file.name in shown.getvalue()
        file.write_bytes(before)


def test_only_what_is_named_as_a_stage_is_listed_or_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / MANIFEST).write_text("{}")
    (tmp_path / "unfinished" / "notes").mkdir(parents=True)
    store = Store(tmp_path)
    assert not list(store)
    assert not store.unfinished()
    with pytest.raises(MatlError, match="no stage"):
        store.find("mine", unfinished=True)
    with pytest.raises(MatlError, match=r"^name a stage by its fingerprint"):
        store.find("", unfinished=True)


def test_a_stage_that_cannot_be_looked_into_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root reads everything, the system's answer is put in its place."""

    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "0123456789abcdef").mkdir()
    monkeypatch.setattr(Path, "is_file", denied)
    assert list(Store(tmp_path)) == ["0123456789abcdef"]
    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(MatlError, match=r"cannot be listed \(Permission denied\)"):
        list(Store(tmp_path))


def test_a_store_that_cannot_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", denied)
    expected = f"{tmp_path}: cannot be looked into .Permission denied.; make it readable, or name"
    with pytest.raises(MatlError, match=expected):
        assert "0123456789abcdef" in Store(tmp_path)


def test_reading_a_store_makes_nothing(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(DIAGNOSIS))
    store = Store(tmp_path / "store")
    shutil.rmtree(store.unfinished_folder)
    assert not store.unfinished()
    assert [store.manifest(one).stage for one in store] == ["diagnosis"]
    assert not store.unfinished_folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [86_400, 4_102_444_800], ids=["1970", "2100"])
def test_no_decision_reads_the_time_of_a_file(
    load_tiny: Load,
    tmp_path: Path,
    phantom_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    straight = [f"{name}={tmp_path / 'straight' / name}" for name in ("store", "cache", "runs")]
    run_quietly(load_tiny(DIAGNOSIS, *straight))
    break_off(load_tiny, monkeypatch, DIAGNOSIS)
    planned = make_plan(load_tiny(DIAGNOSIS)).chain[0].fingerprint
    for path in [*tmp_path.rglob("*"), *phantom_root.rglob("*")]:
        os.utime(path, (moment, moment))
    before = next((tmp_path / "store").rglob("before.ckpt"), None)
    if before is not None:
        os.utime(before, (moment + 86_400, moment + 86_400))
    assert make_plan(load_tiny(DIAGNOSIS)).chain[0].fingerprint == planned
    _, _, shown = run_quietly(load_tiny(DIAGNOSIS))
    assert shown.count("training (") == 1
    _, _, shown = run_quietly(load_tiny(DIAGNOSIS))
    assert shown.count("training (") == 0
    assert weights(tmp_path) == weights(tmp_path / "straight")
