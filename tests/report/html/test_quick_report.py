"""`matl report` of what is finished answers like a command: it imports and draws little."""

import subprocess
import sys
from pathlib import Path

import pytest
from report_records import make_record

from matl.report.html.run_page import write_run_page
from matl.report.run_report import write_report

HEAVY = ("torch", "pytorch_lightning", "lightly", "monai", "timm", "wandb", "scipy", "sklearn")
DRAWING = ("matplotlib",)
MEGABYTES = 200
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
CODE = """
import sys
from pathlib import Path
from {module} import {function}
{call}
print(*[name for name in {names} if name in sys.modules])
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def in_fresh_interpreter(module: str, function: str, call: str = "") -> tuple[list[str], float]:
    """What of the heavy libraries is imported, and the peak memory in MB.

    The kernel counts it: `resource` would give the peak of the process that started this one.
    """
    code = CODE.format(module=module, function=function, call=call, names=(*HEAVY, *DRAWING))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, memory = done.stdout.splitlines()[-2:]
    return imported.split(), int(memory) / 1024


def test_the_page_of_a_finished_run_is_written_without_heavy_libraries(tmp_path: Path) -> None:
    write_report(make_record(), tmp_path)
    page = write_run_page(tmp_path).read_bytes()
    call = f"write_run_page(Path({str(tmp_path)!r}))"
    imported, memory = in_fresh_interpreter("matl.report.html.run_page", "write_run_page", call)
    assert imported == []
    assert memory < MEGABYTES
    assert (tmp_path / "report.html").read_bytes() == page


def test_a_figure_that_is_gone_is_drawn_with_matplotlib(tmp_path: Path) -> None:
    """The check above can fail."""
    write_report(make_record(), tmp_path)
    write_run_page(tmp_path)
    (tmp_path / "figures" / "roc.svg").unlink()
    call = f"write_run_page(Path({str(tmp_path)!r}))"
    imported, _ = in_fresh_interpreter("matl.report.html.run_page", "write_run_page", call)
    assert "matplotlib" in imported


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("matl.ablation.page", "write_ablation_page"),
        ("matl.ablation.summary", "summary"),
        ("matl.report.closing", "closing_sentence"),
        ("matl.report.terminal_table", "TerminalTable"),
        ("matl.report.diagnosis_tables", "diagnosis_table"),
    ],
)
def test_nothing_that_shows_results_imports_a_heavy_library(module: str, function: str) -> None:
    imported, memory = in_fresh_interpreter(module, function)
    assert imported == []
    assert memory < MEGABYTES
