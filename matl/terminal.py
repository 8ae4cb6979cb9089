"""The terminal that everything is shown on."""

from rich.console import Console

TABLE_WIDTH = 100


def terminal() -> Console:
    """Standard output, as wide as the tables need where it goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=TABLE_WIDTH)
