"""The typed experiment, read from YAML files with `extends`, overrides and interpolation."""

from matl.config.load import load_experiment
from matl.config.schema import Experiment, StageConfig

__all__ = ["Experiment", "StageConfig", "load_experiment"]
