"""The typed experiment: one dataclass a section; each stage is typed by its task.

What a field's metadata declares is said in `matl.stages.settings`.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from matl.backbones.config import BackboneConfig
from matl.stages.settings import setting

UNTESTED = {"mps": "matl was never tested on Apple's GPUs; use cpu"}


@dataclass
class TrainerConfig:
    """Where and how precisely stages are trained; `auto` is resolved before the fingerprint.

    Attributes:
        accelerator: What the stages are trained on; `auto` takes the GPU where there is one.
        devices: Number of processes on each node, one per device, or `auto` for all GPUs (one
            process on a CPU).
        threads: CPU threads per process, or `auto` for an equal share of the machine's cores.
        precision: `auto` (bf16-mixed where the device computes it natively, else 32-true),
            or one of Lightning's names.
        channels_last: Store images and network with the channels last, which is faster on most
            devices.
        compile: `torch.compile` the backbone; it needs a C++ compiler, and minutes before it gains.
        nodes: Machines that train together; torchrun or srun starts one `matl run` on each.
        max_restarts: How often a stage's processes are started again, from the last checkpoint,
            where one of them ends; on one node.
        auto_batch: Restart a stage that runs out of memory with half the batch; on one node.
    """

    accelerator: str = setting("auto", choices=("auto", "cpu", "gpu"), refused=UNTESTED)
    devices: Any = field(
        default="auto", metadata={"values": "`auto`, or a whole number at least 1"}
    )
    threads: Any = field(
        default="auto", metadata={"values": "`auto`, or a whole number at least 1"}
    )
    precision: str = setting("auto", choices=("auto", "32-true", "bf16-mixed", "16-mixed"))
    channels_last: bool = True
    compile: bool = False
    nodes: int = setting(1, least=1)
    max_restarts: int = setting(0, least=0)
    auto_batch: bool = False


@dataclass
class LoggerConfig:
    """Records of the training besides the CSV files that are always written.

    Attributes:
        wandb: Whether Weights & Biases records the training: on this disk (`offline`), on its
            server (`online`), or not (`disabled`).
        project: The project that W&B lists the runs under.
    """

    wandb: str = setting("disabled", choices=("offline", "online", "disabled"))
    project: str = "matl"


@dataclass
class Experiment:
    """One experiment: what a user writes, reads and shares.

    Attributes:
        name: Names the run's folder.
        data_root: Folder of the data sets.
        store: Folder of finished stages.
        cache: Folder of decoded images.
        runs: Folder of runs and their reports.
        backbone: The network that all stages share.
        stages: Every stage by name, typed by its task; in Python a mapping is as good.
        chain: The stages that run, in order; the last is a diagnosis.
        baselines: `scratch` also trains the diagnosis without the stages before it.
        trainer: Devices, threads and precision.
        logger: Whether W&B records the training.
        seed: What all randomness of the whole chain follows from.
        ensemble: Seeds, from `seed` upwards, that train the whole chain each; where there are
            several, the mean of their scores is a row of its own. An ablation has seeds of its own,
            and takes one here.
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
    ensemble: int = setting(1, least=1, most=100, unit="seeds")
