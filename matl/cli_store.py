"""`matl store`: what is kept of finished and unfinished stages."""

from pathlib import Path
from typing import Annotated

import typer

from matl.say import say

app = typer.Typer(help="Stages in the store: list, show, check, remove.", no_args_is_help=True)
StoreFolder = Annotated[Path, typer.Option("--store", help="Folder of finished stages.")]
Fingerprint = Annotated[str, typer.Argument(help="A stage's fingerprint, or its beginning.")]


@app.command("list")
def store_list(store: StoreFolder = Path("store")) -> None:
    """List the finished stages, oldest first, and those that are unfinished.

    Example: matl store list
    """
    from matl.orchestrator.show import show_store
    from matl.orchestrator.store import open_store
    from matl.terminal import terminal

    show_store(open_store(store), terminal())


@app.command("show")
def store_show(fingerprint: Fingerprint, store: StoreFolder = Path("store")) -> None:
    """Print the manifest of a finished stage as JSON.

    Example: matl store show 1a2b
    """
    import json
    from dataclasses import asdict

    from matl.orchestrator.store import open_store

    stages = open_store(store)
    typer.echo(json.dumps(asdict(stages.manifest(stages.find(fingerprint))), indent=2))


@app.command("check")
def store_check(store: StoreFolder = Path("store")) -> None:
    """Verify the digest of every file of the finished stages, and name what is damaged.

    Example: matl store check
    """
    from matl.orchestrator.show import show_check
    from matl.orchestrator.store import open_store
    from matl.terminal import terminal

    show_check(open_store(store), terminal())


@app.command("remove")
def store_remove(fingerprint: Fingerprint, store: StoreFolder = Path("store")) -> None:
    """Remove a stage, finished or not; runs that need it train it again.

    Example: matl store remove 1a2b
    """
    from matl.orchestrator.store import open_store

    stages = open_store(store)
    found = stages.find(fingerprint, unfinished=True)
    stages.remove(found)
    say(f"removed {found}")
