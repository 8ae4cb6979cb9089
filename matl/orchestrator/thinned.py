"""A stage's images without those of its training images that are nearly identical."""

from pathlib import Path

from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples
from data_modules.thinning import OFF, thin
from matl.files import disk_errors
from matl.orchestrator.leaks import refuse_contradictions
from matl.stages.check import faults_of
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig


def thinned(name: str, samples: Samples, config: StageConfig, hashes: FileHashes) -> Samples:
    """Leaves out what the stage's `data.thin` asks for.

    Args:
        name: The stage's.
        samples: The images that its task takes.
        config: Its settings.
        hashes: What hashes the files.

    Raises:
        MatlError: A diagnosis has one image in two classes, of which thinning would hide one; or
            the disk is full, read-only or gone.
        DataError: As `thin`.
    """
    if config.data.thin.within == OFF:
        return samples
    task = task_of(config)
    with faults_of(task, "training_splits"):
        splits = task.training_splits(config)
    with disk_errors(Path(hashes.folder)):
        if task.diagnoses:
            refuse_contradictions(samples, name, hashes)
        return thin(samples, config.data.thin, hashes, splits)
