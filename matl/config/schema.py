"""The typed experiment: one dataclass a section, one stage dataclass a task.

A field's metadata declares what is checked (`choices`, `least`, `most`, `above`) and, with
`identity: False`, that the setting cannot change what a stage learns and so is left out of its
fingerprint.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from data_modules.config import DataConfig
from matl.backbones.config import TRANSFERS, BackboneConfig
from matl.view_settings import ViewConfig

PARTS = (1, 2, 3)


def setting(default: Any, *, identity: bool = True, **checks: Any) -> Any:
    """A dataclass field with its checks; see the module's docstring."""
    return field(default=default, metadata={"identity": identity, **checks})


@dataclass
class StageConfig:
    """What every stage has, whatever its task.

    Attributes:
        part: the paper's stage that this one belongs to: 1, 2 or 3.
        task: `source`, `lung_ssl` or `diagnosis`.
        data: the data set, or a union of several.
        size: side of the square images in pixels, or [height, width].
        epochs: passes over the training split.
        batch_size: images a step over all processes.
        optimizer: a name that timm's optimizer factory knows.
        lr: peak learning rate; never scaled silently.
        schedule: `cosine` decay to zero after the warm-up, or `constant`.
        warmup: share of all steps over which the rate rises.
        layer_decay: factor of the learning rate a layer, from the heads to the images; 1 for none.
        operator_lr: factor of the operators' learning rate.
        gate_lr: factor of their gates' learning rate.
        transfer: what of the stage before this one begins with; see `matl.backbones.transfer`.
        freeze: `none`, `all` (a linear probe), or the stride up to which nothing is trained.
        clip: largest norm of the gradient; 0 turns clipping off.
        accumulate: batches whose gradients are added before a step.
        checkpoint_every: steps between checkpoints, besides the one after each epoch; 0 for none.
        views: random views of the training images.
    """

    part: int = setting(MISSING, identity=False, choices=PARTS)
    task: str = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    size: Any = 128
    epochs: int = setting(MISSING, least=1)
    batch_size: int = setting(32, least=2)
    optimizer: str = "adamw"
    lr: float = setting(1e-3, above=0.0)
    weight_decay: float = setting(0.05, least=0.0)
    schedule: str = setting("cosine", choices=("cosine", "constant"))
    warmup: float = setting(0.1, least=0.0, most=0.9)
    layer_decay: float = setting(1.0, above=0.0, most=1.0)
    operator_lr: float = setting(1.0, least=0.0)
    gate_lr: float = setting(1.0, least=0.0)
    transfer: str = setting("all", choices=tuple(TRANSFERS))
    freeze: Any = "none"
    clip: float = setting(1.0, least=0.0)
    accumulate: int = setting(1, least=1)
    checkpoint_every: int = setting(0, identity=False, least=0)
    views: ViewConfig = field(default_factory=ViewConfig)


@dataclass
class SourceConfig(StageConfig):
    """Labels of another domain, single-label or multi-label.

    Attributes:
        class_weights: `balanced` weighs a class by the inverse of its training frequency.
        label_smoothing: share of the target spread over all classes.
        mixup: alpha of mixup's Beta distribution (timm); 0 turns it off.
        evenness: how a union is sampled: 0 by size, 1 alike from each kind of classes (or from each
            data set, where all have the same), between them in proportion to size^(1 - evenness),
            which is sampling at the temperature 1 / (1 - evenness).
    """

    class_weights: str = setting("none", choices=("none", "balanced"))
    label_smoothing: float = setting(0.0, least=0.0, most=0.9)
    mixup: float = setting(0.0, least=0.0)
    evenness: float = setting(0.0, least=0.0, most=1.0)


@dataclass
class DiagnosisConfig(StageConfig):
    """The target's labels: the positive class against the rest.

    Attributes:
        class_weights: `balanced` weighs the positive class by negatives / positives in training.
        label_smoothing: share of the target moved towards one half.
        drop_rate: dropout before the classifier.
    """

    class_weights: str = setting("balanced", choices=("none", "balanced"))
    label_smoothing: float = setting(0.0, least=0.0, most=0.9)
    drop_rate: float = setting(0.0, least=0.0, most=0.9)


