"""Which differences an ablation like a finished one can show."""

from pathlib import Path

from matl.ablation.ablation_files import read_ablation
from matl.errors import MatlError
from matl.evaluation.statistics.power import found_in_words, least_found
from matl.names import RESULTS


def power_like(folder: Path, patients: int | None = None, seeds: int | None = None) -> str:
    """For every comparison with several seeds the least difference that is found, in lines.

    The errors over patients and over seeds are those that the ablation measured, scaled to other
    numbers of patients and seeds. What both contain is counted in each, so that the result is
    rather too large.

    Args:
        folder: Of the finished ablation.
        patients: That are tested; by default as many as there.
        seeds: Of the whole chain; by default as many as there.

    Raises:
        MatlError: The folder holds no finished ablation, or none of several seeds.
    """
    if not (folder / RESULTS).is_file():
        raise MatlError(f"--like {folder}: is no folder with a {RESULTS}; name that of an ablation")
    record = read_ablation(folder)
    images = {one.split: one for one in record.tested}
    lines = []
    for one in record.comparisons:
        found, tested = one.plain, images[one.split].patients
        if found.seeds_error is None or found.low is None:
            continue
        least = least_found(
            found.patients_error**2 * tested / (patients or tested),
            found.seeds_error**2 * found.seeds / (seeds or found.seeds),
            patients or tested,
            seeds or found.seeds,
        )
        design = f"{patients or tested} patients, {seeds or found.seeds} seeds"
        lines.append(
            f"{one.what} ({one.place}; {design}): {found_in_words(least, 1.0, record.metric_name)}"
        )
    if not lines:
        raise MatlError(f"--like {folder}: no comparison has two seeds and an interval")
    assumed = f"assumed: the errors of {record.metric_name} over patients and seeds in {folder}"
    return "\n".join([*lines, assumed])
