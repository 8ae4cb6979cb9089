"""What leaves this machine names no folder of it: of a path from outside its last name stays."""

import re
import shlex
from collections.abc import Iterable

# A path from outside opens with a slash that is not inside a word ("images/s"), a relative path or
# an address; with "~", "..", a drive or a server of Windows.
_OUTSIDE = r"""(?:
    (?<![\w./\\~…])(?:
        (?:file://)?/(?!/)        # as in /data/scans, root=/data, file:///data
        | (?<!:)//(?=\w)          # //server/share
        | ~(?:[a-zA-Z_][\w-]*)?[/\\]
        | [a-zA-Z]:[/\\]
        | \\{2,}(?=\w)
    )
    | (?<![\w.…])\.\.[/\\]
)(?=\S)"""
_ENDS = r"""\s"'`,;|()\[\]{}<>"""
# A folder's name may hold a space, which its next slash shows: /home/Jane Doe/scans.
_IN_TEXT = rf"{_OUTSIDE}[^{_ENDS}]+(?:(?<![:.])[ ][^{_ENDS}/\\]+[/\\][^{_ENDS}]*)*"
_IN_LIST = rf"{_OUTSIDE}[^{_ENDS[2:]}\n]+"
_QUOTED = r"""(?<!\w)(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)(?!\w)"""
_TEXT = re.compile(rf"{_QUOTED}|{_IN_TEXT}", re.VERBOSE)
_LIST = re.compile(rf"{_QUOTED}|{_IN_LIST}", re.VERBOSE)
_OPENS_LIST = re.compile(r"(?:[^\s=]+=)*[\[{]")
_WHOLE = re.compile(
    rf"(?P<key>(?:(?!file:)[^\s=:/\\…]+=)*(?:(?!file:)[\w-]{{2,}}:)?)(?P<path>{_OUTSIDE}.+)",
    re.VERBOSE,
)


def hide_paths(text: str) -> str:
    """Shortens every path from outside in a text to "…/name".

    From outside are absolute paths and those that begin with "~" or hold "..". A path in quotes
    ends with them, whatever it holds.
    """
    return _TEXT.sub(_hidden, text)


def hide_value(value: str) -> str:
    """`hide_paths` for one value: a word of a command, or a leaf of JSON or YAML.

    A path that the value is, also behind "key=" or "name:", ends where the value does; in a value
    like "key={root: /path, …}" it ends at a comma or bracket.
    """
    if whole := _WHOLE.fullmatch(value):
        return whole["key"] + _short(whole["path"])
    return _LIST.sub(_hidden, value) if _OPENS_LIST.match(value) else hide_paths(value)


def command_line(words: Iterable[str]) -> str:
    """A command as a shell takes it, its paths hidden, what is not UTF-8 replaced by ?."""
    return shlex.join(map(hide_value, words)).encode(errors="replace").decode()


def _hidden(found: re.Match[str]) -> str:
    if quote := found["quote"]:
        return f"{quote}{hide_value(found['value'])}{quote}"
    return _short(found.group())


def _short(path: str) -> str:
    return "…/" + re.split(r"[/\\]+", path.rstrip("/\\"))[-1]
