"""The typed experiment, read from YAML files with `extends`, overrides and interpolation."""

from matl.config.load import checked, load_experiment, to_yaml
from matl.config.schema import Experiment, LoggerConfig, TrainerConfig

__all__ = [
    "Experiment",
    "LoggerConfig",
    "TrainerConfig",
    "checked",
    "load_experiment",
    "to_yaml",
]
