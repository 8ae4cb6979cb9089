"""What tests share: the public data sets where they exist, and a tiny experiment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, running_browser
from command import Matl, command
from hypothesis import settings
from tiny import Load, write_tiny
from tiny_ablation import ABLATION

from matl.config import load_experiment

os.environ.setdefault("WANDB_SILENT", "true")
settings.register_profile("matl", deadline=None)  # a machine may be busy
settings.load_profile("matl")
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets: MATL_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("MATL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no public data sets at {folder.name}: set MATL_DATA to their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor change what the user's matl has kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATL_CACHE_HOME", str(tmp_path_factory.mktemp("cache_home")))
        yield


@pytest.fixture(scope="session")
def phantom_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantom images are drawn once for all tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def tiny_file(tmp_path: Path, phantom_root: Path) -> Path:
    """The tiny experiment's file, with folders of this test's own."""
    return write_tiny(tmp_path, phantom_root)


@pytest.fixture
def ablation_file(tiny_file: Path) -> Path:
    """The file of an ablation of the tiny experiment, beside it."""
    file = tiny_file.parent / "ablation.yaml"
    file.write_text(ABLATION)
    return file


@pytest.fixture
def load_tiny(tiny_file: Path) -> Load:
    return lambda *overrides: load_experiment(tiny_file, overrides)


@pytest.fixture
def matl(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Matl:
    """The command, in this process."""
    return command(monkeypatch, capfd)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser; the test is skipped where there is none."""
    with running_browser() as one:
        yield one


@pytest.fixture
def wandb_session() -> Iterator[None]:
    """wandb reads its environment again in this test, and has a service of its own."""
    from matl.orchestrator.wandb_run import leave_service

    leave_service()
    yield
    leave_service()
