"""A stage's curves in W&B."""

from typing import Any

from pytorch_lightning.loggers import Logger

from matl.orchestrator.wandb_run import SafeRun

STEP = "trainer/global_step"


class CurveLogger(Logger):
    """Lightning's logger of a stage: every logged value goes to a W&B run.

    Args:
        run: the run, which whoever opened it ends.
        prefix: of all names: the stage's in a sweep's trial, else nothing.
    """

    def __init__(self, run: SafeRun, prefix: str) -> None:
        super().__init__()
        self.run, self._prefix = run, prefix
        run.add(lambda run: run.define_metric(prefix + STEP))
        run.add(lambda run: run.define_metric(f"{prefix}*", step_metric=prefix + STEP))

    @property
    def name(self) -> str:
        """Of the logger, as Lightning asks for it."""
        return "wandb"

    @property
    def version(self) -> None:
        """None: W&B numbers its runs itself."""
        return None

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Sends values to the run; returns at once."""
        row = {self._prefix + name: value for name, value in (metrics | {STEP: step}).items()}
        self.run.add(lambda run: run.log(row))

    def say(self, name: str, text: str) -> None:
        """Puts a line into the run's summary."""
        self.run.add(lambda run: run.summary.update({self._prefix + name: text}))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The stage's identity is the run's config from its start."""
