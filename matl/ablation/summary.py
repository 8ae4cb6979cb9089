"""What an ablation has found so far as Markdown."""

from collections.abc import Iterator

from matl.ablation.ablation_record import AblationRecord
from matl.ablation.tables import (
    comparison_table,
    mean_table,
    method_table,
    promise_table,
    tested_table,
    verdict_table,
)
from matl.report.markdown import escape, markdown_table
from matl.report.table import Table


def summary(record: AblationRecord) -> str:
    """The verdict, what is tested and reached, the comparisons, promises and methods' costs."""
    parts = [f"# {escape(record.name)}", *map(escape, record.notes), *_verdict(record)]
    tables: tuple[Table | None, ...]
    tables = (verdict_table(record), tested_table(record), mean_table(record))
    tables += (comparison_table(record), promise_table(record), method_table(record.methods))
    for table in tables:
        parts += [] if table is None else _section(table)
    parts += [] if record.means else ["No cell is finished yet."]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _verdict(record: AblationRecord) -> Iterator[str]:
    one = record.primary
    if one is not None:
        yield (
            f"{escape(one.what)}, {escape(one.place)}: **{record.verdict}** against a margin of "
            f"{record.margin:g}: {record.metric_name} {one.plain.text()}, {one.plain.seeds} of "
            f"{len(record.seeds)} seeds."
        )


def _section(table: Table) -> list[str]:
    return [f"## {escape(table.title)}", markdown_table(table), escape(table.caption)]
