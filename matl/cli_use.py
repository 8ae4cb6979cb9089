"""What finished runs and their models are for: they are listed, compared, reported, used."""

from pathlib import Path
from typing import Annotated

import typer

import matl
from matl.arguments import typed_command
from matl.say import say

app = typer.Typer()
RunStore = Annotated[
    Path | None,
    typer.Option(help="Folder of the run's stages, where it is neither in its place nor beside."),
]


@app.command()
def runs(
    folder: Annotated[Path, typer.Option("--runs", help="Holds the runs' folders.")] = Path("runs"),
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A setting that runs must have; repeatable."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="run, experiment, chain, seed, finished, or a metric.")
    ] = "finished",
    csv: Annotated[
        bool, typer.Option("--csv", help="Print every metric with its interval as CSV.")
    ] = False,
) -> None:
    """List the finished runs.

    Example: matl runs --where backbone.operator=attention --sort auroc
    """
    from matl.report.run_list import ABOUT, runs_frame, runs_table
    from matl.report.terminal_table import TerminalTable
    from matl.spreadsheet import csv_bytes
    from matl.terminal import terminal

    found = matl.list_runs(folder, where or [], sort)
    if csv:
        typer.echo(csv_bytes(runs_frame(found)).decode(), nl=False)
    else:
        terminal().print(TerminalTable(runs_table(found, "auroc" if sort in ABOUT else sort)))


@app.command()
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN...", help="The folders of finished runs.")
    ],
) -> None:
    """Put runs side by side: settings that differ, numbers, paired differences from the first.

    Example: matl compare runs/demo-1a2b3c4d runs/demo-5e6f7a8b
    """
    from matl.report.terminal_table import TerminalTable
    from matl.terminal import terminal

    console, found = terminal(), matl.compare_runs(folders)
    for table in found.tables():
        console.print(TerminalTable(table))
        console.print()
    for name in found.apart:
        say(
            f"{name}: its {found.split} images or labels are others than those of "
            f"{found.names[0]}, so that no difference is shown"
        )


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN_OR_ABLATION", help="The folder of one that is finished.")
    ],
) -> None:
    """Write report.html, one file to share, from what a run or an ablation left in its folder.

    Example: matl report runs/demo-1a2b3c4d
    """
    say(f"Report: {matl.write_page(folder)}")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    data: Annotated[str, typer.Option(metavar="NAME:ROOT", help="A data set and its folder.")],
    positive: Annotated[
        str | None, typer.Option(help="Its positive class, where the data set names none.")
    ] = None,
    store: RunStore = None,
) -> None:
    """Score a finished model on another data set (external validation).

    Example: matl evaluate runs/demo-1a2b3c4d --data folder:other_hospital --positive covid
    """
    from matl.orchestrator.show import show_evaluation
    from matl.terminal import terminal

    show_evaluation(
        *matl.evaluate_external(run, data, positive, typed_command(), store), terminal()
    )


@app.command()
def predict(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="The folder of a finished run, of a stored diagnosis or a copy."
        ),
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Images, scans, folders, CSV tables with path (patient, study)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("predictions"),
    others: Annotated[
        list[Path] | None,
        typer.Option("--model", help="One more model, whose scores are averaged in; repeatable."),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(help="Abstain by sets that hold the class for this share of persons."),
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Write a Grad-CAM overlay of each image.")
    ] = False,
    join: Annotated[
        str | None,
        typer.Option(help="Studies and patients: mean, max, noisy_or or top_3 of their images."),
    ] = None,
    store: RunStore = None,
) -> None:
    """Score images that nobody labelled by a finished model.

    Example: matl predict runs/demo-1a2b3c4d scans --out predictions
    """
    from matl.prediction.show import progress_bar, show_prediction
    from matl.terminal import terminal

    models, console = [model, *(others or [])], terminal()
    with progress_bar(console) as progress:
        found = matl.predict(
            models, paths, out, coverage, explained, typed_command(), store, progress, join
        )
    show_prediction(found, model, paths, console)


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    store: RunStore = None,
) -> None:
    """Show what a finished model looks at, and how the chain changed its network.

    Example: matl explain runs/demo-1a2b3c4d
    """
    from matl.explain.show import show_explanation
    from matl.terminal import terminal

    show_explanation(matl.explain_run(run, typed_command(), store), terminal())


@app.command()
def export(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="The folder of a finished run, or of a stored stage."),
    ],
    to: Annotated[
        str, typer.Option(metavar="FORM", help="folder, onnx, torch, bundle or hub-folder.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The new folder; by default the model's and form's name.")
    ] = None,
    own_form: Annotated[
        bool,
        typer.Option("--own-form", help="hub-folder: matl's files, not timm's."),
    ] = False,
) -> None:
    """Write a trained diagnosis in a form that other programs run, with a model card.

    Example: matl export runs/demo-1a2b3c4d --to onnx
    """
    folder, card = matl.export_model(model, to, out, own_form)
    for note in card.notes:
        say(note)
    say(f"{folder}: {card.form}; {card.parity}")
