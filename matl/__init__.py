"""Multi-stage attentive transfer learning for diagnosis from few labelled CT scans.

The names below are what the `matl` command calls; each is imported when it is first used.

Example:
    >>> import matl
    >>> experiment = matl.load_experiment("experiments/demo.yaml", ["seed=1"])
    >>> record, folder = matl.run(experiment)
    >>> model = matl.load_model(folder)
    >>> model.scores(model.read(["scan.png"]))
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_modules.config import DataConfig as DataConfig
    from data_modules.errors import DataError as DataError
    from data_modules.public_sets import check_data_set as check_data_set
    from data_modules.public_sets import describe_data_set as describe_data_set
    from data_modules.registry import list_data_sets as list_data_sets
    from data_modules.samples import Samples as Samples
    from matl.ablation.load import load_ablation as load_ablation
    from matl.ablation.run import run_ablation as run_ablation
    from matl.backbones import BackboneConfig as BackboneConfig
    from matl.backbones.listing import list_networks as list_networks
    from matl.config import Experiment as Experiment
    from matl.config import TrainerConfig as TrainerConfig
    from matl.config import load_experiment as load_experiment
    from matl.errors import MatlError as MatlError
    from matl.export.write import export_model as export_model
    from matl.orchestrator.audit_data import audit_data_set as audit_data_set
    from matl.orchestrator.audit_data import audit_experiment as audit_experiment
    from matl.orchestrator.explain_run import explain_run as explain_run
    from matl.orchestrator.external import evaluate_external as evaluate_external
    from matl.orchestrator.finished_run import load_model as load_model
    from matl.orchestrator.plan import make_plan as make_plan
    from matl.orchestrator.run import run as run
    from matl.pages import write_page as write_page
    from matl.prediction.predict import predict as predict
    from matl.prediction.result import Prediction as Prediction
    from matl.report.comparison import Comparison as Comparison
    from matl.report.comparison import compare_runs as compare_runs
    from matl.report.run_list import list_runs as list_runs
    from matl.stages.base import Stage as Stage
    from matl.stages.registry import list_tasks as list_tasks
    from matl.stages.settings import StageConfig as StageConfig
    from matl.stages.ssl.listing import list_methods as list_methods
    from matl.stages.ssl.task import LungSSL as LungSSL
    from matl.stages.ssl.task import LungSSLConfig as LungSSLConfig
    from matl.stages.task import Task as Task
    from matl.trained import TrainedModel as TrainedModel

__version__ = "0.2.0"

_PLACES = {
    "BackboneConfig": "matl.backbones.config:BackboneConfig",
    "Comparison": "matl.report.comparison:Comparison",
    "DataConfig": "data_modules.config:DataConfig",
    "DataError": "data_modules.errors:DataError",
    "Experiment": "matl.config:Experiment",
    "LungSSL": "matl.stages.ssl.task:LungSSL",
    "LungSSLConfig": "matl.stages.ssl.task:LungSSLConfig",
    "MatlError": "matl.errors:MatlError",
    "Prediction": "matl.prediction.result:Prediction",
    "Samples": "data_modules.samples:Samples",
    "Stage": "matl.stages.base:Stage",
    "StageConfig": "matl.stages.settings:StageConfig",
    "Task": "matl.stages.task:Task",
    "TrainedModel": "matl.trained:TrainedModel",
    "TrainerConfig": "matl.config:TrainerConfig",
    "audit_data_set": "matl.orchestrator.audit_data:audit_data_set",
    "audit_experiment": "matl.orchestrator.audit_data:audit_experiment",
    "check_data_set": "data_modules.public_sets:check_data_set",
    "compare_runs": "matl.report.comparison:compare_runs",
    "describe_data_set": "data_modules.public_sets:describe_data_set",
    "evaluate_external": "matl.orchestrator.external:evaluate_external",
    "explain_run": "matl.orchestrator.explain_run:explain_run",
    "export_model": "matl.export.write:export_model",
    "list_data_sets": "data_modules.registry:list_data_sets",
    "list_methods": "matl.stages.ssl.listing:list_methods",
    "list_networks": "matl.backbones.listing:list_networks",
    "list_runs": "matl.report.run_list:list_runs",
    "list_tasks": "matl.stages.registry:list_tasks",
    "make_plan": "matl.orchestrator.plan:make_plan",
    "load_ablation": "matl.ablation.load:load_ablation",
    "load_experiment": "matl.config:load_experiment",
    "load_model": "matl.orchestrator.finished_run:load_model",
    "predict": "matl.prediction.predict:predict",
    "run": "matl.orchestrator.run:run",
    "run_ablation": "matl.ablation.run:run_ablation",
    "write_page": "matl.pages:write_page",
}
__all__ = [*_PLACES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'matl' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
