"""Any folder of images: with or without splits, with or without class folders."""

from pathlib import Path

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples, Source, folder_key
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
    folders = [path.rpartition("/")[0] for path in paths]
    label_of = _labels(root, set(folders), depth=1 if parts else 0)
    split_of = {name: name.split("/", 1)[0].lower() for name in set(folders)}
    source = root.resolve().name
    table = make_table(
        paths,
        source=source,
        label=[label_of[name] for name in folders],
        split=[split_of[name] for name in folders] if parts else "train",
    )
    classes = tuple(sorted(set(label_of.values()) - {""}))
    notes = ["patients are not named: each image is its own group"]
    if classes and not parts:
        table["split"] = split_by_patient(table.assign(source=folder_key(0)), split_seed)
        notes.append(f"no split folders: split by image, 70/10/20, seed {split_seed}")
    if len(found) > len(paths):
        notes.append(f"{len(found) - len(paths)} images outside the split folders are left out")
    return Samples(
        root,
        table,
        classes=classes,
        patients_named=False,
        notes=tuple(notes),
        sources=(Source(source, by_folder=True),),
    )


def _labels(root: Path, folders: set[str], depth: int) -> dict[str, str]:
    """The class of the images of each folder: the name at `depth` of its path, or "" above that."""
    names = {folder: [name for name in folder.split("/") if name] for folder in folders}
    loose = {folder for folder in folders if len(names[folder]) == depth}
    for folder in sorted(folders - loose):
        part = "/".join(names[folder][:depth])
        if part in loose:
            raise DataError(
                f"{root / part} mixes images with folders ({names[folder][depth]}): {HOW}"
            )
    return {folder: "" if folder in loose else names[folder][depth] for folder in folders}
