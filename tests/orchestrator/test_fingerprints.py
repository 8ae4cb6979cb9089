"""What is part of a stage's fingerprint, and what is not."""

from tiny import Load

from matl.orchestrator.plan import make_plan


def fingerprints(load_tiny: Load, *overrides: str) -> list[str]:
    return [stage.fingerprint for stage in make_plan(load_tiny(*overrides)).stages]


def test_settings_added_later_leave_the_fingerprints_of_before(load_tiny: Load) -> None:
    """The first release knew these; a further key would train every finished stage again."""
    trainer = {"accelerator": "cpu", "processes": 1, "threads": 1, "precision": "32-true"}
    versions = {"task", "backbone", "views", "pixels", "torch", "timm"}
    for stage in make_plan(load_tiny()).stages:
        assert stage.identity["trainer"] == {**trainer, "channels_last": True, "compile": False}
        assert stage.identity["versions"].keys() - {"lungs"} == versions


def test_what_cannot_change_a_result_is_left_out(load_tiny: Load) -> None:
    assert fingerprints(load_tiny, "trainer.max_restarts=3") == fingerprints(load_tiny)
    two = fingerprints(load_tiny, "trainer.devices=2")
    assert fingerprints(load_tiny, "trainer.devices=1", "trainer.nodes=2") == two
    assert two != fingerprints(load_tiny)
