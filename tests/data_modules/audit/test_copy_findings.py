"""What copies mean, by the persons, splits and labels of their images."""

from pathlib import Path

import pandas as pd

from data_modules.audit.copy_findings import copy_findings, pair_table
from data_modules.samples import Samples


def test_persons_of_one_name_in_two_sources_are_two() -> None:
    rows = [("a/1.png", "p1", "a"), ("b/1.png", "p1", "b"), ("a/2.png", "p1", "a")]
    table = pd.DataFrame(rows, columns=["path", "patient", "source"])
    samples = Samples(Path("scans"), table.assign(label="", split="train", study=""))
    pairs = pair_table(samples, [(0, 1, "near", 0.99), (0, 2, "near", 0.99)])
    [found] = [one for one in copy_findings(samples, pairs) if one.kind == "copies_of_two_persons"]
    assert found.rows[["source", "other_source"]].to_numpy().tolist() == [["a", "b"]]
