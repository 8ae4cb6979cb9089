"""`auto` means what torch would say, found without importing it where that is known."""

from pathlib import Path

import pytest
import torch

from matl.config.schema import TrainerConfig
from matl.errors import MatlError
from matl.orchestrator import resources
from matl.orchestrator.resources import (
    computes_bf16,
    refuse_missing_gpus,
    resolve,
    torch_computes_bf16,
    visible_gpus,
)

FACTS = "processor\t: 0\nflags\t\t: fpu {flag} sse\nbogomips\t: 4000\n\nprocessor\t: 1\n"


def test_visible_gpus__as_torch_counts_them() -> None:
    assert visible_gpus() == torch.cuda.device_count()


@pytest.mark.parametrize("driver", [True, False])
def test_visible_gpus__torch_is_asked_where_there_is_a_driver(
    driver: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(resources, "GPU_DRIVERS", (tmp_path / "none", tmp_path / "nvidiactl"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    if driver:
        (tmp_path / "nvidiactl").touch()
    assert visible_gpus() == (2 if driver else 0)


def test_visible_gpus__torch_is_asked_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert visible_gpus() == 1


def test_computes_bf16__as_torch_says() -> None:
    """Fails too when an upgrade of torch takes the names away."""
    assert computes_bf16("cpu") == torch_computes_bf16()


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("avx512_bf16", True), ("amx_tile", True), ("avx512f", False), ("amx_bf16_x", False)],
)
def test_computes_bf16__by_the_flags_of_the_cpu(
    flag: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(FACTS.format(flag=flag))
    monkeypatch.setattr(resources, "CPU_FACTS", tmp_path / "cpuinfo")
    assert computes_bf16("cpu") is expected


def test_computes_bf16__not_on_other_processors_than_x86(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd bf16\n")
    monkeypatch.setattr(resources, "CPU_FACTS", tmp_path / "cpuinfo")
    assert not computes_bf16("cpu")


@pytest.mark.parametrize("known", [True, False])
def test_computes_bf16__torch_is_asked_where_there_is_no_cpuinfo(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "CPU_FACTS", tmp_path / "none")
    monkeypatch.setattr(resources, "torch_computes_bf16", lambda: known)
    assert computes_bf16("cpu") is known


def test_resolve__named_gpus_need_not_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "visible_gpus", lambda: 0)
    trainer = TrainerConfig(accelerator="gpu", devices=2, precision="bf16-mixed", threads=1)
    found = resolve(trainer, "resnet18")
    assert (found.accelerator, found.processes) == ("gpu", 2)
    with pytest.raises(MatlError, match=r"trainer.devices: 2, but torch sees 0 GPUs"):
        refuse_missing_gpus(found)
    with pytest.raises(MatlError, match="name devices and precision"):
        resolve(TrainerConfig(accelerator="gpu"), "resnet18")


def test_resolve__auto_takes_every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "visible_gpus", lambda: 4)
    found = resolve(TrainerConfig(precision="32-true", threads=1, nodes=2), "resnet18")
    assert (found.accelerator, found.processes, found.processes_a_node) == ("gpu", 8, 4)


def test_device__is_the_one_that_evaluates() -> None:
    assert resolve(TrainerConfig(accelerator="cpu"), "resnet18").device == torch.device("cpu")


@pytest.mark.parametrize(
    ("network", "accelerator", "precision"),
    [
        ("resnet18", "cpu", "bf16-mixed"),
        ("monai/densenet121", "cpu", "bf16-mixed"),
        ("tf_efficientnet_lite0", "cpu", "32-true"),
        ("convnext_atto", "cpu", "32-true"),
        ("tf_efficientnet_lite0", "gpu", "bf16-mixed"),
    ],
)
def test_resolve__depthwise_networks_are_trained_in_fp32_on_a_cpu(
    network: str, accelerator: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "computes_bf16", lambda accelerator: True)
    monkeypatch.setattr(resources, "visible_gpus", lambda: 1)
    assert resolve(TrainerConfig(accelerator=accelerator), network).precision == precision
    named = TrainerConfig(accelerator=accelerator, precision="bf16-mixed")
    assert resolve(named, network).precision == "bf16-mixed"
