"""What is trained, and how fast."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import Load, run_quietly

from matl.backbones import BackboneConfig, build_backbone, canonical_state, read_weights
from matl.names import BACKBONE
from matl.orchestrator.store import Store
from matl.stages.diagnosis.stage import DiagnosisStage
from matl.stages.diagnosis.task import DiagnosisConfig
from matl.stages.rates import parameter_groups

NETWORKS = ["resnet18", "densenet121", "efficientnet_b0", "convnext_atto"]


def stage(network: str = "resnet10t", **settings: Any) -> DiagnosisStage:
    config = DiagnosisConfig(part=3, task="diagnosis", epochs=1, lr=1.0, **settings)
    backbone = build_backbone(BackboneConfig(network, at_strides=[16]), seed=0)
    return DiagnosisStage(backbone, config, 0, positives=1, negatives=1)


def rates(trained: DiagnosisStage) -> dict[str, float]:
    name_of = {parameter: name for name, parameter in trained.named_parameters()}
    groups = parameter_groups(trained, trained.config)
    return {name_of[p]: group["lr"] for group in groups for p in group["params"]}


def test_one_rate_unless_asked_for_more() -> None:
    assert set(rates(stage()).values()) == {1.0}
    assert rates(stage()).keys() == dict(stage().named_parameters()).keys()


def test_no_weight_decay_on_vectors() -> None:
    for decay in (1.0, 0.7):
        trained = stage(layer_decay=decay, weight_decay=0.3)
        for group in parameter_groups(trained, trained.config):
            shapes = {parameter.ndim > 1 for parameter in group["params"]}
            assert shapes == {group["weight_decay"] == 0.3}


def test_heads_have_a_rate_of_their_own() -> None:
    found = rates(stage(head_lr=10.0))
    assert {name for name, rate in found.items() if rate == 10.0} == {
        "heads.positive.weight",
        "heads.positive.bias",
    }
    assert set(found.values()) == {1.0, 10.0}


@pytest.mark.parametrize("network", NETWORKS)
def test_rates_fall_towards_the_images(network: str) -> None:
    trained = stage(network, layer_decay=0.5)
    found = rates(trained)
    assert found.keys() == {name for name, _ in trained.named_parameters()}
    assert found["heads.positive.weight"] == 1.0
    order = [
        found[name]
        for name, _ in trained.backbone.network.named_parameters(prefix="backbone.network")
    ]
    assert order == sorted(order)
    assert len(set(order)) > 4
    operator = found["backbone.operators.16.reduce.weight"]
    assert order[0] < operator < 1.0


def test_operators_and_gates_have_factors_of_their_own() -> None:
    found = rates(stage(operator_lr=0.5, gate_lr=3.0))
    assert found["backbone.operators.16.gate"] == 3.0
    assert found["backbone.operators.16.expand.weight"] == 0.5
    assert found["backbone.network.conv1.0.weight"] == found["heads.positive.bias"] == 1.0


def trained_backbone(load_tiny: Load, tmp_path: Path, *overrides: str) -> dict[str, torch.Tensor]:
    experiment = load_tiny("chain=[diagnosis]", *overrides)
    record, _, _ = run_quietly(experiment)
    [entry] = [row.fingerprint for row in record.stages]
    return read_weights(Store(tmp_path / "store").file(entry, BACKBONE))[0]


def test_a_linear_probe_leaves_the_backbone_bit_by_bit(load_tiny: Load, tmp_path: Path) -> None:
    after = trained_backbone(load_tiny, tmp_path, "stages.diagnosis.freeze=all")
    before = canonical_state(build_backbone(load_tiny().backbone, seed=0))
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_freezing_up_to_a_stride(load_tiny: Load, tmp_path: Path) -> None:
    last = "backbone.at_strides=[32]"
    after = trained_backbone(load_tiny, tmp_path, last, "stages.diagnosis.freeze=16")
    before = canonical_state(build_backbone(load_tiny(last).backbone, seed=0))
    changed = {key.split(".")[0] for key in before if not torch.equal(after[key], before[key])}
    assert changed == {"layer4", "operators"}
