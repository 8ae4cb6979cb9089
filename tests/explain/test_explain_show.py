"""What `matl explain` prints."""

import io
import re
from pathlib import Path

import pytest
from evidence import evidence
from rich.console import Console

from matl.explain.show import show_explanation
from matl.explain.write import write_explanation


@pytest.mark.parametrize("width", [80, 100, 140])
def test_each_table_shows_its_finding_and_no_markdown(tmp_path: Path, width: int) -> None:
    write_explanation(evidence(), tmp_path)
    shown = io.StringIO()
    show_explanation(tmp_path, Console(file=shown, width=width))
    text, lines = shown.getvalue(), shown.getvalue().splitlines()
    assert max(len(line) for line in lines if not line.startswith("Figures, captions")) <= width
    titles = ("Attribution inside the lungs, chain", "Pointing at the", "The networks of the")
    assert all(any(line.startswith(title) for line in lines) for title in titles)
    assert re.search(r"^grad_cam .*\d \[\d", text, re.M)
    assert "Share inside" in text
    assert not re.search(r"\|.*\||\*", text)
    assert str(tmp_path / "explain.md") in text
