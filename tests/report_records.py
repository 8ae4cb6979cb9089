"""Run records for tests of whole reports."""

import numpy as np
import pandas as pd

from matl.checksums import write_files
from matl.evaluation.scored import Scored
from matl.names import EXPERIMENT
from matl.report.run_record import RunRecord, StageRow
from matl.report.run_report import write_report

SETTINGS = """\
name: covid_ct
seed: {seed}
chain: [lung, diagnosis]
backbone: {{operator: attention}}
stages: {{diagnosis: {{epochs: {epochs}}}}}
"""


def make_scores(skill, seed, label=None):
    generator = np.random.default_rng(seed)
    tables = []
    for split, images in (("train", 20), ("val", 24), ("test", 36)):
        labels = np.arange(images) // 3 % 2 if label is None else np.full(images, label)
        logit = skill * (labels - 0.5) + generator.normal(size=images)
        tables.append(
            pd.DataFrame(
                {
                    "image": [f"CT/{split} 100%|{number}.png" for number in range(images)],
                    "patient": [f"{split}, {number // 3:02}" for number in range(images)],
                    "source": "covid_ct",
                    "split": split,
                    "label": labels,
                    "score": (1 / (1 + np.exp(-logit))).astype(np.float32),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def make_record(**changes):
    stage = StageRow(
        name="diagnosis",
        part=3,
        task="diagnosis",
        data="covid_ct",
        images=20,
        size="32 x 32",
        epochs=3,
        seconds=2.5,
        images_per_second=24.0,
        peak_memory_mb=120.0,
        metric="val/auroc",
        value=0.75,
        fingerprint="f" * 64,
    )
    curve = pd.DataFrame(
        {"epoch": [0, 1, 2], "loss": [3.0, np.nan, 1.0], "val/loss": [3.0, 2.5, np.inf]}
        | {"gate/16": [0.1, 0.11, 0.12], "note": ["a", "b", "c"]}
    )
    values = {
        "experiment": "covid_ct",
        "command": "matl run experiments/covid_ct.yaml data_root=/home/someone/data",
        "stages": [stage],
        "diagnoses": {"chain": make_scores(1.5, 0), "floor": make_scores(0.2, 1)},
        "positive": "COVID",
        "negative": "NonCOVID",
        "curves": {"diagnosis": curve, "empty": pd.DataFrame({"epoch": [0]})},
        "manifest": {"torch": "2.15", "root": "/home/Some One/data", "share": np.float32(0.5)},
        "notes": ["2 scans | had no field.", "See /tmp/matl-1/log.txt."],
        "seeds": 2,
    }
    values |= changes
    scored = Scored(values.pop("diagnoses"), values.pop("positive"), values.pop("negative"))
    return RunRecord(**({"scored": scored} | values))


def write_run(folder, seed, skill, epochs=3):
    """A finished run's folder, without its page."""
    folder.mkdir()
    write_report(make_record(diagnoses={"chain": make_scores(skill, seed)}), folder)
    write_files(folder, {EXPERIMENT: SETTINGS.format(seed=seed, epochs=epochs).encode()})
    return folder
