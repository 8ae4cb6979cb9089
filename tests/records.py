"""Run records for tests of tables."""

import numpy as np
import pandas as pd

from matl.evaluation.scored import Scored
from matl.report.run_record import RunRecord, StageRow


def make_scores(skill, images=40, splits=("val", "test"), label=None, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(images) // 2 % 2 if label is None else np.full(images, label)
    tables = [
        pd.DataFrame(
            {
                "image": [f"{split}/{number}.png" for number in range(images)],
                "patient": [f"{split}{number // 2}" for number in range(images)],
                "source": "covid_ct",
                "split": split,
                "label": labels,
                "score": 1 / (1 + np.exp(generator.normal(size=images) - skill * (labels - 0.5))),
            }
        )
        for split in splits
    ]
    return pd.concat(tables, ignore_index=True)


def make_stage(**changes):
    values = {
        "name": "chest_xray",
        "part": 2,
        "task": "source",
        "data": "chest_xray_pneumonia",
        "images": 5216,
        "size": "160 x 160",
        "epochs": 30,
        "seconds": 754.2,
        "images_per_second": 207.4,
        "peak_memory_mb": 2345.0,
        "metric": "val/balanced_accuracy",
        "value": 0.9304,
        "fingerprint": "0123456789abcdef",
    }
    return StageRow(**(values | changes))


def make_record(**changes):
    values = {
        "experiment": "covid_ct",
        "command": "matl run experiments/covid_ct.yaml",
        "stages": [make_stage(), make_stage(name="lung", task="lung_ssl", reused="this store")],
        "diagnoses": {"chain": make_scores(2), "from scratch": make_scores(0.5, seed=1)},
        "positive": "CT_COVID",
        "negative": "CT_NonCOVID",
    }
    values |= changes
    scored = Scored(values.pop("diagnoses"), values.pop("positive"), values.pop("negative"))
    return RunRecord(**({"scored": scored} | values))
