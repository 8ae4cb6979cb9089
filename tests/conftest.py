"""What every test shares: two quiet threads, and the public data sets where they exist."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("WANDB_SILENT", "true")
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets: MATL_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("MATL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no public data sets at {folder.name}: set MATL_DATA to their folder")
    return folder
