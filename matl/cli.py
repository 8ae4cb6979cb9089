"""The `matl` command: it calls the functions of `matl`, and imports what a command needs late.

Nothing that is imported above the commands loads rich, numpy or torch, so that --help is quick.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

import matl
from matl import cli_audit, cli_data, cli_store, cli_use, cli_weights
from matl.arguments import ExperimentFile, Overrides, typed_command
from matl.say import say

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cli_use.app)
app.add_typer(cli_audit.app)
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_store.app, name="store")
app.add_typer(cli_weights.app, name="weights")

Through = Annotated[int, typer.Option(min=1, max=3, help="Last part of the paper that runs.")]
Executor = Literal["slurm", "local"]
INTERRUPTED = 130


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"matl {matl.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Multi-stage attentive transfer learning for diagnosis from few labelled CT scans."""


@app.command()
def run(
    experiment: ExperimentFile,
    overrides: Overrides = None,
    through: Through = 3,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train every stage again; replace each on success.")
    ] = False,
) -> None:
    """Train the chain of an experiment; finished stages are reused, an interrupted one resumes.

    Example: matl run experiments/demo.yaml seed=1 stages.diagnosis.epochs=5
    """
    from matl.orchestrator.nodes import join_nodes
    from matl.orchestrator.run import follow
    from matl.orchestrator.show import show_run
    from matl.terminal import terminal

    settings = matl.load_experiment(experiment, overrides or [])
    nodes = join_nodes(settings.trainer)
    if nodes.follows:
        follow(settings, nodes, through=through)
        return
    done = matl.run(settings, through=through, fresh=fresh, nodes=nodes, command=typed_command())
    show_run(settings, *done, terminal())


@app.command()
def plan(experiment: ExperimentFile, overrides: Overrides = None, through: Through = 3) -> None:
    """Show what would run, what the store has, and why a stage is not reused. Trains nothing.

    Example: matl plan experiments/covid_ct_cpu.yaml seed=1
    """
    from matl.orchestrator.show import show_plan
    from matl.terminal import terminal

    show_plan(
        matl.make_plan(matl.load_experiment(experiment, overrides or []), through), terminal()
    )


@app.command()
def config(
    experiment: Annotated[
        Path | None, typer.Argument(metavar="EXPERIMENT", help="The experiment's YAML file.")
    ] = None,
    overrides: Overrides = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Explain every setting; needs no experiment.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --reference: as a page in Markdown.")
    ] = False,
) -> None:
    """Print the whole resolved experiment as YAML, or what every setting means.

    Example: matl config experiments/covid_ct_cpu.yaml backbone.operator=convolution
    """
    if reference:
        from matl.ablation.reference import reference as sections
        from matl.config.reference_page import as_markdown, as_text

        typer.echo((as_markdown if markdown else as_text)(sections()), nl=False)
        return
    if experiment is None:
        raise typer.BadParameter("name an experiment's YAML file, or add --reference")
    from matl.config import to_yaml

    typer.echo(to_yaml(matl.load_experiment(experiment, overrides or [])), nl=False)


@app.command()
def networks(
    text: Annotated[str, typer.Argument(help="What their names contain.")] = "",
) -> None:
    """List the networks that can be a backbone: the strides of their maps, and their features.

    Example: matl networks monai/
    """
    from matl.backbones.listing import networks_table
    from matl.terminal import terminal

    terminal().print(networks_table(text))


@app.command()
def methods() -> None:
    """List the methods of `lung_ssl`: what each learns, its cost, what it assumes, its paper.

    Example: matl methods
    """
    from matl.stages.ssl.listing import methods_table
    from matl.terminal import terminal

    terminal().print(methods_table())


