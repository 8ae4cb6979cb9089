"""What an audit found, as tables."""

from collections.abc import Mapping, Sequence

from data_modules.audit.findings import GRADES, Finding
from data_modules.audit.set_audit import Audit
from data_modules.audit.shortcuts import Shortcut
from matl.report.table import Column, Table, TableCell, make_table

SHORTCUT_CAPTION = (
    "AUROC of a random forest on the measures of a row alone, cross-validated by person, with its "
    "95 % interval resampled by person; 0.5 says nothing can be read."
)


def findings_table(audits: Mapping[str, Audit]) -> Table:
    """One row per finding, the gravest first of each data set."""
    rows = [
        (name, TableCell(one.grade, GRADES.index(one.grade)), _kind(one), one.count, one.what)
        for name, audit in audits.items()
        for one in audit.findings
    ]
    columns = ("Data", Column("Grade", 3), Column("Finding", 4), Column("Count", 5), "Of")
    caption = (
        "Serious: a test is not to be believed. Warning: a result may have another reason than "
        "the disease. Note: worth a look."
    )
    return make_table("Findings", caption, columns, rows)


def shortcuts_table(name: str, shortcuts: Sequence[Shortcut]) -> Table:
    """One row per target and group of measures, the highest AUROC first."""
    rows = [
        (one.target, one.group, TableCell(f"{one.auroc:.3f}", one.auroc, _interval(one)))
        for one in shortcuts
    ]
    return make_table(f"{name}: shortcuts", SHORTCUT_CAPTION, ("Target", "From", "AUROC"), rows)


def _kind(one: Finding) -> str:
    return one.kind.replace("_", " ")


def _interval(one: Shortcut) -> str:
    return f"[{one.low:.2f}, {one.high:.2f}]"
