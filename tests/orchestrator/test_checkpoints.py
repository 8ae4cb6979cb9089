"""The last two checkpoints: a damaged one is said and not used, and nothing in one is executed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from damaged import damage, flip
from interrupted import BrokenOff, failing_at
from rich.console import Console
from tiny import Load, console_of, run_quietly, weights

from matl.errors import MatlError
from matl.names import CHECKPOINT, CHECKPOINT_BEFORE
from matl.orchestrator.checkpoints import LastTwo, checkpoint_in
from matl.stages.base import Stage

DIAGNOSIS = ("chain=[diagnosis]", "stages.diagnosis.epochs=4")
QUIET = Console(quiet=True)


def save(folder: Path, *values: int) -> None:
    for value in values:
        LastTwo().save_checkpoint({"value": torch.tensor(value)}, folder / CHECKPOINT)


def value_in(file: Path | None) -> int:
    assert file is not None
    return int(torch.load(file, weights_only=True)["value"])


def cut(content: bytes) -> bytes:
    return content[:-100]


def empty(content: bytes) -> bytes:
    return b""


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    assert checkpoint_in(tmp_path, QUIET) is None
    save(tmp_path, 1, 2, 3)
    assert value_in(checkpoint_in(tmp_path, QUIET)) == 3
    assert value_in(tmp_path / CHECKPOINT_BEFORE) == 2
    assert len([*tmp_path.glob("*.ckpt")]) == 2
    assert not [*tmp_path.glob("*.partial")]


@pytest.mark.parametrize("how", [cut, flip, empty])
def test_a_damaged_one_is_said_and_the_one_before_is_used(
    tmp_path: Path, how: Callable[[bytes], bytes]
) -> None:
    save(tmp_path, 1, 2)
    damage(tmp_path / CHECKPOINT, how)
    console, shown = console_of()
    assert value_in(checkpoint_in(tmp_path, console)) == 1
    assert shown.getvalue().count("\n") == 1
    assert "last.ckpt: its SHA-256 is not that of a saved checkpoint" in shown.getvalue()
    save(tmp_path, 3)
    assert value_in(tmp_path / CHECKPOINT_BEFORE) == 1
    damage(tmp_path / CHECKPOINT, how)
    damage(tmp_path / CHECKPOINT_BEFORE, how)
    for _ in range(2):
        with pytest.raises(MatlError, match=r"last\.ckpt: the checkpoint is damaged; delete"):
            checkpoint_in(tmp_path, QUIET)


def test_killed_between_its_renames_the_one_before_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1, 2)
    rename = os.replace

    def killed(source: Path, target: Path) -> None:
        if Path(target).name == CHECKPOINT:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as once:
        once.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, 3)
    assert value_in(checkpoint_in(tmp_path, QUIET)) == 2


def test_one_saved_before_there_were_digests_is_used(tmp_path: Path) -> None:
    torch.save({"value": torch.tensor(1)}, tmp_path / CHECKPOINT)
    assert value_in(checkpoint_in(tmp_path, QUIET)) == 1


def test_going_on_from_the_one_before_ends_with_the_same_weights(
    load_tiny: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    straight = [f"{name}={tmp_path / 'straight' / name}" for name in ("store", "runs")]
    run_quietly(load_tiny(*DIAGNOSIS, *straight))
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=3, step=1))
        with pytest.raises(BrokenOff):
            run_quietly(load_tiny(*DIAGNOSIS))
    [last] = (tmp_path / "store" / "unfinished").glob("*/last.ckpt")
    damage(last, flip)
    run_quietly(load_tiny(*DIAGNOSIS))
    assert capsys.readouterr().out.count("its SHA-256 is not that of a saved checkpoint") == 1
    assert weights(tmp_path) == weights(tmp_path / "straight")


class Payload:
    """What a program in a pickle would do."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.file),)


def test_a_pickled_program_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 1)
    victim = tmp_path / "executed"
    LastTwo().save_checkpoint({"state_dict": Payload(victim)}, tmp_path / CHECKPOINT)
    file = checkpoint_in(tmp_path, QUIET)
    assert file is not None
    with pytest.raises(MatlError, match=r"last\.ckpt: holds a pickled program"):
        LastTwo().load_checkpoint(file, weights_only=True)
    assert not victim.exists()
