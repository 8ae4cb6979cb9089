"""The errors that a user sees."""


class MatlError(Exception):
    """A mistake of the user's: one clear line that says what, where and how to mend it."""


class OutOfMemory(MatlError):
    """A device's memory, or the machine's, is too small for a stage's batch."""


class ProcessKilled(MatlError):
    """A process of a stage was killed from outside."""


class ProcessEnded(Exception):
    """A process of a stage ended by no mistake of the user's: which, how, and its last lines."""
