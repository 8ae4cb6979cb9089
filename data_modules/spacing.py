"""The option `spacing`: every slice is looked at with as many millimetres per pixel."""

from dataclasses import replace
from typing import Any

from data_modules.errors import DataError
from data_modules.formats.zoom import zoom_of
from data_modules.samples import RESAMPLED, Samples, texts

LEAST, MOST = 0.05, 20.0


def checked_spacing(option: Any) -> float | None:
    """The option in millimetres per pixel; None where it is not set.

    Raises:
        DataError: It is none.
    """
    if option is None:
        return None
    if type(option) not in (int, float) or not LEAST <= option <= MOST:
        raise DataError(
            f"data.options.spacing: {option!r} is not possible; write millimetres per pixel from "
            f"{LEAST:g} to {MOST:g}, as in 1.5"
        )
    return float(option)


def with_spacing(samples: Samples, option: Any) -> Samples:
    """State the spacing that every image is looked at with.

    Args:
        samples: The data set, with a column `spacing`.
        option: Millimetres per pixel; None leaves all as it is.

    Raises:
        DataError: The option is none, images state no spacing, or there are masks.
    """
    wanted = checked_spacing(option)
    if wanted is None:
        return samples
    own = texts(samples.table["spacing"]) if "spacing" in samples.table else [""] * len(samples)
    zooms = [zoom_of(one, wanted) for one in own]
    if without := [at for at, zoom in enumerate(zooms) if zoom is None]:
        raise DataError(
            f"{samples.root}: data.options.spacing needs the spacing of every image, and "
            f"{len(without)} of {len(own)} state none, such as "
            f"{samples.table['path'][without[0]]}; leave them out, or write it into a csv's column "
            "spacing"
        )
    if "mask" in samples.table and (samples.table["mask"] != "").any():
        raise DataError(
            f"{samples.root}: masks are not resampled; drop data.options.spacing, or the masks"
        )
    finer = sum(max(zoom) > 1 for zoom in zooms if zoom is not None)
    note = (
        f"{len(own)} slices are looked at with {wanted:g} mm per pixel, the middle of each: what "
        f"lies farther out is cut, and black stands where nothing is; {finer} of them are coarser"
    )
    table = samples.table.assign(**{RESAMPLED: repr(wanted)})
    return replace(samples, table=table, notes=(*samples.notes, note))


def stated_spacing(samples: Samples) -> float | None:
    """The spacing that all images are looked at with; None where there is none, or several."""
    if RESAMPLED not in samples.table:
        return None
    stated = samples.table[RESAMPLED].unique()
    return float(stated[0]) if len(stated) == 1 and stated[0] else None
