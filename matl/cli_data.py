"""`matl data`: the images of an experiment, and the public data sets."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import matl
from matl.arguments import ExperimentFile, Overrides

DEFAULT, OF_FOLDERS = "show", "studies"
NOT_COMPLETE = 2
SetName = Annotated[str, typer.Argument(metavar="NAME", help="A public data set, as listed.")]


class ExperimentOrCommand(TyperGroup):
    """A group whose first word is a command, or else an experiment or a folder to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default command, or that of folders, before words that name none."""
        asks = args[:1] and (args[0] in self.commands or args[0] in ctx.help_option_names)
        if not asks and not ctx.resilient_parsing:
            args = [OF_FOLDERS if args[:1] and Path(args[0]).is_dir() else DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Shows what the default command takes, above the commands."""
        self.commands[DEFAULT].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


app = typer.Typer(
    cls=ExperimentOrCommand,
    subcommand_metavar="{EXPERIMENT [KEY=VALUE]... | FOLDER | COMMAND [ARGS]...}",
)


@app.callback()
def data() -> None:
    """Show the images of an experiment's stages, or list, describe and check public data sets.

    Without a command, the first word is an experiment, or a folder of studies.

    Example: matl data experiments/demo.yaml --sheet sheet.png
    """


@app.command(DEFAULT)
def data_show(
    experiment: ExperimentFile,
    overrides: Overrides = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw a contact sheet of every stage's images: a PNG file.")
    ] = None,
    duplicates: Annotated[
        Path | None,
        typer.Option(help="Write all pairs of images that look alike: a CSV file."),
    ] = None,
) -> None:
    """Show the images of every stage: counts by split and class, patients, sizes, shared patients.

    Example: matl data show experiments/demo.yaml --sheet sheet.png
    """
    from matl.orchestrator.show import show_data
    from matl.terminal import terminal

    show_data(matl.load_experiment(experiment, overrides or []), terminal(), sheet, duplicates)


@app.command(OF_FOLDERS)
def data_studies(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder of DICOM series or volumes.")
    ],
    sheet: Annotated[
        Path | None, typer.Option(help="Draw the middle slice of every series: a PNG file.")
    ] = None,
) -> None:
    """Show the series of a folder: modality, slices, spacing, kernel, scanner, window; no patient.

    Example: matl data studies hospital --sheet sheet.png
    """
    from matl.studies import show_studies
    from matl.terminal import terminal

    show_studies(folder, terminal(), sheet)


@app.command("list")
def data_list(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="All descriptions, as a page in Markdown.")
    ] = False,
) -> None:
    """List the public data sets that can be read: what they show, images, patients, licence.

    Example: matl data list
    """
    from matl.public_sets import as_markdown, sets_table
    from matl.terminal import terminal

    if markdown:
        typer.echo(as_markdown(), nl=False)
        return
    terminal().print(sets_table())


@app.command("describe")
def data_describe(name: SetName) -> None:
    """Say all that is known of a public data set: source, licence, layout, counts.

    Example: matl data describe covid_ct
    """
    from matl.public_sets import as_text

    typer.echo(as_text(name, matl.describe_data_set(name)), nl=False)


@app.command("check")
def data_check(
    name: SetName,
    root: Annotated[Path, typer.Option(help="The folder of the copy to check.")],
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Options of the set, as version=3A."),
    ] = None,
) -> None:
    """Compare a copy of a public data set with what was published; exit code 2 where not complete.

    Example: matl data check covid_ct --root data/covid_ct
    """
    from matl.public_sets import read_options, show_check
    from matl.terminal import terminal

    checked = matl.check_data_set(name, root, read_options(name, options or []))
    show_check(checked, terminal())
    if not checked.complete:
        raise typer.Exit(NOT_COMPLETE)
