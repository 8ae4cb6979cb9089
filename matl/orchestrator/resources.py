"""What `auto` means on this machine; resolved before the plan, so that the plan can name it."""

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from matl.backbones.maps import feature_maps
from matl.config import TrainerConfig
from matl.errors import MatlError

if TYPE_CHECKING:
    import torch

GPU_DRIVERS = tuple(Path("/dev", name) for name in ("nvidiactl", "nvidia0", "nvmap", "kfd", "dxg"))
"""What Linux shows where an accelerator's driver is loaded: NVIDIA's (also of its embedded
boards), AMD's, and Windows' under WSL."""

CPU_FACTS = Path("/proc/cpuinfo")
BF16_FLAGS = {"avx512_bf16", "amx_tile"}


@dataclass(frozen=True)
class Resources:
    """A trainer section with every `auto` resolved.

    Attributes:
        accelerator: `cpu` or `gpu`.
        processes: one per device, over all nodes.
        threads: CPU threads per process; recorded, but no part of a fingerprint.
        precision: one of Lightning's names.
        channels_last: memory format of images and network.
        compile: whether the backbone is compiled.
        nodes: machines that share the processes evenly; how many cannot change a result.
        max_restarts: how often the processes of a stage are started again.
        auto_batch: whether the batch may be halved where memory runs out.
    """

    accelerator: str
    processes: int
    threads: int = field(metadata={"identity": False})
    precision: str
    channels_last: bool
    compile: bool
    nodes: int = field(default=1, metadata={"identity": False})
    max_restarts: int = field(default=0, metadata={"identity": False})
    auto_batch: bool = field(default=False, metadata={"identity": "where set"})

    @property
    def processes_a_node(self) -> int:
        """Processes of each node."""
        return self.processes // self.nodes

    @property
    def device(self) -> "torch.device":
        """The one device that evaluation runs on."""
        import torch

        return torch.device("cuda", 0) if self.accelerator == "gpu" else torch.device("cpu")


def resolve(trainer: TrainerConfig, network: str) -> Resources:
    """Resolves `auto` for accelerator, devices, threads and precision.

    A network with depth-wise convolutions is trained in fp32 on a CPU, where it is faster than in
    bf16. What is named needs no device here, so that stages can be planned on a machine without
    GPUs and trained on another.

    Raises:
        MatlError: GPUs are asked for and there is none, so their number or precision is unknown.
    """
    gpus = visible_gpus()
    accelerator = trainer.accelerator
    if accelerator == "auto":
        accelerator = "gpu" if gpus else "cpu"
    if accelerator == "gpu" and not gpus and "auto" in (trainer.devices, trainer.precision):
        raise MatlError(
            "trainer.accelerator: gpu, but torch sees none; use accelerator: cpu, or, to train on "
            "another machine, name devices and precision"
        )
    processes = trainer.devices
    if processes == "auto":
        processes = gpus if accelerator == "gpu" else 1
    if processes > 1 and os.name == "nt":
        raise MatlError(
            f"trainer.devices: {processes}, but on Windows a stage trains in one process; use 1"
        )
    threads = trainer.threads
    if threads == "auto":
        threads = max(available_cores() // processes, 1)
    precision = trainer.precision
    if precision == "auto":
        precision = "bf16-mixed" if _gains_by_bf16(accelerator, network) else "32-true"
    if precision == "16-mixed" and accelerator == "cpu":
        raise MatlError("trainer.precision: 16-mixed needs a GPU; use bf16-mixed, or auto")
    if trainer.compile and accelerator == "cpu" and not shutil.which(os.environ.get("CXX", "g++")):
        raise MatlError(
            "trainer.compile: there is no C++ compiler; install one, or set it to false"
        )
    return Resources(
        accelerator,
        processes * trainer.nodes,
        threads,
        precision,
        trainer.channels_last,
        trainer.compile,
        trainer.nodes,
        trainer.max_restarts,
        trainer.auto_batch,
    )


def refuse_missing_gpus(resources: Resources) -> None:
    """Refuses a training on more GPUs than this machine has.

    Raises:
        MatlError: there are fewer.
    """
    gpus = visible_gpus()
    wanted = resources.processes_a_node
    if resources.accelerator == "gpu" and wanted > gpus:
        raise MatlError(f"trainer.devices: {wanted}, but torch sees {gpus} GPUs")


def visible_gpus() -> int:
    """The number of GPUs that torch sees; it is not asked where Linux has no driver for one."""
    if sys.platform == "linux" and not any(driver.exists() for driver in GPU_DRIVERS):
        return 0
    import torch

    return torch.cuda.device_count()


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gains_by_bf16(accelerator: str, network: str) -> bool:
    slower = accelerator == "cpu" and feature_maps(network).depthwise
    return not slower and computes_bf16(accelerator)


def computes_bf16(accelerator: str) -> bool:
    """Whether the device multiplies bfloat16 natively; of a CPU, what torch would say."""
    if accelerator == "gpu":
        import torch

        return torch.cuda.is_bf16_supported(including_emulation=False)
    if CPU_FACTS.is_file():
        return bool(BF16_FLAGS & _cpu_flags(CPU_FACTS.read_text()))
    return torch_computes_bf16()


def _cpu_flags(facts: str) -> set[str]:
    """What the first processor of /proc/cpuinfo can do; on other processors than x86 nothing."""
    lines = (line.partition(":") for line in facts.splitlines())
    return next((set(words.split()) for name, _, words in lines if name.strip() == "flags"), set())


def torch_computes_bf16() -> bool:
    """What torch knows of the CPU; it has no public name for it."""
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
