"""W&B sweeps: a plain sweep file, checked against our schema before W&B creates it."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import wandb
from omegaconf import OmegaConf

from data_modules.errors import did_you_mean, first_line
from matl.config import Experiment, load_experiment
from matl.config.layers import read_layers
from matl.config.yaml_text import Scalar
from matl.errors import MatlError
from matl.evaluation.class_metrics import CLASS_METRICS
from matl.evaluation.metrics import METRICS
from matl.orchestrator.wandb_run import refuse_wrong_key
from matl.stages.registry import task_of
from matl.sweep_draws import distribution_of, draws, in_words

ARGUMENTS = "${args_no_hyphens}"
ENVIRONMENT = "${env}"
"""W&B's macro for /usr/bin/env, with which a command may begin."""
MACRO = "${envvar:"
COMMAND = f"[matl, run, EXPERIMENT.yaml, logger.wandb=online, '{ARGUMENTS}']"


@dataclass(frozen=True)
class Sweep:
    """A checked sweep.

    Attributes:
        config: the file's content, as W&B takes it.
        experiment: that of a trial.
    """

    config: dict[str, Any]
    experiment: Experiment

    def __str__(self) -> str:
        metric, parameters = self.config["metric"], self.config["parameters"]
        cap = self.config.get("run_cap", "any number of")
        lines = [f"  {name}: {in_words(spec)}" for name, spec in parameters.items()]
        title = f"{metric['goal']} {metric['name']} over {', '.join(parameters)}: {cap} trials"
        return "\n".join([title, *lines])


def load_sweep(file: Path) -> Sweep:
    """Reads a sweep file; every parameter's name and the ends of its range are tried.

    Raises:
        MatlError: one line that names the file, the key, and how to fix it.
    """
    layer = read_layers(file, [])[-1]
    config: Any = OmegaConf.to_container(layer.content, resolve=False)
    try:
        _refuse_other_texts([one for one in layer.scalars if one.keys[0] == "parameters"])
        path, overrides = _trial_command(config)
        tried = _try_parameters(config, path, overrides)
        for experiment in tried:
            _check_choice(config.get("metric"), experiment)
    except MatlError as error:
        raise MatlError(f"{file}: {error}") from error
    return Sweep(config, tried[0])


def start(sweep: Sweep) -> NoReturn:
    """Creates the sweep at W&B and becomes its first agent.

    Raises:
        MatlError: nobody is logged in, or the server does not take the sweep.
    """
    settings = sweep.experiment.logger
    refuse_wrong_key(settings)
    project = sweep.config.get("project", settings.project)
    try:
        identifier = wandb.sweep(sweep.config, sweep.config.get("entity"), project)
    except Exception as error:
        raise MatlError(f"W&B did not create the sweep: {first_line(error)}") from error
    wandb.teardown()
    print(f"More agents, here or elsewhere: wandb agent --project {project} {identifier}")
    sys.stdout.flush()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    agent = [sys.executable, "-m", "wandb", "agent", "--project", project, identifier]
    os.execv(sys.executable, agent)


