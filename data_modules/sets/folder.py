"""Any folder of images: with or without splits, with or without class folders."""

from dataclasses import replace
from pathlib import Path

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples, Source
from data_modules.sets.listing import folders_in, image_paths, make_table, require_folder
from data_modules.splits import split_by_patient

HOW = "lay images out as [train|val|test/]<class>/<image>, or all in one folder without labels"


def index(root: Path, split_seed: int = 0) -> Samples:
    """Any folder of images: `[train|val|test/][class/]files`.

    Class folders without split folders are split 70/10/20 by image; images without a class are
    unlabelled and train. The source is the folder's name, each image its own group.

    Args:
        root: The folder.
        split_seed: Seed of the split.

    Raises:
        DataError: Where the folder is missing or empty, or mixes two layouts.
    """
    require_folder(root, HOW)
    parts = [name for name in folders_in(root) if name.lower() in SPLITS]
    others = [name for name in folders_in(root) if name.lower() not in SPLITS]
    if parts and others:
        raise DataError(f"{root} mixes split folders ({parts[0]}) with others ({others[0]}): {HOW}")
    found = image_paths(root)
    paths = [path for path in found if "/" in path] if parts else found
    if not paths:
        raise DataError(f"{root}: no images: {HOW}")
    labels = _labels(root, paths, depth=1 if parts else 0)
    source = root.resolve().name
    table = make_table(
        paths,
        source=source,
        label=labels,
        split=[path.split("/", 1)[0].lower() for path in paths] if parts else "train",
    )
    notes = ["patients are not named: each image is its own group"]
    if len(found) > len(paths):
        notes.append(f"{len(found) - len(paths)} images outside the split folders are left out")
    samples = Samples(
        root,
        table,
        classes=tuple(sorted(set(labels) - {""})),
        patients_named=False,
        sources=(Source(source, by_folder=True),),
    )
    if samples.classes and not parts:
        notes.append(f"no split folders: split by image, 70/10/20, seed {split_seed}")
        split = split_by_patient(samples.portable_table(), split_seed)
        samples = replace(samples, table=samples.table.assign(split=split))
    return replace(samples, notes=tuple(notes))


def _labels(root: Path, paths: list[str], depth: int) -> list[str]:
    """The name of the folder at `depth` of each path, or "" where the image is in none."""
    labels: list[str] = []
    loose: dict[str, str] = {}
    first_class: dict[str, str] = {}
    for path in paths:
        *part, rest = path.split("/", depth)
        name, in_class, _ = rest.partition("/")
        labels.append(name if in_class else "")
        (first_class if in_class else loose).setdefault("".join(part), name)
    for part in sorted(loose.keys() & first_class):
        raise DataError(f"{root / part} mixes images with folders ({first_class[part]}): {HOW}")
    return labels
