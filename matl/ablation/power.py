"""Which differences an ablation like a finished one can show."""

from pathlib import Path

from matl.ablation.ablation_files import read_ablation
from matl.errors import MatlError
from matl.evaluation.statistics.power import least_found
from matl.names import RESULTS


def power_like(folder: Path, patients: int | None = None, seeds: int | None = None) -> str:
    """For every comparison with several seeds the least difference that is found, in lines.

    The errors over patients and over seeds are those that the ablation measured, scaled to other
    numbers of patients and seeds.

    Args:
        folder: Of the finished ablation.
        patients: That are tested; by default as many as there.
        seeds: Of the whole chain; by default as many as there.

    Raises:
        MatlError: The folder holds no finished ablation, or none of several seeds.
    """
    if not (folder / RESULTS).is_file():
        raise MatlError(f"--like {folder}: holds no {RESULTS}; name the folder of an ablation")
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
            f"{one.what} ({one.place}; {design}): {least:.3f} {record.metric_name} is found in "
            "80 of 100 experiments"
        )
    if not lines:
        raise MatlError(f"--like {folder}: no comparison has two seeds and an interval")
    return "\n".join([*lines, f"assumed: errors as in {folder}, of its seeds and patients"])
