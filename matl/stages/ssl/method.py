"""What a method of `lung_ssl` says that stands in one file: its heads, and the loss of a batch."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from data_modules.samples import Samples
from matl.stages.ssl.task import LungSSL

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.stage import MethodStage


class Method(LungSSL):
    """Trains the backbone with heads of its own, by a loss over views of each scan.

    A subclass imports torch and lightly where it calls them, so that planning stays quick. What it
    needs of its own has one default, that of its paper.

    Attributes:
        teacher: The heads that a momentum copy follows beside the backbone; empty: there is none.
            See `keep`.
    """

    teacher: ClassVar[tuple[str, ...]] = ()
    unused_parameters: ClassVar[bool] = False
    module = "matl.stages.ssl.stage:MethodStage"

    @classmethod
    @abstractmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: Any, images: int
    ) -> "dict[str, nn.Module]":
        """What is trained beside the backbone, and what the loss keeps in buffers, by name.

        Args:
            backbone: What they stand on.
            config: The stage's settings.
            images: How many there are to train on.
        """

    @classmethod
    @abstractmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """The loss of one batch, a scalar; parts of it may be recorded.

        Of several processes, the mean of their losses must have the gradient of the loss of all.
        Where `spread` is recorded, features that have collapsed are warned of.
        """

    @classmethod
    def keep(cls, config: Any, step: int, steps: int) -> float:
        """The share of itself that the teacher keeps.

        Args:
            config: The stage's settings.
            step: The optimizer steps before this one.
            steps: Those of the whole stage.
        """
        raise NotImplementedError(f"{cls.__name__} has no teacher")

    @classmethod
    def facts(cls, samples: Samples, config: Any) -> dict[str, Any]:
        """How many images are trained on."""
        return {"images": len(samples)}
