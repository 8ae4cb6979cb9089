"""The sentence that a run ends with: what was found, and what it allows to say."""

from matl.evaluation.paired import Paired
from matl.evaluation.scored import Result, ScoredModels
from matl.evaluation.statistics.clustered import Difference
from matl.report.leak_rows import WITHOUT_LEAKS
from matl.report.rows import CHAIN, FLOOR, FROM_SCRATCH
from matl.report.run_record import RunRecord
from matl.report.words import seeds_in_words

NOTHING = "No image of a test or val split was scored: the chain has no diagnosis."


def closing_sentence(record: RunRecord) -> str:
    """The difference to training from scratch, and what it shows; without it the result itself.

    A difference shows a gain, or a loss, where its whole 95 % interval lies on that side of zero.
    What the diagnosis from scratch begins from is said where the record notes it.
    """
    scored = record.scored
    split = next(iter(scored.splits()), None)
    if split is None:
        return NOTHING
    sentences = [_found(scored, split, record.seeds)]
    clean = scored.without_leaks() if split == "test" else None
    if clean is not None and clean.results(split):
        sentences.append(f"{WITHOUT_LEAKS.capitalize()}: {_found(clean, split, record.seeds)}")
    begins = [note for note in record.notes if note.startswith(f"{FROM_SCRATCH}: ")]
    return " ".join([*sentences, *(f"{note[0].upper()}{note[1:]}." for note in begins)])


def _found(scored: ScoredModels, split: str, seeds: int) -> str:
    extent = _extent(scored.results(split)[0], seeds)
    gain = _gain(scored, split)
    if gain is None:
        return _result(scored, split, extent)
    metric, found = ("auroc", gain.auroc) if gain.auroc else ("accuracy", gain.accuracy)
    return (
        f"{scored.titles[metric]} of the {CHAIN} minus {FROM_SCRATCH} on the {split} split: "
        f"{found.value:+.3f} {found.interval()}, which {_shown(found)} with "
        f"{extent}."
    )


def _gain(scored: ScoredModels, split: str) -> Paired | None:
    found = (
        one for one in scored.paired(split) if (one.first, one.second) == (CHAIN, FROM_SCRATCH)
    )
    return next(found, None)


def _shown(found: Difference) -> str:
    if found.bounds is None:
        return "shows neither a gain nor a loss, for it has no interval,"
    low, high = found.bounds
    if low > 0:
        return "shows a gain"
    return "shows a loss" if high < 0 else "shows no gain"


def _extent(result: Result, seeds: int) -> str:
    return f"{result.patients:,} patients and {seeds_in_words(seeds)}"


def _result(scored: ScoredModels, split: str, extent: str) -> str:
    """The main metric of the first diagnosis, and the floor's."""
    results = {one.model: one.metrics for one in scored.results(split)}
    model, metrics = next(iter(results.items()))
    metric = "accuracy" if metrics["auroc"].value is None else "auroc"
    floor = f"; {FLOOR} {results[FLOOR][metric]}" if FLOOR in results and model != FLOOR else ""
    title = scored.titles[metric]
    return f"{title} on the {split} split: {model} {metrics[metric]}{floor}; {extent}."
