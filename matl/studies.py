"""A folder of studies as the terminal shows it: its series, and a contact sheet of them."""

from pathlib import Path

import numpy as np
from rich.console import Console

from data_modules.audit.overview import contact_sheet
from data_modules.audit.studies import Studies, find_studies, middle_slices
from matl.orchestrator.data_files import refuse_targets
from matl.orchestrator.show import show_line, show_table
from matl.report.table import Column, Row, Table, make_table
from matl.terminal import show_notes

TILE = 156
MOST_TILES = 200
MOST_ROWS = 100
COLUMNS = (
    *("Series", Column("Place", 1), Column("Modality", 2), Column("Slices", 2), "Pixels"),
    *(Column("mm/pixel", 2), Column("mm/slice", 2), Column("Kernel", 2)),
    *(Column("Scanner", 2), Column("Window", 2)),
)
CAPTION = "Empty: the files do not say it. Window: centre / width that the files ask for."


def show_studies(root: Path, console: Console, sheet: Path | None = None) -> None:
    """Prints a row for each series and volume of a folder, and what is odd about them.

    Args:
        root: The folder.
        console: Where it is shown.
        sheet: The PNG file of a contact sheet to draw: the middle slice of each series.

    Raises:
        MatlError: The sheet cannot be written, or is there and none of matl's.
        DataError: The folder is missing, or holds no scan.
    """
    refuse_targets(sheet, None)
    found = find_studies(root)
    show_table(studies_table(found), console)
    if sheet is not None:
        _draw(found, sheet)
        few = len(found.studies) <= MOST_TILES
        show_line(f"Contact sheet{'' if few else f' of the first {MOST_TILES}'}: {sheet}", console)
    show_notes(list(found.notes), console)


def studies_table(found: Studies) -> Table:
    """One row per series or volume; the first 100."""
    rows: list[Row] = [
        (
            *(number, one.place, one.technique.modality, len(one.rows)),
            *(f"{one.size[0]} x {one.size[1]}", one.middle.spacing),
            "" if one.step is None else f"{one.step:.3g}",
            *(one.technique.kernel, one.technique.scanner, one.technique.window),
        )
        for number, one in enumerate(found.studies[:MOST_ROWS], 1)
    ]
    count, slices = len(found.studies), sum(len(one.rows) for one in found.studies)
    more = f" The first {MOST_ROWS} of {count:,}." if count > MOST_ROWS else ""
    return make_table(f"{count:,} series, {slices:,} slices", CAPTION + more, COLUMNS, rows)


def _draw(found: Studies, file: Path) -> None:
    few = Studies(found.root, found.studies[:MOST_TILES], ())
    tiles = middle_slices(few, TILE)
    images, captions = [], []
    for number, (one, tile) in enumerate(zip(few.studies, tiles, strict=True), 1):
        images.append(np.zeros((1, TILE, TILE), np.uint8) if tile is None else tile)
        said = f"{len(one.rows)} slices" if tile is not None else "unreadable"
        captions.append(f"{number}: {one.technique.modality} {said}")
    contact_sheet(images, captions, file)
