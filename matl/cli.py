"""The `matl` command. Commands only: each one imports what it calls, so that --help is quick."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Multi-stage attentive transfer learning for diagnosis from few labelled CT scans.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
store_app = typer.Typer(help="Stages in the store: list, show, remove.", no_args_is_help=True)
app.add_typer(store_app, name="store")
weights_app = typer.Typer(help="Weights files: inspect, convert.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")

ExperimentFile = Annotated[
    Path, typer.Argument(metavar="EXPERIMENT", help="The experiment's YAML file.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings that replace the file's."),
]
Through = Annotated[int, typer.Option(min=1, max=3, help="Last part of the paper that runs.")]
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of finished stages.")]
WeightsFile = Annotated[Path, typer.Argument(metavar="FILE", help="A weights file.")]
Executor = Literal["slurm", "local"]
INTERRUPTED = 130
Fingerprint = Annotated[str, typer.Argument(help="A stage's fingerprint, or its beginning.")]


@app.command()
def run(
    experiment: ExperimentFile,
    overrides: Overrides = None,
    through: Through = 3,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train every stage again; replace each on success.")
    ] = False,
) -> None:
    """Train the chain of an experiment; finished stages are reused, a broken-off one goes on.

    Example: matl run experiments/demo.yaml seed=1 stages.diagnosis.epochs=5
    """
    from matl.config import load_experiment
    from matl.orchestrator.nodes import join_nodes
    from matl.orchestrator.run import follow
    from matl.orchestrator.run import run as run_experiment
    from matl.orchestrator.show import show_record
    from matl.orchestrator.wandb_report import upload_command
    from matl.report.paths import command_line
    from matl.terminal import terminal

    settings = load_experiment(experiment, overrides or [])
    console = terminal()
    nodes = join_nodes(settings.trainer)
    if nodes.follows:
        follow(settings, nodes, through=through)
        return
    command = command_line(["matl", *sys.argv[1:]])
    record, folder = run_experiment(
        settings, through=through, fresh=fresh, nodes=nodes, command=command, console=console
    )
    show_record(record, console)
    console.print(f"The run lies in {folder}: begin with report.html.")
    if upload := upload_command(settings.runs, record, folder):
        typer.echo(f"W&B's record lies on this disk; upload it: {upload}")


@app.command()
def plan(experiment: ExperimentFile, overrides: Overrides = None, through: Through = 3) -> None:
    """Show what would run, what the store has, and why a stage is not reused. Trains nothing.

    Example: matl plan experiments/covid_ct_cpu.yaml seed=1
    """
    from matl.config import load_experiment
    from matl.orchestrator.plan import make_plan
    from matl.orchestrator.show import plan_table
    from matl.terminal import terminal

    terminal().print(plan_table(make_plan(load_experiment(experiment, overrides or []), through)))


@app.command()
def config(experiment: ExperimentFile, overrides: Overrides = None) -> None:
    """Print the whole resolved experiment as YAML.

    Example: matl config experiments/covid_ct_cpu.yaml backbone.operator=convolution
    """
    from matl.config import load_experiment
    from matl.config.load import to_yaml

    typer.echo(to_yaml(load_experiment(experiment, overrides or [])), nl=False)


@app.command()
def data(
    experiment: ExperimentFile,
    overrides: Overrides = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw a contact sheet of every stage's images: a PNG file.")
    ] = None,
) -> None:
    """Show the images of every stage: counts by split and class, patients, sizes, shared patients.

    Example: matl data experiments/demo.yaml --sheet sheet.png
    """
    from matl.config import load_experiment
    from matl.orchestrator.show import draw_sheet, show_data
    from matl.terminal import terminal

    settings = load_experiment(experiment, overrides or [])
    console = terminal()
    if sheet is not None:
        draw_sheet(settings, sheet)
        console.print(f"The contact sheet lies in {sheet}.")
    show_data(settings, console)


@app.command()
def ablate(
    ablation: Annotated[Path, typer.Argument(metavar="ABLATION", help="The ablation's YAML file.")],
    overrides: Overrides = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the distinct stages and the time; train nothing."),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Stages to train side by side.")] = 1,
    executor: Annotated[
        Executor | None,
        typer.Option(help="Submit every stage as a job; `cluster` in the file has its settings."),
    ] = None,
) -> None:
    """Compare arms and regimes of one experiment over seeds and splits; goes on after a kill.

    Example: matl ablate experiments/ablations/attn_vs_conv_cpu.yaml data_root=path/to/data
    """
    from matl.ablation.cells import cells_of, plan_cells
    from matl.ablation.load import load_ablation
    from matl.ablation.run import run_ablation
    from matl.ablation.show import dry_run_table
    from matl.names import SUMMARY
    from matl.orchestrator.store import Store
    from matl.report.paths import command_line
    from matl.terminal import terminal

    settings, console = load_ablation(ablation), terminal()
    if dry_run:
        plans = plan_cells(settings, cells_of(settings), overrides or [])
        store = Store(next(iter(plans.values())).experiment.store)
        console.print(dry_run_table(plans, store, jobs))
        return
    command = command_line(["matl", *sys.argv[1:]])
    folder, failures = run_ablation(settings, overrides or [], console, jobs, executor, command)
    typer.echo((folder / SUMMARY).read_text())
    typer.echo(f"The results lie in {folder}: begin with report.html.")
    if failures:
        typer.echo(f"{len(failures)} stages failed; the same command tries them again", err=True)
        raise typer.Exit(1)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP", help="A W&B sweep's YAML file.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the file; create and start nothing.")
    ] = False,
) -> None:
    """Check a W&B sweep against our settings, create it, and start an agent here.

    Example: matl sweep experiments/sweeps/diagnosis.yaml
    """
    from matl.sweep import load_sweep, start

    checked = load_sweep(file)
    typer.echo(str(checked))
    if not dry_run:
        start(checked)


@app.command()
def power(
    patients: Annotated[int, typer.Option(min=10, help="Patients that are tested.")],
    images: Annotated[float, typer.Option(min=1, help="Images of each, on average.")] = 1.0,
    positives: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share of the images that are positive.")
    ] = 0.5,
    seeds: Annotated[int, typer.Option(min=2, help="Seeds of the whole chain.")] = 5,
    auroc: Annotated[float, typer.Option(min=0.5, max=0.999, help="About what is reached.")] = 0.8,
    seed_spread: Annotated[
        float, typer.Option(min=0, help="Standard deviation of the AUROC over seeds.")
    ] = 0.02,
) -> None:
    """Say which difference of AUROCs a test set can show, and what that assumes.

    Example: matl power --patients 95 --images 2.1 --seeds 5
    """
    from matl.evaluation.statistics.power import Design, assumptions, detectable_difference

    for arms, what in ((2, "a transfer gain"), (4, "a difference of two gains")):
        design = Design(patients, images, seeds, arms, auroc, positives, seed_spread=seed_spread)
        least = detectable_difference(design)
        typer.echo(f"{what}: {least:.3f} AUROC is found in 80 of 100 experiments")
    typer.echo(f"assumed: {assumptions(design)}")


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN_OR_ABLATION", help="The folder of one that is finished.")
    ],
) -> None:
    """Write report.html, one file to share, from what a run or an ablation left in its folder.

    Example: matl report runs/demo-1a2b3c4d
    """
    from matl.ablation.page import write_ablation_page
    from matl.names import RESULTS
    from matl.report.html.run_page import write_run_page

    write = write_ablation_page if (folder / RESULTS).is_file() else write_run_page
    typer.echo(f"The report is {write(folder)}.")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    data: Annotated[str, typer.Option(metavar="NAME:ROOT", help="A data set and its folder.")],
    positive: Annotated[
        str | None, typer.Option(help="Its positive class, where the data set names none.")
    ] = None,
) -> None:
    """Score a finished model on another data set (external validation).

    Example: matl evaluate runs/demo-1a2b3c4d --data folder:other_hospital --positive covid
    """
    from matl.orchestrator.external import evaluate_external
    from matl.orchestrator.show import show_record
    from matl.report.paths import command_line
    from matl.terminal import terminal

    record, folder = evaluate_external(run, data, positive, command_line(["matl", *sys.argv[1:]]))
    console = terminal()
    show_record(record, console)
    console.print(f"The evaluation lies in {folder}.")


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
) -> None:
    """Show what a finished model looks at, and how the chain changed its network.

    Example: matl explain runs/demo-1a2b3c4d
    """
    from matl.names import EXPLANATION_REPORT
    from matl.orchestrator.explain_run import explain_run
    from matl.report.paths import command_line

    folder = explain_run(run, command_line(["matl", *sys.argv[1:]]))
    typer.echo((folder / EXPLANATION_REPORT).read_text())
    typer.echo(f"The explanation lies in {folder}.")


@store_app.command("list")
def store_list(store: StoreFolder = Path("store")) -> None:
    """List the finished stages, oldest first, and those that are unfinished.

    Example: matl store list
    """
    from matl.orchestrator.show import store_table, unfinished_table
    from matl.orchestrator.store import open_store
    from matl.terminal import terminal

    stages, console = open_store(store), terminal()
    console.print(store_table(stages))
    if stages.unfinished():
        console.print(unfinished_table(stages))


@store_app.command("show")
def store_show(fingerprint: Fingerprint, store: StoreFolder = Path("store")) -> None:
    """Print the manifest of a finished stage as JSON.

    Example: matl store show 1a2b
    """
    import json
    from dataclasses import asdict

    from matl.orchestrator.store import open_store

    stages = open_store(store)
    typer.echo(json.dumps(asdict(stages.manifest(stages.find(fingerprint))), indent=2))


@store_app.command("remove")
def store_remove(fingerprint: Fingerprint, store: StoreFolder = Path("store")) -> None:
    """Remove a stage, finished or not; runs that need it train it again.

    Example: matl store remove 1a2b
    """
    from matl.orchestrator.store import open_store

    stages = open_store(store)
    found = stages.find(fingerprint, unfinished=True)
    stages.remove(found)
    typer.echo(f"removed {found}")


@weights_app.command("inspect")
def weights_inspect(
    file: WeightsFile,
    network: Annotated[
        str | None, typer.Option(help="A network of timm's: show how the file fits it.")
    ] = None,
) -> None:
    """Show what a weights file holds, and how it fits a network. Executes nothing in the file.

    Example: matl weights inspect densenet.pt --network densenet121
    """
    from matl.backbones.conversion import contents_table, fit_table
    from matl.terminal import terminal

    terminal().print(fit_table(file, network) if network else contents_table(file))


@weights_app.command("convert")
def weights_convert(
    file: WeightsFile,
    target: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    network: Annotated[str, typer.Option(help="The network of timm's that the weights are of.")],
) -> None:
    """Write the weights of timm, torchvision, lightly, MoCo and others as a file of matl's.

    Example: matl weights convert moco.pth moco.safetensors --network resnet50
    """
    from matl.backbones.conversion import convert

    layout = convert(file, target, network)
    typer.echo(f"{target}: {network}, read as {layout.name}")


def main() -> None:
    """Runs the command; a user's mistake is one line and exit code 2."""
    from data_modules.errors import DataError
    from matl.errors import MatlError, ProcessEnded
    from matl.preemption import Preempted

    try:
        app()
    except (MatlError, DataError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except ProcessEnded as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        typer.echo(f"error: {what}", err=True)
        sys.exit(2)
    except Preempted:
        typer.echo("preempted; the same command goes on from the last checkpoint", err=True)
        raise
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("interrupted; the same command goes on from the last checkpoint", err=True)
        raise


if __name__ == "__main__":
    main()
