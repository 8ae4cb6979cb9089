"""Builds the LightningModule of a task from outside once, before anything trains."""

import json
from dataclasses import replace

from torch import nn

from matl.backbones import build_backbone
from matl.config import Experiment
from matl.errors import SettingError
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.stage_images import Images
from matl.stages.check import faults_of

CONSTRUCTOR = "it is called with (backbone, config, seed) and what facts returns by name"
FACTS = "return a dict of texts and of values that JSON can hold"


def try_build(experiment: Experiment, stage: PlannedStage, images: Images) -> None:
    """Builds a stage as its training and its loading will, and throws it away.

    Raises:
        SettingError: It cannot be built, its facts cannot be stored, or it has no heads.
    """
    task, config = stage.task, stage.config
    backbone = build_backbone(replace(experiment.backbone, weights=None), stage.seed)
    try:
        with faults_of(task, "evenness"):
            task.evenness(config)
        with faults_of(task, "facts", FACTS):
            facts = task.facts(images.samples, config)
            json.dumps(facts, allow_nan=False)
            facts = dict(facts)
        with faults_of(task, "__init__", CONSTRUCTOR):
            built = task.stage_class(facts)(backbone, config, stage.seed, **facts)
        if not isinstance(getattr(built, "heads", None), nn.ModuleDict):
            made = "set self.heads = nn.ModuleDict({...}) in its __init__; it may be empty"
            raise SettingError([], f"{task.__module__}:{task.__name__} has no heads; {made}")
    except SettingError as error:
        raise error.under("stages", stage.name) from error
