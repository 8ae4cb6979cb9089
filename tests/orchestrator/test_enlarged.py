"""Stages that enlarge their images are named, with how many and how much."""

from tiny import Load

from matl.orchestrator.enlarged import enlarged_notes
from matl.orchestrator.plan import make_plan


def notes(load_tiny: Load, *words: str) -> list[str]:
    return enlarged_notes(make_plan(load_tiny(*words)).chain)


def test_a_stage_that_enlarges_its_images_is_named(load_tiny: Load) -> None:
    assert notes(load_tiny) == []
    [note] = notes(load_tiny, "stages.lung.size=240")
    assert note.startswith("WARNING: lung enlarges 8 of 8 images looked at, by ")
    assert "its size is 240, and their shorter side " in note


def test_a_padded_view_may_be_larger_than_one_side(load_tiny: Load) -> None:
    cropped = notes(load_tiny, "stages.diagnosis.size=[32,120]")
    assert len(cropped) == 1
    assert notes(load_tiny, "stages.diagnosis.size=[32,120]", "stages.diagnosis.fit=pad") == []
