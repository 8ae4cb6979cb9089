"""The settings that every stage has, whatever its task.

A field's metadata declares what is checked (`choices`, `least`, `most`, `above`, and `refused`: the
reason by value) and, with
`identity: False`, that the setting cannot change what a stage learns and so is left out of its
fingerprint. `identity: "where set"` leaves it out while it has its default. `unit` and `values`, in
words, are for `matl.config.reference` alone.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from data_modules.config import DataConfig
from data_modules.fit import FITS
from matl.backbones.config import TRANSFERS
from matl.view_settings import ViewConfig

PARTS = (1, 2, 3)


def setting(default: Any, *, identity: bool | str = True, **checks: Any) -> Any:
    """A dataclass field with its checks; see the module's docstring."""
    metadata = {"identity": identity, **checks}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class StageConfig:
    """What every stage has, whatever its task.

    Attributes:
        part: The paper's stage that this one belongs to: 1, 2 or 3.
        task: What the stage trains: `source`, `lung_ssl`, `diagnosis`, or a class of one's own
            as `package.module:Class`.
        data: The data set, or a union of several.
        size: Side of the square that the stage looks at in pixels, or [height, width].
        fit: How an image fits it. `crop`: its shorter side does, and a part of it is looked at, the
            middle in evaluation. `pad`: all of it is looked at, with black around it. `stretch`:
            its aspect is changed.
        epochs: Passes over the training split.
        batch_size: Images per step over all processes.
        optimizer: A name that timm's optimizer factory knows.
        lr: Peak learning rate; never scaled silently.
        weight_decay: Of all weights but biases, norms and gates.
        schedule: `cosine` decay to zero after the warm-up, or `constant`.
        warmup: Share of all steps over which the rate rises.
        layer_decay: Factor of the learning rate per layer, from the heads to the images; 1 for
            none.
        head_lr: Factor of the heads' learning rate.
        operator_lr: Factor of the operators' learning rate.
        gate_lr: Factor of the learning rate of the operators' gates.
        transfer: Which weights of the stage before this one are carried over:
            `all`, `operators`, `convolutions`, or the controls `shuffled`, `shuffled_operators`
            and `shuffled_convolutions`.
        freeze: `none`, `all` (a linear probe), or the stride up to which nothing is trained.
        clip: Largest norm of the gradient; 0 turns clipping off.
        accumulate: Batches whose gradients are added before a step.
        average: The last epochs whose mean weights are kept; 1 keeps those of the last one.
        checkpoint_every: Steps between checkpoints, besides the one after each epoch; 0 for none.
        views: Random views of the training images.
    """

    part: int = setting(MISSING, identity=False, choices=PARTS)
    task: str = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    size: Any = field(
        default=128, metadata={"unit": "pixels", "values": "32 to 1024, or [height, width]"}
    )
    fit: str = setting("crop", choices=FITS)
    epochs: int = setting(MISSING, least=1)
    batch_size: int = setting(32, least=2, unit="images")
    optimizer: str = "adamw"
    lr: float = setting(1e-3, above=0.0)
    weight_decay: float = setting(0.05, least=0.0)
    schedule: str = setting("cosine", choices=("cosine", "constant"))
    warmup: float = setting(0.1, least=0.0, most=0.9, unit="share of the steps")
    layer_decay: float = setting(1.0, above=0.0, most=1.0)
    head_lr: float = setting(1.0, identity="where set", least=0.0)
    operator_lr: float = setting(1.0, least=0.0)
    gate_lr: float = setting(1.0, least=0.0)
    transfer: str = setting("all", choices=tuple(TRANSFERS))
    freeze: Any = field(
        default="none", metadata={"values": "`none`, `all`, or a stride of the network"}
    )
    clip: float = setting(1.0, least=0.0)
    accumulate: int = setting(1, least=1, unit="batches")
    average: int = setting(1, identity="where set", least=1, unit="epochs")
    checkpoint_every: int = setting(0, identity=False, least=0, unit="steps")
    views: ViewConfig = field(default_factory=ViewConfig)


def size_pair(size: Any) -> tuple[int, int]:
    """(height, width) in pixels of a stage's `size`."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
