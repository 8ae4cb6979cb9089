"""What frozen ImageNet features tell: `python -m benchmarks.frozen_features DATA_ROOT`.

A logistic regression on the pooled features of the network of `experiments/covid_ct_cpu.yaml`,
which nothing trains, by folds over COVID-CT's training persons: those of
`experiments/ablations/images_cpu.yaml`, then four further deals. Used for tuning.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_modules.splits import kfold
from matl.config import load_experiment
from matl.orchestrator.job import Job, data_module, initial_stage
from matl.orchestrator.plan import make_plan
from matl.orchestrator.stage_images import open_images

EXPERIMENT = Path("experiments/covid_ct_cpu.yaml")
FOLDS, DEALS = 3, 5
FITS = ("crop", "pad", "stretch")
SIZES = (160, 224)


def main() -> None:
    """Prints the mean AUROC of the folds of each deal, one row per fit and size."""
    rows = [
        {"fit": fit, "size": size, **_aurocs(_features(fit, size))}
        for fit in FITS
        for size in SIZES
    ]
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def _features(fit: str, size: int) -> tuple[Job, pd.DataFrame]:
    """Of each training image, by its path: its label, then its features."""
    words = [f"stages.diagnosis.fit={fit}", f"stages.diagnosis.size={size}", "baselines=[]"]
    words += ["chain=[diagnosis]", "backbone.operator=none", f"data_root={sys.argv[1]}"]
    plan = make_plan(load_experiment(EXPERIMENT, words))
    last = plan.chain[-1]
    images = open_images(plan.experiment, last)
    job = Job(plan.experiment, last, plan.resources, images, None, Path(), "frozen", (1, 1))
    stage = initial_stage(job).eval()
    found: list[np.ndarray] = []
    for batch in data_module(job, rank=0).eval_loader("train"):
        with torch.no_grad():
            features = stage.features(stage.plain_view(batch))
        found.append(np.column_stack([batch["label"], features]))
    paths = last.samples.table["path"][last.samples.table["split"] == "train"]
    return job, pd.DataFrame(np.concatenate(found), index=paths)


def _aurocs(found: tuple[Job, pd.DataFrame]) -> dict[str, float]:
    """The mean over the folds of each deal, and over all."""
    job, features = found
    means = {}
    for deal in range(DEALS):
        dealt = [kfold(job.stage.samples, FOLDS, fold, deal, over="train") for fold in range(FOLDS)]
        splits = [one.table.set_index("path")["split"] for one in dealt]
        means[f"deal {deal}"] = float(np.mean([_auroc(features, split) for split in splits]))
    return means | {"mean": float(np.mean(list(means.values())))}


def _auroc(features: pd.DataFrame, split: pd.Series) -> float:
    train, test = (
        features.loc[split.index[split == part]].to_numpy() for part in ("train", "test")
    )
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))
    classifier.fit(train[:, 1:], train[:, 0])
    return float(roc_auc_score(test[:, 0], classifier.decision_function(test[:, 1:])))


if __name__ == "__main__":
    main()
