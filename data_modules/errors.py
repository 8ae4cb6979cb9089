"""The one error that a user's data or data settings can cause."""

import difflib
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path


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


def fault(error: BaseException, *ours: Path) -> str:
    """What failed in a user's own code: the kind of error, its first line, the file and line.

    Args:
        error: As it was caught.
        ours: Folders of source that is not the user's, besides libraries and data_modules.
    """
    others = (*ours, Path(__file__).parent, Path(sysconfig.get_path("stdlib")))
    places = [
        (file.name, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not any((file := Path(frame.filename)).is_relative_to(one) for one in others)
        and {"site-packages", "dist-packages"}.isdisjoint(file.parts)
    ]
    where = f", {places[-1][0]} line {places[-1][1]}" if places else ""
    return f"{type(error).__name__}: {first_line(error)}{where}"
