"""What the tests of the settings share."""

from pathlib import Path

import pytest
from minimal import MINIMAL


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """The file of the smallest experiment."""
    file = tmp_path / "minimal.yaml"
    file.write_text(MINIMAL)
    return file
