"""Trains a missing stage on every node and commits it."""

from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from matl.backbones import account
from matl.files import disk_errors
from matl.names import BACKBONE
from matl.orchestrator.batch import within_memory
from matl.orchestrator.commit import commit
from matl.orchestrator.fit import train
from matl.orchestrator.job import Job
from matl.orchestrator.nodes import Nodes
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.resources import refuse_missing_gpus
from matl.orchestrator.stage_images import Images, open_images
from matl.orchestrator.store import Store


def train_stage(
    plan: Plan,
    stage: PlannedStage,
    store: Store,
    console: Console,
    images: Images,
    *,
    fresh: bool,
    place: tuple[int, int],
    nodes: Nodes,
) -> None:
    """Trains a stage and commits it; the caller holds its lock. See `ensure_stage`."""
    number, count = place
    place_in_words = f": training ({stage.fingerprint}), stage {number} of {count}"
    console.print(Text.assemble((stage.title, "bold"), place_in_words))
    if stage.parent:
        console.print(f"  {stage.name} {account(plan.experiment.backbone, stage.config.transfer)}")
    job = stage_job(plan, stage, store, images, fresh=fresh, place=place)
    with nodes.together(f"{stage.fingerprint}/training"):
        job = within_memory(job, partial(train, nodes=nodes), console)
    commit(job, store)
    nodes.tell(f"{stage.fingerprint}/committed", "")


def train_along(
    plan: Plan, stage: PlannedStage, store: Store, nodes: Nodes, *, fresh: bool
) -> None:
    """Trains a stage on a node that is not the first, which commits it."""
    with nodes.together(f"{stage.fingerprint}/images"), disk_errors(store.root):
        images = open_images(plan.experiment, stage)
    with nodes.together(f"{stage.fingerprint}/training"), disk_errors(store.root):
        refuse_missing_gpus(plan.resources)
        train(stage_job(plan, stage, store, images, fresh=fresh), nodes)
    nodes.hear(f"{stage.fingerprint}/committed")


def stage_job(
    plan: Plan,
    stage: PlannedStage,
    store: Store,
    images: Images | None = None,
    *,
    fresh: bool = False,
    place: tuple[int, int] = (1, 1),
) -> Job:
    """The training of a stage whose parent the store has; the arguments are `ensure_stage`'s."""
    parent: Path | None = store.file(stage.parent, BACKBONE) if stage.parent else None
    return Job(
        experiment=plan.experiment,
        stage=stage,
        resources=plan.resources,
        images=images or open_images(plan.experiment, stage),
        parent_weights=parent,
        workspace=store.workspace(
            stage.fingerprint, fresh, stage=stage.name, experiment=plan.experiment.name
        ),
        group=plan.folder.name,
        place=place,
    )
