"""Scores of three classes for tests."""

import numpy as np
import pandas as pd

CLASSES = ("mild", "severe", "well")


def make_scores(labels, scores, patients=None, split="test"):
    patients = range(len(labels)) if patients is None else patients
    scores = np.asarray(scores, dtype=float).reshape(-1, len(CLASSES))
    return pd.DataFrame(
        {
            "image": [f"ct/{number}.png" for number in range(len(labels))],
            "patient": [f"p{patient}" for patient in patients],
            "source": "lungs",
            "split": split,
            "class": [CLASSES[one] for one in labels],
            **{f"score_{name}": scores[:, at] for at, name in enumerate(CLASSES)},
        }
    )


def draw_scores(patients, images_each, skill, seed=0):
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images_each)
    label = patient % len(CLASSES)
    shared = generator.normal(size=(patients, len(CLASSES)))[patient]
    logits = skill * np.eye(len(CLASSES))[label] + shared
    logits += generator.normal(size=logits.shape)
    shares = np.exp(logits)
    return make_scores(label, shares / shares.sum(1, keepdims=True), patient)
