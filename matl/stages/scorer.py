"""What the LightningModule of a task that diagnoses has besides its loss."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Scorer(Protocol):
    """Scores images for the positive class, or for every class."""

    def scores(self, batch: "dict[str, Tensor]") -> "Tensor":
        """Probabilities [B] of the positive class for the images of a batch; see `Stage.loss`.

        Multi-class [B, classes], 1 in sum.
        """
