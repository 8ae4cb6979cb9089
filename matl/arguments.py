"""What several commands take."""

import sys
from pathlib import Path
from typing import Annotated

import typer

ExperimentFile = Annotated[
    Path, typer.Argument(metavar="EXPERIMENT", help="The experiment's YAML file.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings that replace the file's."),
]


def typed_command() -> str:
    """What the user typed, as a report shows it."""
    from matl.report.paths import command_line

    return command_line(["matl", *sys.argv[1:]])
