"""What a stage begins with."""

from pathlib import Path

import timm
import torch
from safetensors.torch import load_file, save_file
from tiny import Load, run_quietly

from matl.backbones import canonical_state
from matl.names import BACKBONE
from matl.orchestrator.job import initial_stage
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job


def test_the_backbone_alone_travels(load_tiny: Load, tmp_path: Path) -> None:
    plan = make_plan(load_tiny())
    run_quietly(load_tiny())
    store = Store(tmp_path / "store")
    shapes, lung, diagnosis = (
        load_file(store.entry(stage.fingerprint) / BACKBONE) for stage in plan.chain
    )
    assert shapes.keys() == lung.keys() == diagnosis.keys()
    assert not any("heads" in key for key in shapes)
    assert any(not shapes[key].equal(lung[key]) for key in shapes)


def test_a_family_that_is_not_carried_begins_as_the_chain_does(
    load_tiny: Load, tmp_path: Path
) -> None:
    """From the file of weights, where the experiment names one; the carried one is the parent's."""
    file = tmp_path / "timm.safetensors"
    save_file(timm.create_model("resnet10t").state_dict(), file)
    words = (f"backbone.weights={file}", "stages.diagnosis.transfer=operators")
    plan = make_plan(load_tiny("chain=[shapes,diagnosis]", "backbone.in_channels=3", *words))
    run_quietly(plan.experiment, through=1)
    shapes, diagnosis = plan.chain
    store = Store(tmp_path / "store")
    job = stage_job(plan, diagnosis, store)
    begun = canonical_state(initial_stage(job).backbone)
    given, parent = load_file(file), load_file(store.file(shapes.fingerprint, BACKBONE))
    for key, value in begun.items():
        if key not in ("mean", "std"):
            expected = parent if key.startswith("operators.") else given
            assert torch.equal(value, expected[key]), key
