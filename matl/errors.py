"""The errors that a user sees."""

from collections.abc import Iterable
from typing import ClassVar, Self


class MatlError(Exception):
    """A user's mistake: one clear line that says what, where and how to fix it.

    Attributes:
        exit_code: What the command ends with.
    """

    exit_code: ClassVar[int] = 2


class SettingError(MatlError):
    """A wrong setting of an experiment.

    Args:
        keys: The path of the setting, as in `["stages", "lung", "epochs"]`.
        reason: What is wrong with it, and how to fix it.
        message: The whole line, where `reason` already names the setting.

    Attributes:
        keys: As above.
        reason: As above.
    """

    def __init__(self, keys: Iterable[str], reason: str, message: str | None = None) -> None:
        self.keys, self.reason = list(keys), reason
        place = f"{'.'.join(self.keys)}: " if self.keys else ""
        super().__init__(message or place + reason)

    def under(self, *keys: str) -> Self:
        """The same error below other settings, as in `error.under("stages", "lung")`."""
        return type(self)([*keys, *self.keys], self.reason)


class Collapsed(MatlError):
    """A stage's features say nothing any more, and its settings ask to end it then."""

    exit_code = 3


class OutOfMemory(MatlError):
    """A device's memory, or the machine's, is too small for a stage's batch."""


class ProcessKilled(MatlError):
    """A process of a stage was killed from outside."""


class ProcessEnded(Exception):
    """A process of a stage ended by no mistake of the user's: which, how, and its last lines."""
