"""Writes an experiment on people's own images: what it took for classes, patients and split."""

import json
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import numpy as np
from rich.console import Console
from rich.text import Text

from data_modules.audit.overview import counts
from data_modules.config import DataConfig
from data_modules.file_hashes import FileHashes
from data_modules.formats.images import try_read
from data_modules.registry import load
from data_modules.samples import Samples
from data_modules.spelling import form
from matl.errors import MatlError
from matl.lung_boxes import LUNG_BOXES
from matl.orchestrator.show import frame_table, show_next, show_table
from matl.terminal import show_notes

CACHE = "cache"
MULTI_CLASS = "null"
WITHOUT = frozenset(
    "normal healthy negative neg control controls other others benign well absent none "  # noqa: SIM905
    "background nofinding nofindings nodisease unaffected rest".split()
) | {form("no")}
WITH = frozenset(
    "positive pos abnormal ill sick disease diseased malignant affected".split()  # noqa: SIM905
) | {form("yes")}
LOOKED_AT = 20
LARGEST, LEAST = 128, 32
TEMPLATE = """\
# matl run {file}
# {title}; docs/data.md says what is assumed of them.
name: {name}
backbone: {{name: resnet18, operator: attention, at_strides: [16], in_channels: {channels}}}
# few images: tf_efficientnet_lite0, weights: imagenet; below diagnosis, recipe: finetune
stages:
  lung: # learns from the training images without their labels
    part: 3
    task: lung_ssl
    data: ${{stages.diagnosis.data}}
    size: {size}
    epochs: 10
    batch_size: {batch_size}
  diagnosis:
    part: 3
    task: diagnosis
    data:
      name: {kind}
      root: {root}
{options}      positive: {positive} # {against}
      split: official # or kfold, with folds: 5 and fold: 0 to 4
    size: {size}
    epochs: 20
    batch_size: {batch_size}
chain: [lung, diagnosis]
baselines: [scratch]
seed: 0
"""


@dataclass(frozen=True)
class OwnData:
    """What an experiment on people's own images differs in.

    Attributes:
        file: The experiment's file name.
        title: A word on the images.
        name: The experiment's name.
        kind: The data set's name: `folder` or `csv`.
        root: Its folder.
        table: The CSV's name in the folder, where it is not the usual one.
        positive: The positive class; None to tell three classes and more apart.
        channels: 1 for grey images, 3 for colour.
        size: Side of the images in pixels.
        batch_size: Images in a batch.
    """

    file: str
    title: str
    name: str
    kind: str
    root: str
    positive: str | None
    table: str | None = None
    channels: int = 1
    size: int = LARGEST
    batch_size: int = 16

    def experiment(self) -> str:
        """The experiment as YAML."""
        options = f"      options: {{table: {_quoted(self.table)}}}\n" if self.table else ""
        against = "against all other classes" if self.positive else "multi-class"
        values = {**vars(self), "options": options, "against": against}
        return TEMPLATE.format(
            **values | {name: _quoted(values[name]) for name in ("name", "root", "positive")}
        )


def write_experiment(
    place: Path, positive: str | None, console: Console, name: str | None = None
) -> Path:
    """Looks at a folder or a CSV of images, and writes an experiment into the working directory.

    Args:
        place: The folder, or the table.
        positive: The positive class, or "null" to tell three classes and more apart; by default the
            one that is clearly not the absence of it.
        console: Where it says what it took for classes, patients and split.
        name: The experiment's name and, with .yaml, its file's; by default the place's.

    Returns:
        The experiment's file.

    Raises:
        MatlError: The positive class is not clear, there are no labels, the place is an experiment,
            or the file exists.
        DataError: The images or the table are missing or wrong.
    """
    if place.suffix.lower() in (".yaml", ".yml") and not place.is_dir():
        raise MatlError(
            f"{place}: names an experiment; matl plan {quote(str(place))} shows what it would "
            "train, and matl init takes a folder of images or a CSV"
        )
    folder = place if place.is_dir() else place.parent
    table = None if place.is_dir() else place.name
    config = DataConfig(name="csv" if table else "folder", root=str(folder))
    if table:
        config.options = {"table": table}
    name = re.sub(r"[^\w+-]+", "_", name or place.resolve().stem).strip("_-+") or "own"
    file = Path(f"{name[:60]}.yaml")
    if file.exists():
        raise MatlError(
            f"{file}: exists already; use it with matl run {file}, or write one of another name "
            "with --name NAME"
        )
    samples = load(config, folder, hashes=FileHashes(Path(CACHE)), boxes=LUNG_BOXES)
    chosen, why = _positive(samples, positive, place)
    training = int((samples.table["split"] == "train").sum())
    own = OwnData(
        file=str(file),
        title=f"Made by matl init from {len(samples)} images",
        name=name[:60],
        kind=str(config.name),
        root=folder.as_posix(),
        table=table if table != "samples.csv" else None,
        positive=chosen,
        **_pixels(samples),
        batch_size=16 if training >= 32 else 8 if training >= 16 else 4,
    )
    _say(samples, own, why, console)
    file.write_text(own.experiment(), encoding="utf-8")
    console.print(Text(f"Written: {file}"))
    show_next([f"matl plan {quote(str(file))}", f"matl run {quote(str(file))}"], console)
    return file


