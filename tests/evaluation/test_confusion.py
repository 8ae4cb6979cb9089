"""Confusion by image and by patient."""

import pandas as pd
from report_records import make_record

from matl.evaluation.confusion import confusions

ROWS = [
    ("p1", 1, 0.9),
    ("p1", 1, 0.4),
    ("p2", 1, 0.2),
    ("p2", 1, 0.5),
    ("p3", 0, 0.6),
    ("p3", 0, 0.1),
    ("p4", 0, 0.3),
]


def test_images_and_patients_are_counted() -> None:
    scores = pd.DataFrame(ROWS, columns=["patient", "label", "score"])
    scores["image"] = [f"{number}.png" for number in range(len(scores))]
    record = make_record(diagnoses={"chain": scores.assign(source="a", split="test")})
    [by_image] = confusions(record.scored, "test")
    assert by_image.counts == {
        (True, True): 2,
        (True, False): 2,
        (False, True): 1,
        (False, False): 2,
    }
    assert (by_image.sensitivity.value, by_image.specificity.value) == (0.5, 2 / 3)
    [by_patient] = confusions(record.scored, "test", "patient")
    assert by_patient.counts == {
        (True, True): 1,
        (True, False): 1,
        (False, True): 0,
        (False, False): 2,
    }
    assert (by_patient.sensitivity.value, by_patient.specificity.value) == (0.5, 1.0)
