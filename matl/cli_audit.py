"""`matl audit`: what makes a result on some data doubtful."""

from pathlib import Path
from typing import Annotated

import typer

from matl.arguments import typed_command
from matl.say import say

app = typer.Typer()
FOUND = 1


@app.command()
def audit(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXPERIMENT] [KEY=VALUE]...",
            help="The experiment's YAML file and settings that replace its own; with --data the "
            "set's options.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME", help="Audit a data set, without an experiment.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[
        str | None, typer.Option(help="With --data: official (the default) or clean.")
    ] = None,
    to: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the page and the tables are written.")
    ] = Path("audit"),
    cache: Annotated[
        Path | None,
        typer.Option(help="With --data: the folder of what is kept for the next audit (cache)."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 1 where more than notes is found.")
    ] = False,
) -> None:
    """Find copies, leaks, wrong labels and shortcuts in data; writes a page. Trains nothing.

    Example: matl audit experiments/covid_ct_cpu.yaml data_root=path/to/data --strict
    """
    from matl.orchestrator.audit_data import audit_asked
    from matl.orchestrator.show_audit import show_audit
    from matl.report.audit_files import refuse_folder, write_audit
    from matl.terminal import terminal

    refuse_folder(to)
    audits = audit_asked(words or [], data, root, split, cache)
    page = write_audit(audits, to, typed_command())
    show_audit(audits, terminal())
    say(f"Page: {page}")
    if strict and any(one.fails for audit in audits.values() for one in audit.findings):
        raise typer.Exit(FOUND)
