"""The tables of a run's scores, whichever classes its diagnoses tell apart."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from matl.evaluation.multi_class import MultiClassScored
from matl.report import diagnosis_tables, multi_class_tables
from matl.report.run_record import RunRecord
from matl.report.table import Table


class ScoreTables(Protocol):
    """What builds the tables."""

    def split_tables(self, record: RunRecord, split: str) -> Iterator[Table]:
        """All that is said of a split."""

    def shown_tables(self, record: RunRecord) -> list[Table]:
        """What a terminal shows of the first split that has scores."""

    def last_tables(self, record: RunRecord, split: str) -> list[Table]:
        """What stands below the tables of the first split, where there is no figure of it."""

    def diagnosis_table(self, record: RunRecord, split: str | None = None) -> Table:
        """Every diagnosis with every metric."""

    def external_table(self, record: RunRecord, external: Sequence[RunRecord]) -> Table | None:
        """The diagnoses on the run's own test split and on other data sets."""


def tables_of(record: RunRecord) -> ScoreTables:
    """What builds the tables of a run."""
    several = isinstance(record.scored, MultiClassScored)
    return multi_class_tables if several else diagnosis_tables
