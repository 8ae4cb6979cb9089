"""Any folder of images: with or without splits, with or without class folders."""

import os
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples
from data_modules.sets.listing import folders_in, image_paths, is_image, make_table, require_folder
from data_modules.splits import split_by_patient

HOW = "lay images out as [train|val|test/]<class>/<image>, or all in one folder without labels"


def index(root: Path, split_seed: int = 0) -> Samples:
    """Index `root/[train|val|test/][class/]files`.

    Class folders without split folders are split 70/10/20 by image; images without a class are
    unlabelled and train. The source is the folder's name, each image its own group.

    Raises:
        DataError: Where the folder is missing or empty, or mixes two layouts.
    """
    require_folder(root, HOW)
    parts = [name for name in folders_in(root) if name.lower() in SPLITS]
    others = [name for name in folders_in(root) if name.lower() not in SPLITS]
    if parts and others:
        raise DataError(f"{root} mixes split folders ({parts[0]}) with others ({others[0]}): {HOW}")
    source = root.resolve().name
    tables = [_index_part(root, part, source) for part in parts or [""]]
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        raise DataError(f"{root}: no images: {HOW}")
    classes = tuple(sorted(set(table["label"]) - {""}))
    notes = ["patients are not named: each image is its own group"]
    if classes and not parts:
        table["split"] = split_by_patient(table, split_seed)
        notes.append(f"no split folders: split by image, 70/10/20, seed {split_seed}")
    return Samples(root, table, classes=classes, patients_named=False, notes=tuple(notes))


def _index_part(root: Path, part: str, source: str) -> pd.DataFrame:
    folder = root / part
    loose = any(is_image(name) for name in os.listdir(folder))
    classes = folders_in(folder)
    if loose and classes:
        raise DataError(f"{folder} mixes images with folders ({classes[0]}): {HOW}")
    paths = image_paths(root, part)
    depth = 1 if part else 0
    labels = [path.split("/")[depth] for path in paths] if classes else ""
    return make_table(paths, source=source, label=labels, split=part.lower() or "train")