@app.command()
def init(
    place: Annotated[
        Path, typer.Argument(metavar="FOLDER|CSV", help="A folder of images, or a table of them.")
    ],
    positive: Annotated[
        str | None, typer.Option(help="The positive class, where its name does not say.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The experiment's name; by default the folder's or table's.")
    ] = None,
) -> None:
    """Look at your own images and write an experiment on them; says what it assumes.

    Example: matl init scans --positive covid
    """
    from matl.own_data import write_experiment
    from matl.terminal import terminal

    write_experiment(place, positive, terminal(), name)


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
    """Compare arms and regimes of one experiment over seeds and splits; resumes after a kill.

    Example: matl ablate experiments/ablations/attn_vs_conv_cpu.yaml data_root=path/to/data
    """
    from matl.ablation.show import show_ablation, show_dry_run
    from matl.terminal import terminal

    settings, more = matl.load_ablation(ablation), overrides or []
    if dry_run:
        show_dry_run(settings, more, terminal(), jobs)
        return
    folder, failures = matl.run_ablation(
        settings, more, terminal(), jobs, executor, typed_command()
    )
    show_ablation(folder, ablation, terminal())
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
    say(str(checked))
    if not dry_run:
        start(checked)


@app.command()
def power(
    context: typer.Context,
    patients: Annotated[int | None, typer.Option(min=10, help="Patients that are tested.")] = None,
    images: Annotated[float, typer.Option(min=1, help="Images of each, on average.")] = 1.0,
    positives: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Share of the images that are positive.")
    ] = 0.5,
    seeds: Annotated[
        int | None,
        typer.Option(min=2, help="Seeds of the whole chain; by default 5, or as --like."),
    ] = None,
    auroc: Annotated[float, typer.Option(min=0.5, max=0.999, help="About what is reached.")] = 0.8,
    seed_spread: Annotated[
        float, typer.Option(min=0, help="Standard deviation of the AUROC over seeds.")
    ] = 0.02,
    arms_correlation: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.999,
            help="Of two arms' AUROCs over patients. About 0.95 was measured between networks "
            "trained alike; chain and scratch share less.",
        ),
    ] = 0.9,
    patient_correlation: Annotated[
        float, typer.Option(min=0, max=1, help="Of the scores of a patient's images.")
    ] = 0.5,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="ABLATION", help="Take the errors that this folder or results.json measured."
        ),
    ] = None,
) -> None:
    """Say which difference of AUROCs a test set can show, and what that assumes.

    Example: matl power --patients 95 --images 2.1 --seeds 5
    """
    from matl.ablation.power import power_like
    from matl.errors import MatlError
    from matl.evaluation.statistics.power import Design, power_in_words

    given = (name for name in context.params if _is_given(context, name))
    measured = [name for name in given if name not in ("like", "patients", "seeds")]
    if like is not None and measured:
        option = measured[0].replace("_", "-")
        raise MatlError(f"--{option}: is measured with --like; leave one of them out")
    if like is not None:
        text = power_like(like, patients, seeds)
    elif patients is None:
        raise MatlError("--patients: say how many are tested, or name an ablation by --like")
    else:
        correlations = arms_correlation, patient_correlation
        seeds = seeds or Design.seeds
        text = power_in_words(
            Design(patients, images, seeds, 2, auroc, positives, *correlations, seed_spread)
        )
    typer.echo(text)


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether an option was typed, and is not its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def main() -> None:
    """Run the command; a user's mistake is one line and its exit code, 2 for nearly all."""
    from matl.preemption import PREEMPTED, Preempted, end_at_once, on_signal

    trains = sys.argv[1:2] in (["run"], ["ablate"])
    if trains:
        on_signal(end_at_once)
    from data_modules.errors import DataError
    from matl.errors import MatlError, ProcessEnded

    try:
        app()
    except (MatlError, DataError) as error:
        say(f"error: {error}", err=True)
        sys.exit(error.exit_code if isinstance(error, MatlError) else 2)
    except ProcessEnded as error:
        say(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        say(f"error: {what}", err=True)
        sys.exit(2)
    except Preempted:
        say(PREEMPTED, err=True)
        raise
    except SystemExit as end:
        if end.code == INTERRUPTED:
            resumes = "the same command resumes from the last checkpoint"
            say(f"interrupted{'; ' + resumes if trains else ''}", err=True)
        raise


if __name__ == "__main__":
    main()
