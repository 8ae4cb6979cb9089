"""Which differences an ablation like a finished one can show."""

from pathlib import Path

from matl.ablation.ablation_files import read_ablation
from matl.ablation.ablation_record import AblationRecord, Comparison
from matl.errors import MatlError
from matl.evaluation.statistics.power import CHANCE, found_in_words, least_found
from matl.names import RESULTS

BY_CHANCE = {"auroc": CHANCE, "balanced_accuracy": CHANCE}
"""What metrics are of a model that knows nothing; 0 stands for all others."""


def power_like(finished: Path, patients: int | None = None, seeds: int | None = None) -> str:
    """For every comparison with several seeds the least difference that is found, in lines.

    The errors over patients and over seeds are those that the ablation measured, scaled to other
    numbers of patients and seeds. What both contain is counted in each, so that the result is
    rather too large.

    Args:
        finished: The folder of the finished ablation, or the `results.json` in it.
        patients: That are tested; by default as many as there.
        seeds: Of the whole chain; by default as many as there.

    Raises:
        MatlError: There is no finished ablation, or none of several seeds.
    """
    folder = finished.parent if finished.name == RESULTS else finished
    if not (folder / RESULTS).is_file():
        raise MatlError(
            f"--like {finished}: is no folder with a {RESULTS}; name that of an ablation, or the "
            "file itself"
        )
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
            f"{one.what} ({one.place}; {design}): "
            f"{found_in_words(least, _most(record, one), record.metric_name)}"
        )
    if not lines:
        raise MatlError(f"--like {finished}: no comparison has two seeds and an interval")
    assumed = f"assumed: the errors of {record.metric_name} over patients and seeds in {finished}"
    return "\n".join([*lines, assumed])


def _most(record: AblationRecord, one: Comparison) -> float:
    """The largest difference that can be: from chance to what the arm reached, or to 1."""
    by_chance = BY_CHANCE.get(record.metric, 0.0)
    if len(one.arms) > 1:
        return 1 - by_chance
    wanted = (one.arms[0], one.regime, one.split, one.fraction)
    reached = next(
        (
            mean.value.value
            for mean in record.means
            if (mean.arm, mean.regime, mean.split, mean.fraction) == wanted
        ),
        1.0,
    )
    return max(reached - by_chance, 0.0)
