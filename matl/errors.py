"""The error that a user sees."""


class MatlError(Exception):
    """A mistake of the user's: one clear line that says what, where and how to mend it."""
