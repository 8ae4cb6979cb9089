"""Says what a stage's curves show of its training, and ends it where its settings ask for that."""

import pandas as pd
import pytorch_lightning as pl
from rich.console import Console
from rich.text import Text

from matl.errors import Collapsed
from matl.orchestrator.callbacks import CurveRecorder
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.wandb_curves import CurveLogger
from matl.stages.finding import Finding


class Watch(pl.Callback):
    """Prints each kind of finding once, and stops a stage that is to end behind its checkpoint.

    Args:
        stage: What is trained.
        recorder: Keeps its curves; called before this.
        console: Where it is said.
    """

    def __init__(self, stage: PlannedStage, recorder: CurveRecorder, console: Console) -> None:
        self._stage, self._recorder, self._console = stage, recorder, console
        self._said: set[str] = set()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Ends a stage whose checkpoint was saved behind its end."""
        self.end_if_asked()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Says what is new; the epoch's checkpoint is still saved."""
        for one in self._found():
            if one.kind not in self._said:
                self._said.add(one.kind)
                self._say(one, trainer)
            trainer.should_stop |= one.ends

    def end_if_asked(self) -> None:
        """Ends the stage where its curves and its settings ask for it.

        Raises:
            Collapsed: They do.
        """
        for one in self._found():
            if one.ends:
                name = f"stages.{self._stage.name}"
                raise Collapsed(
                    f"{name}: {one.text}; its checkpoint is kept, and the same command with "
                    f"{name}.on_collapse=warn resumes"
                )

    def _found(self) -> list[Finding]:
        if not self._recorder.rows:
            return []
        curves = pd.DataFrame(self._recorder.rows)
        return list(self._stage.task.findings(curves, self._stage.config))

    def _say(self, one: Finding, trainer: pl.Trainer) -> None:
        line = Text(f"  {self._stage.title}: WARNING: {one.text}", style="bold")
        self._console.print(line, soft_wrap=True)
        if isinstance(trainer.logger, CurveLogger):
            trainer.logger.say(one.kind, one.text)