def _trial_command(config: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The experiment's file and the overrides of every trial.

    Raises:
        MatlError: The command is another one, or one that does more than to run an experiment.
    """
    written = config.get("command")
    command = [str(word) for word in written] if isinstance(written, list) else []
    words = command[1:] if command[:1] == [ENVIRONMENT] else command
    if words[:2] != ["matl", "run"] or words.count(ARGUMENTS) != 1:
        raise MatlError(f"command: must be {COMMAND}")
    rest = [word for word in words[2:] if word != ARGUMENTS]
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    files = [word for word in rest if word not in overrides and word.endswith((".yaml", ".yml"))]
    others = [word for word in rest if word not in (*overrides, *files)]
    if len(files) != 1 or others or any(MACRO in word for word in files):
        found = f" ({others[0]}: is neither the experiment nor a setting)" if others else ""
        raise MatlError(f"command: must be {COMMAND}{found}")
    for word in overrides:
        if MACRO in word:
            raise MatlError(
                f"command: {word}: environment variables are no values of an experiment; write out"
            )
    return files[0], overrides


def _try_parameters(
    config: Mapping[str, Any], path: str, overrides: Sequence[str]
) -> list[Experiment]:
    """An experiment for each value of each parameter, the others at their first."""
    parameters = config.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        raise MatlError("parameters: must map settings, as stages.diagnosis.lr, to their values")
    tried = {name: _values(name, spec) for name, spec in parameters.items()}
    _read_experiment(path, overrides)
    first = {name: values[0] for name, values in tried.items()}
    experiments = []
    for name, values in tried.items():
        for value in values:
            trial = first | {name: value}
            words = [*overrides, *(f"{key}={chosen}" for key, chosen in trial.items())]
            try:
                experiments.append(load_experiment(path, words))
            except MatlError as error:
                drawn = f"{distribution_of(parameters[name])} draws {value}"
                raise MatlError(f"parameters.{name}: {drawn}: {error}") from error
    _refuse_places(experiments)
    if any(experiment.logger.wandb != "online" for experiment in experiments):
        raise MatlError("command: W&B hears nothing of the trials; add logger.wandb=online")
    return experiments


def _read_experiment(path: str, overrides: Sequence[str]) -> None:
    """Says what no parameter can change: that the experiment is not there, or is no YAML.

    Raises:
        MatlError: One of these; with the folder that a relative path was looked for in.
    """
    if not Path(path).exists():
        raise MatlError(
            f"command: {path}: no such file in {Path.cwd()}; start matl in the folder that the "
            "path begins in, or write the whole path"
        )
    try:
        read_layers(Path(path), overrides)
    except MatlError as error:
        raise MatlError(f"command: {error}") from error


def _refuse_places(experiments: Sequence[Experiment]) -> None:
    """A sweep varies what is learned, not where it is kept: trials share their finished stages."""
    first = experiments[0]
    for key in ("name", "store", "cache", "runs", "logger"):
        if any(getattr(one, key) != getattr(first, key) for one in experiments):
            raise MatlError(f"parameters: vary {key}, which all trials share; set it in command")


def _values(name: str, spec: Any) -> list[Any]:
    """What is tried of a parameter: each value of a list, the ends of a range and one between."""
    if not isinstance(spec, dict) or "parameters" in spec:
        raise MatlError(f"parameters.{name}: name a whole setting, and map it to its values")
    try:
        found = draws(spec)
    except ValueError as error:
        raise MatlError(f"parameters.{name}: {error}") from error
    if None in found:
        raise MatlError(f"parameters.{name}: null: W&B would write None, which is no null; omit it")
    return found


def _refuse_other_texts(scalars: Sequence[Scalar]) -> None:
    """Refuses what W&B would hand to a trial otherwise than it is written: `yes` as True."""
    for one in scalars:
        if not one.is_key and one.value is not None and not _is_handed_on(one):
            raise MatlError(
                f"parameters.{one.keys[1]}: {one.text} is read as {one.value}; write "
                f"'{one.text}', in quotes, or {str(one.value).lower()}"
            )


def _is_handed_on(one: Scalar) -> bool:
    if isinstance(one.value, bool):
        return one.text.lower() in ("true", "false")
    try:
        return float(one.text) == one.value
    except ValueError:
        return False


def _check_choice(metric: Any, experiment: Experiment) -> None:
    """A sweep may choose by validation, or by cross-validation of the training patients."""
    name, goal = (metric or {}).get("name"), (metric or {}).get("goal")
    last = experiment.stages[experiment.chain[-1]].data
    known = _metric_names(experiment)
    best = f"{experiment.chain[-1]}/val/auroc"
    if last.split == "kfold" and last.over == "all":
        raise MatlError(
            f"command: kfold over all patients chooses by those of the official test split too; "
            f"add stages.{experiment.chain[-1]}.data.over=train"
        )
    if "test" in str(name).split("/"):
        raise MatlError(
            f"metric.name: {name}: nothing may be chosen by the test split; write {best}"
        )
    if name not in known:
        raise MatlError(f"metric.name: no trial reports {name}; {did_you_mean(str(name), known)}")
    if goal not in ("minimize", "maximize"):
        raise MatlError("metric.goal: write minimize or maximize; W&B would minimize")


def _metric_names(experiment: Experiment) -> list[str]:
    names = []
    for stage in experiment.chain:
        task = task_of(experiment.stages[stage])
        names += [f"{stage}/{name}" for name in (*task.metric_names, *task.losses)]
    last = experiment.stages[experiment.chain[-1]].data
    of_a_fold = METRICS if last.positive is not None else CLASS_METRICS
    return names + ([f"cv/{name}" for name in of_a_fold] if last.split == "kfold" else [])
