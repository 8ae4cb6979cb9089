"""Makes sure that the store has a stage: reuses it, or trains it under its lock."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import Timeout
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from matl.config import Experiment
from matl.files import disk_errors
from matl.orchestrator.nodes import ALONE, Nodes
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.resources import refuse_missing_gpus
from matl.orchestrator.stage_images import Images, open_images
from matl.orchestrator.store import Store

REUSED, FRESH = "reused", "fresh"


def ensure_stage(
    plan: Plan,
    stage: PlannedStage,
    store: Store,
    console: Console,
    *,
    fresh: bool = False,
    place: tuple[int, int] = (1, 1),
    nodes: Nodes = ALONE,
    images: Images | None = None,
) -> None:
    """Trains a stage and commits it, unless the store has it; its parent must be there.

    Args:
        plan: What the stage belongs to.
        stage: One of its stages.
        store: Where finished stages are kept.
        console: Where progress is shown.
        fresh: Train it even where the store has it; it is replaced after success.
        place: The stage's place among those to train, from 1, and their number.
        nodes: The machines that train together; this is the first.
        images: The stage's, where they are open already.
    """
    if stage.fingerprint in store and not fresh:
        return _reuse(stage, store, console, nodes)
    with disk_errors(store.root), _locked(store, stage, console):
        if stage.fingerprint in store and not fresh:  # another run has trained it meanwhile
            return _reuse(stage, store, console, nodes)
        from matl.orchestrator.training import train_stage

        refuse_missing_gpus(plan.resources)
        nodes.tell(stage.fingerprint, FRESH if fresh else "")
        with nodes.together(f"{stage.fingerprint}/images"):
            images = images or decode_images(plan.experiment, stage, console)
        train_stage(plan, stage, store, console, images, fresh=fresh, place=place, nodes=nodes)


def _reuse(stage: PlannedStage, store: Store, console: Console, nodes: Nodes) -> None:
    line = Text.assemble((stage.title, "green"), f": in the store ({stage.fingerprint})")
    console.print(line)
    store.remove_leftover(stage.fingerprint)
    nodes.tell(stage.fingerprint, REUSED)


def decode_images(experiment: Experiment, stage: PlannedStage, console: Console) -> Images:
    """Opens a stage's images, with a progress bar where they are decoded for the first time.

    Raises:
        DataError: Images cannot be read.
    """
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("decoding images", total=None)

        def progress(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        return open_images(experiment, stage, progress)


@contextmanager
def _locked(store: Store, stage: PlannedStage, console: Console) -> Iterator[None]:
    lock = store.lock(stage.fingerprint)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print(f"{stage.title}: another run is training it; waiting for that")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
