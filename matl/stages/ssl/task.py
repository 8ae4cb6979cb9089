"""What matl asks of the task `lung_ssl`, and what its methods share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from data_modules.samples import SPLITS, Samples
from matl.errors import SettingError
from matl.plugins import load_class
from matl.stages.finding import Finding
from matl.stages.settings import StageConfig, setting
from matl.stages.task import Measure, Task

if TYPE_CHECKING:
    import pandas as pd

    from data_modules.module import ImageDataModule

METHODS = {
    "multi_scale": "matl.stages.ssl.multi_scale.method:MultiScale",
    "simclr": "matl.stages.ssl.simclr:SimCLR",
    "rotation": "matl.stages.ssl.rotation:Rotation",
    "jigsaw": "matl.stages.ssl.jigsaw:Jigsaw",
    "restoration": "matl.stages.ssl.restoration:Restoration",
    "masked": "matl.stages.ssl.masked:Masked",
    "moco": "matl.stages.ssl.moco:MoCo",
    "byol": "matl.stages.ssl.byol:BYOL",
    "vicreg": "matl.stages.ssl.vicreg:VICReg",
    "swav": "matl.stages.ssl.swav:SwAV",
    "dino": "matl.stages.ssl.dino:DINO",
    "dense_cl": "matl.stages.ssl.dense_cl:DenseCL",
}


@dataclass
class LungSSLConfig(StageConfig):
    """Self-supervision on unlabelled CT scans; each method adds settings of its own.

    Attributes:
        method: How the stage learns: a name that `matl methods` lists, or a class of one's own
            as `package.module:Class`.
        transductive: Also train on validation and test images (never their labels).
        monitor_every: Epochs between measurements of the features' rank, spread and collapse,
            besides the first and the last epoch; 0 for as often as some 3 % of the training allow.
        probe_every: Epochs between probes of the features (k-NN and linear) by the labels of the
            training split, which change no weight; 0 for none.
        on_collapse: What happens where the features say nothing any more: `warn`, or `stop`.
    """

    method: str = "multi_scale"
    transductive: bool = False
    monitor_every: int = setting(0, identity=False, least=0, unit="epochs")
    probe_every: int = setting(0, identity=False, least=0, unit="epochs")
    on_collapse: str = setting("warn", identity=False, choices=("warn", "stop"))


class LungSSL(Task):
    """Self-supervision on unlabelled lung CT, by one of several methods.

    A method is a subclass; its `VERSION` stands in the fingerprint beside the task's own.

    Attributes:
        TASK_VERSION: Raised when what all methods share can change a trained weight.
        least_images: Images below which the method cannot learn.
        paper: Where the method comes from; empty for one's own.
        assumes: What it takes for granted of scans or of the training, in words.
        passes: Forward passes a scan and step, through the trained network and through a teacher.
        lowest_loss: What the loss cannot fall below.
    """

    settings: ClassVar[type[StageConfig]] = LungSSLConfig
    TASK_VERSION: ClassVar[int] = 1
    losses = ("loss",)
    unused_parameters = True
    leak_remedy = "say transductive: true"
    least_images: ClassVar[int] = 2
    paper: ClassVar[str] = ""
    assumes: ClassVar[str] = ""
    passes: ClassVar[tuple[int, int]] = (1, 0)
    lowest_loss: ClassVar[float] = 0.0

    @classmethod
    def chosen(cls, settings: Mapping[str, Any]) -> type[Task]:
        """The method that `method` names."""
        return load_class(settings.get("method", LungSSLConfig.method), METHODS, LungSSL, "method")

    @classmethod
    def versions(cls, config: StageConfig) -> dict[str, Any]:
        """Versions of the method, and of what all methods share."""
        versions = super().versions(config)
        return versions | {"task": cls.TASK_VERSION, "method": versions["task"]}

    @classmethod
    def select(cls, samples: Samples, config: LungSSLConfig) -> Samples:
        """The training images, labelled or not; all images where the stage is transductive."""
        if config.transductive:
            return samples
        return samples.subset(samples.table["split"] == "train")

    @classmethod
    def check_images(cls, samples: Samples, config: Any) -> None:
        """Images must be enough for the method."""
        if not (samples.table["split"] == "train").any():
            raise SettingError(["data"], "no image is in the training split")
        if len(samples) < cls.least_images:
            message = f"{len(samples)} images; {config.method} needs {cls.least_images}"
            raise SettingError(["data"], message)

    @classmethod
    def classes(cls, samples: Samples) -> tuple[str, ...]:
        """None: no label is used."""
        return ()

    @classmethod
    def training_splits(cls, config: LungSSLConfig) -> tuple[str, ...]:
        """The training split, or all of them where the stage is transductive."""
        return SPLITS if config.transductive else ("train",)

    @classmethod
    def monitor(cls, data: "ImageDataModule", config: LungSSLConfig, seed: int) -> Measure:
        """Measures rank, spread and collapse of the features, and probes them if asked to."""
        from matl.stages.ssl.monitor import Monitor

        trained, teacher = cls.passes
        splits = cls.training_splits(config)
        return Monitor(data, config, seed, splits, passes=3 * trained + teacher)

    @classmethod
    def findings(cls, curves: "pd.DataFrame", config: LungSSLConfig) -> Sequence[Finding]:
        """Whether the stage has collapsed, or has nothing left to learn."""
        from matl.stages.ssl.findings import find

        return find(curves, config.epochs, cls.lowest_loss, stop=config.on_collapse == "stop")

    @classmethod
    def transductive(cls, config: LungSSLConfig) -> bool:
        """As the setting of that name says: no label is used."""
        return config.transductive
