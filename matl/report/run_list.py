"""The finished runs of a folder: listed, filtered, sorted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from data_modules.errors import did_you_mean
from matl.checksums import read_file
from matl.errors import MatlError
from matl.evaluation.metrics import LESS_IS_BETTER, Estimate
from matl.files import read_json
from matl.names import EXPERIMENT, METRICS_FILE
from matl.report.rows import FLOOR, FROM_SCRATCH, current_name, is_ensemble
from matl.report.table import Column, Row, Table, make_table

ABOUT = ("run", "experiment", "chain", "seed", "finished")
_ARROW = " > "


@dataclass(frozen=True)
class ListedRun:
    """A finished run.

    Attributes:
        folder: Its folder.
        settings: Its experiment as written.
        finished: When its numbers were written, in local time.
        rows: Its metrics by image: `model`, `split`, `metric`, `value`, `low`, `high` and counts.
    """

    folder: Path
    settings: Mapping[str, Any]
    finished: datetime
    rows: Sequence[Mapping[str, Any]]

    def about(self) -> dict[str, Any]:
        """What `ABOUT` names."""
        return {
            "run": self.folder.name,
            "experiment": self.settings["name"],
            "chain": _ARROW.join(self.settings["chain"]),
            "seed": self.settings["seed"],
            "finished": f"{self.finished:%Y-%m-%d %H:%M}",
        }

    @property
    def model(self) -> str:
        """The row of its first diagnosis; of several seeds, that of their mean."""
        models = [str(row["model"]) for row in self.rows]
        means = [model for model in models if is_ensemble(model)]
        return next(iter([*means, *models]), "")

    def estimate(self, model: str, metric: str) -> Estimate | None:
        """A metric of a row on the first split that it has, test before val."""
        found = [row for row in self.rows if (row["model"], row["metric"]) == (model, metric)]
        return Estimate(*(found[0][key] for key in ("value", "low", "high"))) if found else None


def list_runs(
    folder: str | Path = "runs", where: Sequence[str] = (), sort: str = "finished"
) -> list[ListedRun]:
    """The finished runs of a folder.

    Args:
        folder: Holds the runs' folders.
        where: Settings that a run must have, as in "seed=1" or "backbone.operator=attention".
        sort: "run", "experiment", "chain", "seed", "finished", or a metric of the diagnosis, whose
            best comes first.

    Raises:
        MatlError: There is no such folder, no run has such a setting, or nothing such to sort by.
    """
    if not Path(folder).is_dir():
        raise MatlError(f"{folder}: is no folder of runs; name it with --runs")
    runs = [run for one in sorted(Path(folder).iterdir()) if (run := _read(one)) is not None]
    for condition in where:
        runs = _having(runs, condition)
    return _sorted(runs, sort)


def _read(folder: Path) -> ListedRun | None:
    """A finished run, or None where a folder holds none."""
    if not all((folder / name).is_file() for name in (METRICS_FILE, EXPERIMENT)):
        return None
    try:
        settings = yaml.safe_load(read_file(folder, EXPERIMENT))
        metrics = read_json(read_file(folder, METRICS_FILE))["metrics"]
        rows = [{**row, "model": current_name(row["model"])} for row in metrics]
        finished = datetime.fromtimestamp((folder / METRICS_FILE).stat().st_mtime)
        run = ListedRun(folder, settings, finished, rows)
        run.about()
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise MatlError(f"{folder}: is no finished run of this version; move it away") from error
    return run


def _having(runs: Sequence[ListedRun], condition: str) -> list[ListedRun]:
    key, equals, text = condition.partition("=")
    if not equals:
        raise MatlError(f"--where {condition}: is no key=value, as in seed=1")
    values = {run.folder: flat_settings(run.settings).get(key) for run in runs}
    known = {name for run in runs for name in flat_settings(run.settings)}
    if runs and key not in known:
        raise MatlError(f"--where {condition}: no run has this setting; {did_you_mean(key, known)}")
    wanted = _typed(condition, text)
    return [run for run in runs if _same(values[run.folder], wanted)]


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same setting; 1 is not true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _typed(condition: str, text: str) -> Any:
    """A value as an override of an experiment is read."""
    try:
        return OmegaConf.from_dotlist([f"value={text}"])["value"]
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise MatlError(f"--where {condition}: {text!r} is no value of YAML") from error


def flat_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their dotted names, as in "stages.lung.epochs"."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{name}.{key}": one for key, one in flat_settings(value).items()}
        else:
            flat[str(name)] = value
    return flat


def _sorted(runs: list[ListedRun], by: str) -> list[ListedRun]:
    if by in ABOUT:
        return sorted(runs, key=lambda run: run.finished if by == "finished" else run.about()[by])
    metrics = {str(row["metric"]) for run in runs for row in run.rows}
    if runs and by not in metrics:
        raise MatlError(f"--sort {by}: is none of {', '.join([*ABOUT, *sorted(metrics)])}")
    sign = 1 if by in LESS_IS_BETTER else -1

    def place(run: ListedRun) -> tuple[bool, float]:
        found = run.estimate(run.model, by)
        value = None if found is None else found.value
        return value is None, 0.0 if value is None else sign * value

    return sorted(runs, key=place)


def runs_table(runs: Sequence[ListedRun], metric: str = "auroc") -> Table:
    """One row per run: what was run, and the metric of the diagnosis and of its references."""
    columns = [
        *(Column(name.capitalize(), 1 if name == "seed" else 0) for name in ABOUT),
        *(Column(title, 2) for title in ("Diagnosis", "From scratch", "Floor")),
    ]
    rows: list[Row] = [
        (
            *run.about().values(),
            *(run.estimate(model, metric) for model in (run.model, FROM_SCRATCH, FLOOR)),
        )
        for run in runs
    ]
    caption = (
        f"{metric} of the test split (of val where nothing was tested), with 95 % intervals over "
        "patients. Other runs were tested on other patients unless matl compare says that they "
        "are the same."
    )
    title = "1 finished run" if len(runs) == 1 else f"{len(runs)} finished runs"
    return make_table(title, caption, columns, rows)


def runs_frame(runs: Sequence[ListedRun]) -> pd.DataFrame:
    """Every metric of every row of every run, one row each."""
    rows = [{**run.about(), **row} for run in runs for row in run.rows]
    return pd.DataFrame(rows)
