"""The settings are a section of an experiment's file."""

from omegaconf import OmegaConf

from matl.backbones import BackboneConfig


def test_config__is_accepted_by_omegaconf() -> None:
    config = OmegaConf.structured(BackboneConfig)
    assert OmegaConf.to_object(config) == BackboneConfig()
