"""Scores of a trained diagnosis, on one device, each image exactly once."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from data_modules.module import ImageDataModule
from data_modules.samples import Samples
from matl.backbones import read_weights
from matl.config.schema import Experiment, StageConfig
from matl.names import BACKBONE, HEADS
from matl.orchestrator.job import stored_backbone
from matl.stages import DiagnosisStage, build_stage


def load_diagnosis(
    experiment: Experiment, config: StageConfig, folder: Path, samples: Samples
) -> DiagnosisStage:
    """A trained diagnosis from the folder that holds its weights.

    Raises:
        MatlError: a file is missing or does not fit the experiment's network.
    """
    backbone = stored_backbone(experiment, folder / BACKBONE)
    stage = build_stage(config, backbone, experiment.seed, samples)
    assert isinstance(stage, DiagnosisStage)
    heads, _ = read_weights(folder / HEADS)
    stage.heads.load_state_dict(heads)
    return stage


def read_scores(file: Path) -> pd.DataFrame:
    """What `score_samples` returned, from the CSV file that keeps it."""
    text = {"image": str, "patient": str, "source": str, "split": str}
    return pd.read_csv(file, dtype=text, keep_default_na=False)


def score_samples(
    stage: DiagnosisStage,
    data: ImageDataModule,
    splits: tuple[str, ...],
    device: torch.device,
) -> pd.DataFrame:
    """Scores splits in 32-bit floats.

    Returns:
        Columns image, patient, source, split, label (1 = positive class) and score (probability of
        the positive class), one row an image.
    """
    parts = [_score_split(stage, data, split, device) for split in splits]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


@torch.no_grad()
def _score_split(
    stage: DiagnosisStage, data: ImageDataModule, split: str, device: torch.device
) -> pd.DataFrame:
    stage = stage.to(device).eval()
    scores, rows = [], []
    for batch in data.eval_loader(split):
        scores.append(stage.scores(batch["image"].to(device)).cpu().numpy())
        rows.append(batch["index"].numpy())
    table = data.samples.table
    if not rows:
        return pd.DataFrame()
    at = np.concatenate(rows)
    result = table.iloc[at][["path", "patient", "source", "split"]].reset_index(drop=True)
    result = result.rename(columns={"path": "image"})
    result["label"] = data.samples.targets()[at]
    result["score"] = np.concatenate(scores).astype(float)
    return result
