"""The one error that a user's data or data settings can cause."""

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """A mistake in the data or in its settings that the user can fix.

    The message is one clear line: what is wrong, where, and how to fix it. (A listing of unreadable
    images may have more lines.)
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known word, or all of them where none is near."""
    words = [str(item) for item in known]
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"choose from {', '.join(words)}" if words else "there is none to choose from"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its type where it has no message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
