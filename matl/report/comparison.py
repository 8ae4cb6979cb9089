"""Finished runs side by side: the settings that differ, the numbers, the paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from matl.checksums import read_file
from matl.errors import MatlError
from matl.evaluation.scored import ScoredModels
from matl.names import EXPERIMENT
from matl.report.diagnosis_tables import paired_table
from matl.report.rows import is_ensemble
from matl.report.run_files import read_record
from matl.report.run_list import flat_settings
from matl.report.run_record import RunRecord
from matl.report.score_tables import tables_of
from matl.report.table import Row, Table, make_table


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        names: Of the runs' folders.
        settings: The value of each setting that differs, in every run; None where it has none.
        record: The first diagnosis of each run, of several seeds their mean, by the run's name.
        apart: The runs whose images of the split are others than the first run's.
    """

    names: Sequence[str]
    settings: dict[str, list[Any]]
    record: RunRecord
    apart: Sequence[str]

    @property
    def split(self) -> str:
        """What is compared: test, or val where nothing was tested."""
        return self.record.scored.splits()[0]

    def tables(self) -> list[Table]:
        """The settings, the numbers with intervals, and the differences on the same images."""
        numbers = tables_of(self.record).diagnosis_table(self.record)
        found = [self._settings_table(), numbers]
        if self.record.scored.paired(self.split):
            found.append(paired_table(self.record.scored, self.split))
        return found

    def _settings_table(self) -> Table:
        rows: list[Row] = [
            (name, *("-" if one is None else str(one) for one in values))
            for name, values in self.settings.items()
        ]
        caption = "Settings that are alike are not shown. -: the run has no such setting."
        return make_table("Settings that differ", caption, ("Setting", *self.names), rows)


def compare_runs(folders: Sequence[str | Path]) -> Comparison:
    """Puts finished runs side by side; the first is what the others are compared with.

    Raises:
        MatlError: There are fewer than two, one is no finished run with a diagnosis, or their
            classes differ.
    """
    places = [Path(folder) for folder in folders]
    if len({place.resolve() for place in places}) < max(2, len(places)):
        raise MatlError("matl compare: name two different runs or more")
    records = [_with_diagnosis(place) for place in places]
    names = _names(places)
    models = {
        name: _whole(record.scored.models) for name, record in zip(names, records, strict=True)
    }
    first = records[0]
    for place, record in zip(places, records, strict=True):
        if record.scored.about() != first.scored.about():
            raise MatlError(
                f"{place}: tells {record.scored.about()} apart, and {places[0]} "
                f"{first.scored.about()}; compare runs of the same classes"
            )
    leaking = frozenset[tuple[str, str]]().union(*(one.scored.leaking for one in records))
    joined = replace(first.scored, models=models, leaking=leaking, known={})
    notes = {one.split_note for one in records}
    split_note = first.split_note if len(notes) == 1 else "differs between the runs"
    record = replace(first, scored=joined, split_note=split_note)
    return Comparison(names, _differing(places), record, _apart(joined))


def _whole(models: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The scores of the first diagnosis; of several seeds, their mean."""
    means = [row for row in models if is_ensemble(row)]
    return models[next(iter([*means, *models]))]


def _with_diagnosis(folder: Path) -> RunRecord:
    record = read_record(folder)
    if not record.scored.models:
        raise MatlError(f"{folder}: the run has no diagnosis; run the whole chain")
    return record


def _names(folders: Sequence[Path]) -> list[str]:
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _differing(folders: Sequence[Path]) -> dict[str, list[Any]]:
    each = [flat_settings(yaml.safe_load(read_file(one, EXPERIMENT))) for one in folders]
    names = dict.fromkeys(name for one in each for name in one)
    values = {name: [one.get(name) for one in each] for name in names}
    return {name: found for name, found in values.items() if any(v != found[0] for v in found)}


def _apart(scored: ScoredModels) -> list[str]:
    split = scored.splits()[0]
    paired = {one.second for one in scored.paired(split)}
    return [name for name in list(scored.models)[1:] if name not in paired]
