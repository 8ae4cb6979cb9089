"""Counts in sentences."""


def counted(count: int, one: str, several: str) -> str:
    """A count before its words, as in "1 folder holds" or "2 folders hold"."""
    return f"{count} {one if count == 1 else several}"
