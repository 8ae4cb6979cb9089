"""What `matl audit` prints."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from data_modules.audit.set_audit import Audit
from matl.orchestrator.show import show_table
from matl.report.audit_tables import findings_table
from matl.report.html.audit_page import closing_line


def show_audit(audits: Mapping[str, Audit], console: Console) -> None:
    """Prints the findings as a table, then what each means, then how much was found in all."""
    table = findings_table(audits)
    if table.rows:
        show_table(table, console)
    for name, audit in audits.items():
        for one in audit.findings:
            said = one.text if one.alone else f"{one.count:,} {one.what}: {one.text}"
            console.print(Text(f"{name}: {said}", style="bold" if one.fails else ""))
    console.print(Text(closing_line(audits)))