def _positive(samples: Samples, asked: str | None, place: Path) -> tuple[str | None, str]:
    """The positive class, None for a multi-class diagnosis, and why it was taken."""
    classes = samples.classes
    listed = ", ".join(classes) or "none"
    if len(classes) < 2:
        raise MatlError(
            f"{place}: a diagnosis needs two classes, and here are: {listed}"
            f"{_instead(samples, place)}"
        )
    if asked == MULTI_CLASS and len(classes) > 2:
        return None, "multi-class: each class is told from the rest"
    if asked is not None:
        if asked not in classes:
            raise MatlError(f"--positive {asked}: the classes are {listed}")
        return asked, "as --positive says"
    found = [name for name in classes if form(name) in WITH]
    if not found:
        found = [name for name in classes if not _is_absence(name, classes)]
    if len(found) != 1:
        all_apart = f", or {MULTI_CLASS} to tell all apart" if len(classes) > 2 else ""
        raise MatlError(
            f"{place}: which class is the diagnosis? Add --positive and one of: {listed}{all_apart}"
        )
    return found[0], "from the classes' names: change `positive` where that is wrong"


def _instead(samples: Samples, place: Path) -> str:
    """What else in a folder without classes may be meant: a folder below it, or a table."""
    if not place.is_dir():
        return ""
    if (below := _folder_of_classes(samples)) is not None:
        return f"; {below} has the classes: matl init {quote(str(below))}"
    tables = sorted(one for one in place.iterdir() if one.suffix.lower() == ".csv")
    if not tables:
        return ""
    usual = place / "samples.csv"
    table = usual if usual in tables else tables[0]
    return f"; it holds {table.name}: matl init {quote(str(table))}"


def _folder_of_classes(samples: Samples) -> Path | None:
    """The one folder whose subfolders hold all images and are clearly named as classes."""
    folders = {posixpath.dirname(path) for path in samples.table["path"]}
    if not (shared := posixpath.commonpath(folders)):
        return None
    names = tuple(sorted({posixpath.relpath(one, shared).split("/")[0] for one in folders}))
    clear = any(form(name) in WITH or _is_absence(name, names) for name in names)
    numbers = any(name.isdecimal() for name in names)
    return samples.root / shared if clear and not numbers and "." not in names else None


def _is_absence(name: str, classes: tuple[str, ...]) -> bool:
    """Whether a class is named as the absence of something, as "other" or "non-covid"."""
    others = [form(one) for one in classes if one != name]
    negated = {f"{word}{other}" for word in ("non", "no", "not") for other in others}
    return form(name) in WITHOUT | negated


def _pixels(samples: Samples) -> dict[str, int]:
    """Channels and size that suit the images, from some of them."""
    files = samples.images()
    numbers = np.linspace(0, len(files) - 1, min(LOOKED_AT, len(files))).astype(int)
    read = [try_read(files[number], (64, 64), 3) for number in numbers]
    seen = [one for one in read if not isinstance(one, str)]
    if not seen:
        return {"channels": 1, "size": LARGEST}
    coloured = any(int(np.ptp(image.astype(int), axis=0).max()) > 16 for image, _ in seen)
    side = int(np.median([min(size) for _, size in seen]))
    size = max(LEAST, min(LARGEST, side // LEAST * LEAST))
    return {"channels": 3 if coloured else 1, "size": size}


def _say(samples: Samples, own: OwnData, why: str, console: Console) -> None:
    show_table(frame_table(counts(samples), f"Images in {own.root}"), console)
    patients = samples.table.drop_duplicates(["source", "patient"]).shape[0]
    named = "named" if samples.patients_named else "not named: each image, or group of alike ones"
    lines = [
        f"Classes: {', '.join(samples.classes)}",
        f"Positive class: {own.positive or 'none'} ({why})",
        f"Patients: {patients}, {named}",
        f"Split: {_split(samples)}",
        f"Pixels: {'colour' if own.channels > 1 else 'grey'}, trained at {own.size} x {own.size}",
    ]
    for line in lines:
        console.print(Text(line))
    show_notes(samples.notes, console)


def _split(samples: Samples) -> str:
    if samples.split_seed is None:
        return "as the data gives it"
    by = "patient" if samples.patients_named else "image"
    return f"dealt by {by}, 70 % train, 10 % val, 20 % test"


def _quoted(text: str | None) -> str:
    """A text as YAML reads it back, whatever it looks like."""
    return json.dumps(text, ensure_ascii=False)