@dataclass
class LungSSLConfig(StageConfig):
    """Self-supervision on unlabelled CT scans.

    Attributes:
        method: `multi_scale`, the lung method of this project.
        whole: weight of the whole-scan term; 0 turns it off.
        region: weight of the region term; 0 turns it off.
        identity: weight of the region-identity term; 0 turns it off. Views do not flip while on.
        temperature: of both contrastive terms.
        momentum: of the key encoder.
        queue: keys kept as negatives, never more than a quarter of the training images.
        projection: width of the projection heads' output.
        region_stride: stride of the feature map that region features are pooled from.
        regions: `lungs`, or the control `image_grid`.
        fields: `lungs`, or the control `ellipse`.
        transductive: also train on validation and test images (never their labels).
    """

    method: str = setting("multi_scale", choices=("multi_scale",))
    whole: float = setting(1.0, least=0.0)
    region: float = setting(1.0, least=0.0)
    identity: float = setting(0.2, least=0.0)
    temperature: float = setting(0.2, above=0.0)
    momentum: float = setting(0.99, least=0.0, most=1.0)
    queue: int = setting(4096, least=1)
    projection: int = setting(128, least=2)
    region_stride: int = 16
    regions: str = setting("lungs", choices=("lungs", "image_grid"))
    fields: str = setting("lungs", choices=("lungs", "ellipse"))
    transductive: bool = False


TASKS: dict[str, type[StageConfig]] = {
    "source": SourceConfig,
    "lung_ssl": LungSSLConfig,
    "diagnosis": DiagnosisConfig,
}


@dataclass
class TrainerConfig:
    """Where and how precisely stages are trained; `auto` is resolved before the fingerprint.

    Attributes:
        accelerator: `auto`, `cpu` or `gpu`.
        devices: number of processes on each node, one a device, or `auto` for all GPUs (one process
            on a CPU).
        threads: CPU threads a process, or `auto` for the machine's cores shared out.
        precision: `auto` (bf16-mixed where the device computes it natively, else 32-true),
            or one of Lightning's names.
        channels_last: memory format of images and network.
        compile: `torch.compile` the backbone; it needs a C++ compiler, and minutes before it gains.
        nodes: machines that train together; torchrun or srun starts one `matl run` on each.
        max_restarts: how often a stage's processes are started again, from the last checkpoint,
            where one of them ends; on one node.
        auto_batch: train a stage that runs out of memory anew with half the batch; on one node.
    """

    accelerator: str = setting("auto", choices=("auto", "cpu", "gpu"))
    devices: Any = "auto"
    threads: Any = "auto"
    precision: str = setting("auto", choices=("auto", "32-true", "bf16-mixed", "16-mixed"))
    channels_last: bool = True
    compile: bool = False
    nodes: int = setting(1, least=1)
    max_restarts: int = setting(0, least=0)
    auto_batch: bool = False


@dataclass
class LoggerConfig:
    """Record of the training besides the CSV files that are always written."""

    wandb: str = setting("disabled", choices=("offline", "online", "disabled"))
    project: str = "matl"


@dataclass
class Experiment:
    """One experiment: what a user writes, reads and shares.

    Attributes:
        name: names the run's folder.
        data_root: folder of the data sets.
        store: folder of finished stages.
        cache: folder of decoded images.
        runs: folder of runs and their reports.
        backbone: the network that all stages share.
        stages: every stage by name; typed by its task.
        chain: the stages that run, in order; the last is a diagnosis.
        baselines: `scratch` also trains the diagnosis without the stages before it.
        trainer: devices, threads and precision.
        logger: W&B.
        seed: of the whole chain.
    """

    name: str = MISSING
    data_root: str = "data"
    store: str = "store"
    cache: str = "cache"
    runs: str = "runs"
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    stages: dict[str, Any] = field(default_factory=dict)
    chain: list[str] = field(default_factory=list)
    baselines: list[str] = field(default_factory=list, metadata={"choices": ("scratch",)})
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    seed: int = setting(0, least=0)
