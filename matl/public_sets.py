"""The public data sets, as the terminal and a page of the documentation show them."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from rich import box
from rich.console import Console
from rich.table import Table

from data_modules.catalogue import DATASETS, find_index, parameters_of
from data_modules.errors import first_line
from data_modules.public_sets import Checked, Compared, public_sets
from data_modules.sets.description import Description
from matl.errors import MatlError
from matl.terminal import show_notes

MOST_NAMES = 20
UNVERIFIED = "unverified"
TITLE = (
    "What `matl data list --markdown` prints. `matl data describe NAME` shows one of these sets, "
    "and `matl data check NAME --root FOLDER` compares a copy of it with the published counts and "
    "names what is missing.\n"
    "A set is used as `data: {name: NAME}`, from the folder `NAME` below `data_root`, or from "
    "`root`; what may be chosen is in `options`.\n\n"
    "*Unverified*: the files of the set were not at hand. Its code was tested on drawn images in "
    "the published layout, which a copy may contradict."
)
NOT_THERE = (
    "Not among them is LIDC-IDRI itself, whose nodules are outlines in XML beside DICOM series; "
    "`luna16_slices` and `luna16_patches` are derived from it."
)


def sets_table() -> Table:
    """One row per public data set, and a line on the other names."""
    table = Table("Name", "Shows", "Images", "Patients", "Licence", box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for column in table.columns[2:4]:
        column.justify, column.overflow = "right", "fold"
    described = public_sets()
    for name, one in described.items():
        layout = f"\nlayout {UNVERIFIED}" if _layout(one) else ""
        table.add_row(name, one.shows, *_numbers(name, one), one.licence + layout)
    others = ", ".join(name for name in DATASETS if name not in described)
    table.caption = (
        f"layout {UNVERIFIED}: only drawn images in the published layout were tested. "
        f"Not public sets: {others}"
    )
    return table


def as_text(name: str, one: Description) -> str:
    """All of a description, for the terminal."""
    lines = [f"{one.title} ({name})", *(f"  {key}: {value}" for key, value in _facts(name, one))]
    lines += ["", "Layout", *(f"  {line}" for line in one.layout.splitlines())]
    if one.counts:
        lines += ["", "Published images", *(f"  {line}" for line in _counts(one))]
    return "\n".join([*lines, "", "Notes", *(f"  - {note}" for note in one.notes)]) + "\n"


def as_markdown() -> str:
    """The page `docs/public_sets.md`."""
    described = public_sets()
    parts = [
        "# Public data sets",
        "",
        TITLE,
        "",
        "| name | shows | images | patients | licence | layout |\n|---|---|---|---|---|---|",
    ]
    for name, one in described.items():
        cells = (f"[`{name}`](#{name})", one.shows, *_numbers(name, one), one.licence, _layout(one))
        parts.append(f"| {' | '.join(cells)} |")
    parts += ["", NOT_THERE, ""]
    for name, one in described.items():
        facts = (f"- {key}: {value}" for key, value in _facts(name, one))
        parts += [f"## {name}", "", f"**{one.title}**", "", *facts, ""]
        parts += ["Files:", "", "```", one.layout, "```", ""]
        if one.counts:
            parts += ["Published images:", "", *(f"- {line}" for line in _counts(one)), ""]
        parts += ["Notes:", "", *(f"- {note}" for note in one.notes), ""]
    return "\n".join(parts)


def show_check(checked: Checked, console: Console) -> None:
    """Prints the counts of a copy, what is missing or additional, and whether it is complete."""
    table = Table("Split", "Class", "Published", "Here", "", box=box.SIMPLE_HEAD)
    for column in table.columns[2:4]:
        column.justify = "right"
    for one in checked.counts:
        table.add_row(
            one.split or "all",
            one.what or "all",
            _number(one.published),
            _number(one.found),
            _verdict(one),
        )
    console.print(table)
    for what, names in (("missing", checked.missing), ("additional", checked.additional)):
        show_notes(_named(what, names), console)
    show_notes([checked.fault] if checked.fault else [], console)
    show_notes(checked.notes, console)
    show_notes([_conclusion(checked)], console)


def read_options(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Options of a data set from words such as `version=3A`.

    Raises:
        MatlError: A word is not KEY=VALUE.
    """
    options = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise MatlError(f"'{word}': write KEY=VALUE, as in version=3A")
        try:
            options[key] = value if _is_text(name, key) else yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise MatlError(f"'{word}': {first_line(error)}") from error
    return options


def _is_text(name: str, key: str) -> bool:
    parameter = parameters_of(find_index(name)).get(key)
    return parameter is not None and parameter.annotation is str


def _facts(name: str, one: Description) -> Iterator[tuple[str, str]]:
    images, patients = _numbers(name, one)
    yield "shows", one.shows
    yield "by", f"{one.authors} ({one.year}), {one.reference}"
    yield "licence", one.licence
    yield "from", one.url
    yield "size", one.size
    yield "images", images
    yield "patients", f"{patients}; {one.who}" if one.patients is not None else one.who
    yield "tested on", one.tested + ("" if _layout(one) == "" else f" (layout {UNVERIFIED})")


def _counts(one: Description) -> Iterator[str]:
    """The published counts, a line for each variant and split."""
    groups: dict[tuple[str, str], list[str]] = {}
    for count in one.counts:
        number = f"{count.label} {count.images:,}" if count.label else f"{count.images:,}"
        groups.setdefault((count.variant, count.split), []).append(number)
    for (variant, split), numbers in groups.items():
        place = ", ".join(word for word in (variant, split or "all") if word)
        yield f"{place}: {'; '.join(numbers)}"


def _numbers(name: str, one: Description) -> tuple[str, str]:
    default = str(parameters_of(find_index(name))[one.variant].default) if one.variant else ""
    images = one.images(default)
    variant = "" if images == one.images() else f" ({default})"
    patients = "" if one.patients is None else f"{one.patients:,}"
    return ("" if images is None else f"{images:,}{variant}"), patients


def _layout(one: Description) -> str:
    return "" if one.tested == "real files" else UNVERIFIED


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _verdict(one: Compared) -> str:
    if one.published is None:
        return ""
    if one.found is None:
        return "not counted"
    return "" if one.found == one.published else f"{one.found - one.published:+,}"


def _conclusion(checked: Checked) -> str:
    if not checked.complete:
        return "Not complete."
    compared = any(one.published is not None for one in checked.counts)
    return "Complete." if compared else "Nothing is missing; no counts were published."


def _named(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f"; the first {MOST_NAMES}" if len(names) > MOST_NAMES else ""
        yield f"{len(names)} {what}{more}:"
        yield from (f"  {name}" for name in names[:MOST_NAMES])
