"""Makes the clean split of a public set: `python -m data_modules.audit.clean_split NAME ROOT`.

Images are held together where they are of one person, of one publication (as far as names say
it), or copies of one another; images under two labels are left out. A group goes to the part where
most of its images were published, so that few are moved.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

from data_modules.audit.copy_findings import two_labels
from data_modules.audit.publications import publication_of
from data_modules.audit.set_audit import audit_samples
from data_modules.catalogue import find_index
from data_modules.clean_splits import COLUMNS
from data_modules.file_hashes import FileHashes
from data_modules.samples import SPLITS, Samples


def clean_split(samples: Samples, pairs: pd.DataFrame) -> pd.DataFrame:
    """The clean split of a data set.

    Args:
        samples: The data set, in its published split.
        pairs: Its copies, as `data_modules.audit.copy_findings.pair_table` gives them.

    Returns:
        `path` and `split` of the images that are kept, in the order of their paths.
    """
    contradicted = pairs[two_labels(pairs)]
    left_out = {*contradicted["path"], *contradicted["other_path"]}
    table = samples.table[~samples.table["path"].isin(left_out)]
    first: dict[str, str] = {}

    def find(name: str) -> str:
        while first.setdefault(name, name) != name:
            name = first[name]
        return name

    for path, patient in zip(table["path"], table["patient"], strict=True):
        first[find(path)] = find(f"person {patient}")
        if publication := publication_of(path):
            first[find(path)] = find(f"publication {publication}")
    for path, other in zip(pairs["path"], pairs["other_path"], strict=True):
        first[find(path)] = find(other)
    groups = table["path"].map(find)
    splits = table["split"].groupby(groups).agg(_most)
    kept = table.assign(split=groups.map(splits))
    return kept.sort_values("path")[list(COLUMNS)].reset_index(drop=True)


def _most(splits: pd.Series) -> str:
    """The split of most images; of equal ones the first of `SPLITS`."""
    counted = Counter(splits)
    return max(SPLITS, key=lambda name: counted[name])


def main(name: str, root: str) -> None:
    """Writes the index of a data set to standard output."""
    samples = find_index(name)(Path(root))
    with tempfile.TemporaryDirectory() as folder:
        pairs = audit_samples(samples, FileHashes(Path(folder))).pairs
    clean_split(samples, pairs).to_csv(sys.stdout, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
