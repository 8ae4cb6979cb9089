"""What an audit leaves in its folder: a page, the findings, and all pairs of copies."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from data_modules.audit.findings import Finding
from data_modules.audit.set_audit import Audit
from matl.errors import MatlError
from matl.files import replace_file
from matl.names import AUDIT_FINDINGS, AUDIT_PAGE, AUDIT_ROWS
from matl.report.html.audit_page import audit_page
from matl.spreadsheet import csv_bytes


def refuse_folder(folder: Path) -> None:
    """Refuses a folder that holds other files than an earlier audit's.

    Raises:
        MatlError: It is no folder, or holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise MatlError(f"--to {folder}: is no folder; name another one")
    ours = {AUDIT_FINDINGS, AUDIT_PAGE, AUDIT_ROWS}
    if folder.is_dir() and (others := {one.name for one in folder.iterdir()} - ours):
        raise MatlError(
            f"--to {folder}: holds {sorted(others)[0]}, which no audit wrote; name another folder"
        )


def write_audit(audits: Mapping[str, Audit], folder: Path, command: str) -> Path:
    """Writes the page and the tables of an audit.

    Args:
        audits: By the name of the stage or the data set.
        folder: Of the files; it is made where it is missing.
        command: What was typed, for the page.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = [(name, one) for name, audit in audits.items() for one in audit.findings]
    listed = [(name, one.grade, one.kind, one.count, one.what, one.text) for name, one in found]
    columns = ["data", "grade", "finding", "count", "what", "text"]
    replace_file(folder / AUDIT_FINDINGS, csv_bytes(pd.DataFrame(listed, columns=columns)))
    rows = [_rows(name, one) for name, one in found if len(one.rows)]
    every = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"data": []})
    first = [name for name in ("data", "other_data", "finding") if name in every]
    every = every[[*first, *(name for name in every if name not in first)]]
    replace_file(folder / AUDIT_ROWS, csv_bytes(every))
    replace_file(folder / AUDIT_PAGE, audit_page(audits, command))
    return folder / AUDIT_PAGE


def _rows(name: str, finding: Finding) -> pd.DataFrame:
    """The rows of a finding, and of which stage or data set each path is."""
    rows = finding.rows.assign(data=name, finding=finding.kind)
    if "other_path" in rows:
        rows["other_data"] = finding.other_name or name
    return rows
