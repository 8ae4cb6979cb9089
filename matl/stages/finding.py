"""What a stage's curves say of its training that a user must know."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something found in the curves of a stage.

    Attributes:
        kind: In a word, as in "collapsed".
        epoch: From which on, counted from 1.
        text: One line that names kind, epoch, cause and what to do.
        ends: Whether the stage is to end here, unfinished.
    """

    kind: str
    epoch: int
    text: str
    ends: bool = False
