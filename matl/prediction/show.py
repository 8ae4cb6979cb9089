"""What `matl predict` prints."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from matl.evaluation.joining import join_in_words
from matl.evaluation.metrics import THRESHOLD
from matl.names import EXPERIMENT, PREDICTION_RECORD, PREDICTIONS
from matl.orchestrator.show import show_line, show_next, show_table
from matl.prediction.predict import OVERLAY
from matl.prediction.result import Prediction
from matl.prediction.tables import ABSTAINS, CALLED, IMAGE
from matl.report.table import Table, make_table
from matl.terminal import show_notes

MOST_ROWS = 10
MOST_PATHS = 3


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar of the files that are scored, where somebody looks: takes those done and all."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("scoring")
        yield lambda done, whole: bars.update(task, completed=done, total=whole)


def show_prediction(
    found: Prediction, model: Path, paths: Sequence[Path], console: Console
) -> None:
    """Prints the first rows, what could not be read, where everything is, and what is next.

    Args:
        found: Was written into a folder.
        model: The first model.
        paths: What was scored.
        console: Where it is shown.
    """
    tables = {"Images": found.images, "Studies": found.studies, "Patients": found.patients}
    for title, table in tables.items():
        if table is not None:
            show_table(_table(title, table, found), console)
    for path, reason in found.unreadable:
        show_line(f"{path}: {reason}", console)
    show_notes(found.notes, console)
    console.print(Text(_sentence(found)))
    assert found.folder is not None
    show_line(f"Predictions: {found.folder / PREDICTIONS}, {PREDICTION_RECORD}", console)
    if commands := _commands(found, model, paths):
        show_next(commands, console)


def _table(title: str, table: pd.DataFrame, found: Prediction) -> Table:
    rows = table.head(MOST_ROWS)
    positive = found.about["positive"]
    score = f"score: probability of {positive}; threshold {THRESHOLD}." if positive else ""
    if IMAGE not in table:
        score += f" Joined: {join_in_words(found.about['join'])}."
    more = f" The first {len(rows)} of {len(table):,}." if len(table) > len(rows) else ""
    cells = [[_plain(value) for value in row] for row in rows.itertuples(index=False)]
    return make_table(title, f"{score}{more}".strip(), [*map(str, table.columns)], cells)


def _plain(value: object) -> str | int | float:
    """A value as tables take it, of numpy's or pandas' own kinds."""
    return value.item() if hasattr(value, "item") else value  # type: ignore[return-value]


def _sentence(found: Prediction) -> str:
    """How many images were called each class, and on how many the model abstains."""
    called = found.images[CALLED].value_counts()
    each = ", ".join(f"{name} {int(called.get(name, 0)):,}" for name in found.about["classes"])
    text = f"{len(found.images):,} images are called: {each}"
    if ABSTAINS in found.images:
        text += f"; it abstains on {int((found.images[ABSTAINS] != '').sum()):,} of them"
    return f"{text}."


def _commands(found: Prediction, model: Path, paths: Sequence[Path]) -> list[str]:
    """What a user may type next."""
    commands = []
    single = found.about["positive"] is not None and len(found.about["models"]) == 1
    if single and OVERLAY not in found.images and len(paths) <= MOST_PATHS:
        words = [quote(str(one)) for one in (model, *paths)]
        commands.append(
            f"matl predict {' '.join(words)} --out {quote(str(found.folder))} --explain"
        )
    if (model / EXPERIMENT).is_file():
        commands.append(f"matl evaluate {quote(str(model))} --data NAME:ROOT")
    return commands
