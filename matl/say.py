"""One line on the terminal, without what a console of rich needs."""

from contextlib import suppress

import typer


def say(text: str, err: bool = False) -> None:
    """Prints a line, its control characters shown; where nobody can read it, nothing is said."""
    from matl.visible import visible

    with suppress(OSError):
        typer.echo(visible(text), err=err)
