"""A disk that is full, read-only or gone: one line, and nothing finished is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty import Chain, Run, mounted
from tiny import weights

pytestmark = pytest.mark.slow
LESS_THAN_A_CHECKPOINT = 5_000_000
KEPT = "what is finished is kept, and the same command resumes when this is fixed"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk in memory that two stages of the chain fill."""
    folder = tmp_path / "disk"
    if not mounted(folder, "1g"):
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def chain(tmp_path: Path, phantom_root: Path) -> Chain:
    """A chain whose first stage is finished."""
    chain = Chain(tmp_path / "faulty", phantom_root)
    chain.words = ["--through", "1"]
    chain.finish()
    chain.words = []
    return chain


def fails_in_a_line(run: Run, what: str) -> None:
    assert run.end() == 2, run.shown
    last = run.shown.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert what in last
    assert KEPT in last
    assert "Traceback" not in run.shown


def ends_undisturbed(chain: Chain, tmp_path: Path, phantom_root: Path) -> None:
    chain.finish()
    Chain(tmp_path / "straight", phantom_root).finish()
    assert weights(chain.file.parent) == weights(tmp_path / "straight")


def test_no_file_may_be_so_large(chain: Chain, tmp_path: Path, phantom_root: Path) -> None:
    run = chain.start(largest_file=LESS_THAN_A_CHECKPOINT)
    fails_in_a_line(run, "File too large")
    chain.check(run)
    ends_undisturbed(chain, tmp_path, phantom_root)


def test_a_full_disk(chain: Chain, disk: Path, tmp_path: Path, phantom_root: Path) -> None:
    chain.store.root.rename(tmp_path / "store")
    subprocess.run(["cp", "-r", tmp_path / "store", disk], check=True)
    chain.store.root.symlink_to(disk / "store")
    room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.truncate(0)
        os.posix_fallocate(file.fileno(), 0, room - LESS_THAN_A_CHECKPOINT)
    run = chain.start()
    fails_in_a_line(run, "No space left on device")
    chain.check(run)
    assert not [*disk.rglob("*.partial")]
    filler.unlink()
    ends_undisturbed(chain, tmp_path, phantom_root)


def test_a_store_that_is_read_only(
    chain: Chain, disk: Path, tmp_path: Path, phantom_root: Path
) -> None:
    chain.store.root.rename(tmp_path / "store")
    subprocess.run(["cp", "-r", tmp_path / "store", disk], check=True)
    chain.store.root.symlink_to(disk / "store")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    run = chain.start()
    assert run.end() == 2, run.shown
    [line] = [line for line in run.shown.splitlines() if "error: " in line]
    assert "Read-only file system" in line
    assert "Traceback" not in run.shown
    chain.check(run)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    ends_undisturbed(chain, tmp_path, phantom_root)


def test_a_store_that_vanishes(chain: Chain, tmp_path: Path, phantom_root: Path) -> None:
    chain.words = ["stages.lung.epochs=500"]
    run = chain.start()
    while not [*chain.store.root.glob("unfinished/*/last.ckpt")]:
        assert not run.ended_within(0.05), run.shown
    chain.store.root.rename(tmp_path / "gone")
    fails_in_a_line(run, "store/unfinished")
    (tmp_path / "gone").rename(chain.store.root)
    chain.check(run)
    chain.words = []
    ends_undisturbed(chain, tmp_path, phantom_root)
