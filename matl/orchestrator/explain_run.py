"""Looking inside a finished run: where its diagnoses look, and how its networks differ."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from matl.errors import MatlError
from matl.evaluation.metrics import THRESHOLD
from matl.explain.attention import attention_maps
from matl.explain.cka import Features
from matl.explain.evidence import ATTENTION, GRAD_CAM, Diagnosis, Evidence
from matl.explain.grad_cam import grad_cam_maps
from matl.explain.write import write_explanation
from matl.names import BACKBONE, EXPLANATION
from matl.orchestrator.finished_run import FinishedRun, in_store, read_run
from matl.orchestrator.held_out import HeldOut, held_out
from matl.orchestrator.resources import resolve
from matl.report.rows import from_scratch
from matl.trained import load_backbone

BATCH = 16


def explain_run(folder: Path, command: str, store: Path | None = None) -> Path:
    """Explains the diagnoses of a finished run on the images that it was evaluated on.

    All is computed on one device, in evaluation mode and 32-bit floats.

    Args:
        folder: of the run.
        command: the user's command.
        store: holds the run's stages; by default it is looked for where it was, and beside the run.

    Returns:
        The run's subfolder `explain`; see `write_explanation`.

    Raises:
        MatlError: the run or its stages are missing, its images have changed, or its diagnosis is
            multi-class.
        DataError: the data set is missing or wrong.
    """
    run = read_run(folder, store)
    if run.classes_apart:
        raise MatlError(
            f"{folder}: the diagnosis is multi-class, and matl explain compares a positive class "
            "with the rest; explain a run whose data.positive names one"
        )
    device = resolve(run.experiment.trainer, run.experiment.backbone.name).device
    seen = held_out(run)
    networks = _networks(run)
    diagnoses = {
        row: _diagnosis(run, row, _name_of(fingerprint, networks), seen, device)
        for row, fingerprint in run.diagnoses.items()
    }
    main = next(iter(diagnoses.values()))
    evidence = Evidence(
        experiment=run.experiment.name,
        command=command,
        split=seen.split,
        positive=seen.samples.classes[1],
        negative=seen.samples.classes[0],
        seed=run.experiment.seed,
        pictures=seen.pictures,
        diagnoses=diagnoses,
        networks={name: _features(run, one, seen, device) for name, one in networks.items()},
        methods={name: _in_words(name, maps.shape[1:]) for name, maps in main.maps.items()},
        notes=(*run.seed_notes, *seen.samples.notes),
    )
    write_explanation(evidence, folder / EXPLANATION)
    return folder / EXPLANATION


def _networks(run: FinishedRun) -> dict[str, str]:
    """Fingerprints by name: the chain's stages in order, then the diagnosis from scratch."""
    names, store = run.experiment.chain, run.store
    fingerprint, *others = run.diagnoses.values()
    networks = {}
    for name in reversed(names):
        networks[name] = in_store(store, fingerprint)
        fingerprint = store.manifest(fingerprint).parent or ""
    in_order = {name: networks[name] for name in names}
    return in_order | {from_scratch(names[-1]): one for one in others}


def _name_of(fingerprint: str, networks: dict[str, str]) -> str:
    return next(name for name, one in networks.items() if one == fingerprint)


def _diagnosis(
    run: FinishedRun, row: str, network: str, seen: HeldOut, device: torch.device
) -> Diagnosis:
    stage = run.model(run.diagnoses[row]).stage.to(device)
    cam = grad_cam_maps(stage, f"backbone.{stage.backbone.last_module}", _batches(seen, device))
    maps = {GRAD_CAM: torch.cat(list(cam)).cpu().numpy()}
    attention = [attention_maps(stage.backbone, images) for images in _batches(seen, device)]
    for stride in attention[0]:
        of_stride = torch.cat([part[stride] for part in attention])
        maps[f"{ATTENTION}_{stride}"] = of_stride.cpu().numpy()
    return Diagnosis(_table(run, row, seen), maps, network)


def _batches(seen: HeldOut, device: torch.device) -> Iterator[Tensor]:
    """The images as the network sees them, float32 [B, C, H, W] in [0, 1]."""
    for part in torch.from_numpy(seen.pictures.images).split(BATCH):
        yield part.to(device)


def _table(run: FinishedRun, row: str, seen: HeldOut) -> pd.DataFrame:
    """The stored scores of the images, in their order."""
    table = seen.samples.table.rename(columns={"path": "image"})
    scores = run.scores(row).set_index("image")["score"]
    score = scores.loc[table["image"]].to_numpy()
    right = (score >= THRESHOLD) == (table["label"] == seen.samples.classes[1])
    table = table[["image", "source", "patient", "label"]]
    return table.assign(outcome=np.where(right, "right", "wrong"), score=score)


@torch.no_grad()
def _features(run: FinishedRun, fingerprint: str, seen: HeldOut, device: torch.device) -> Features:
    """The mean of the map at each stride over its places, float32 [N, channels]."""
    backbone = load_backbone(run.experiment.backbone, run.store.file(fingerprint, BACKBONE))
    backbone = backbone.to(device).eval()
    parts = [
        {stride: one.mean((2, 3)).cpu() for stride, one in backbone(images).items()}
        for images in _batches(seen, device)
    ]
    return {stride: torch.cat([part[stride] for part in parts]).numpy() for stride in parts[0]}


def _in_words(method: str, shape: tuple[int, ...]) -> str:
    places = f"{shape[0]} x {shape[1]} places"
    if method == GRAD_CAM:
        return (
            "Grad-CAM (Selvaraju et al., https://arxiv.org/abs/1610.02391; MONAI) of the positive "
            f"class's logit at the last map, {places}: what speaks for the positive class"
        )
    stride = method.rpartition("_")[2]
    return (
        f"the attention that each place receives in the operator at stride {stride}, {places}, "
        "averaged over heads and giving places (https://arxiv.org/abs/2001.08950); it knows "
        "neither the class nor the operator's gate"
    )
