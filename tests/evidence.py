"""Evidence of an explanation made by hand."""

import numpy as np
import pandas as pd

from matl.explain.evidence import Diagnosis, Evidence, Pictures

SIZE = (37, 50)
IMAGES = 24


def frame(wrong: float = 0.4) -> pd.DataFrame:
    """Three images a patient; the last patient of each class is right."""
    random = np.random.default_rng(0)
    patients = np.arange(IMAGES) // 3
    label = np.where(patients % 2, "ill", "well")
    right = random.random(IMAGES) >= wrong
    ill = (label == "ill") == right
    return pd.DataFrame(
        {
            "image": [f"scans/a, {number}$.png" for number in range(IMAGES)],
            "source": "hospital",
            "patient": [f"Jane Doe {patient}" for patient in patients],
            "label": label,
            "outcome": np.where(right, "right", "wrong"),
            "score": np.where(ill, 0.8, 0.2) + 0.01 * random.random(IMAGES),
        }
    )


def evidence(
    channels: int = 1, wrong: float = 0.4, lesions: bool = True, networks: int = 2
) -> Evidence:
    random = np.random.default_rng(1)
    fields = random.random((IMAGES, *SIZE)) < 0.3
    fields[5] = False
    maps = {
        "grad_cam": random.random((IMAGES, 2, 2)).astype(np.float32),
        "attention_16": random.random((IMAGES, 3, 4)).astype(np.float32),
    }
    maps["grad_cam"][7] = 0
    names = [f"stage{number}" for number in range(networks)]
    return Evidence(
        experiment="by hand",
        command="matl explain /home/jane/runs/by_hand",
        split="test",
        positive="ill",
        negative="well",
        seed=3,
        pictures=Pictures(
            images=random.integers(0, 256, (IMAGES, channels, *SIZE), dtype=np.uint8),
            fields=fields,
            lesions=random.random((IMAGES, *SIZE)) < 0.05 if lesions else None,
        ),
        diagnoses={"chain": Diagnosis(frame(wrong), maps, names[-1])},
        networks={name: {2: random.normal(size=(IMAGES, 6))} for name in names},
        methods={"grad_cam": "where it looks", "attention_16": "what it reads"},
        notes=["See /home/jane/notes.txt."],
    )
