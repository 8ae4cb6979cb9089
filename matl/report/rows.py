"""What the rows of a run's tables are called, on every page and in every file."""

CHAIN = "chain"
FROM_SCRATCH = "from scratch"
FLOOR = "floor"
_BEFORE = "scratch"


def from_scratch(stage: str) -> str:
    """The name of a stage that was trained without those before it."""
    return f"{stage}, {FROM_SCRATCH}"


def ensemble(row: str, seeds: int) -> str:
    """The name of the mean of a row over seeds."""
    return f"{row}, mean of {seeds} seeds"


def is_ensemble(row: str) -> bool:
    """Whether a row is a mean over seeds."""
    return ", mean of " in row and row.endswith(" seeds")


def current_name(name: str) -> str:
    """A row's or a stage's name as it is now, of one that an earlier version wrote."""
    if name == _BEFORE:
        return FROM_SCRATCH
    before = f" ({_BEFORE})"
    return from_scratch(name.removesuffix(before)) if name.endswith(before) else name
