"""How many of an evaluation's images were learned, by a run's stages or by what they began from."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples
from matl.backbones.card import WeightsCard, read_card
from matl.names import BACKBONE, TRAINED_ON
from matl.orchestrator.finished_run import FinishedRun
from matl.orchestrator.learned_before import learned_notes

NO_FILE = "no file of it was trained on"
TESTER = "this evaluation"


class Learned(NamedTuple):
    """What the diagnoses of a run learned from.

    Attributes:
        hashes: Of each file that stages of the store were trained on.
        names: The data sets of these stages.
        gone: The stages that the store no longer has, of which nothing is known.
        cards: Of the diagnoses' weights: what was learned before these stages, too.
    """

    hashes: set[str]
    names: set[str]
    gone: list[str]
    cards: list[WeightsCard]


def overlap_words(run: FinishedRun, samples: Samples) -> tuple[str, list[str]]:
    """How many images of an evaluation were trained on, in words, and what the cards say of it.

    Args:
        run: Whose diagnoses are evaluated.
        samples: The images, all of the split "test".

    Returns:
        The words, and a note for each data set that the weights had learned from before.

    Raises:
        MatlError: A stage is damaged.
        DataError: Files of the images cannot be read.
    """
    learned, hashes = _learned(run), FileHashes(Path(run.experiment.cache))
    ending = "" if samples.patients_named else "; no patients are named: an image is one"
    if learned.gone:
        ending += f"; the store lacks {', '.join(learned.gone)}: what these stages saw is not known"
    found = hashes.of(samples.absolute_paths())
    if copies := sum(one in learned.hashes for one in found):
        return f"{copies} OF THEM WERE TRAINED ON, so this is no external validation{ending}", []
    before = _names_before(learned)
    cards = [replace(one, trained_on=before) for one in learned.cards]
    said = (note for card in cards for note in learned_notes(card, samples, hashes, TESTER))
    notes = list(dict.fromkeys(said))
    parts = []
    if notes:
        parts.append("the weights that they began from may have learned from it")
    elif before:
        parts.append(f"the weights that they began from learned from {', '.join(before)}")
    if unknown := _unknown(run, learned, before):
        parts.append(f"what {', '.join(unknown)} learned from is not known")
    return "; ".join([f"{NO_FILE} in these stages", *parts] if parts else [NO_FILE]) + ending, notes


def _learned(run: FinishedRun) -> Learned:
    hashes, names, gone = set[str](), set[str](), []
    for diagnosis in run.diagnoses.values():
        stage: str | None = diagnosis
        while stage is not None and stage in run.store:
            hashes |= set(run.store.file(stage, TRAINED_ON).read_text().split())
            manifest = run.store.manifest(stage)
            names |= set(manifest.data.split(" + "))
            stage = manifest.parent
        gone += [stage] if stage else []
    stored = [one for one in run.diagnoses.values() if one in run.store]
    cards = [read_card(run.store.file(one, BACKBONE)) for one in stored]
    return Learned(hashes, names, gone, [card for card in cards if card])


def _names_before(learned: Learned) -> tuple[str, ...]:
    """The data sets of the weights' cards that are of no stage whose files are known."""
    names = dict.fromkeys(name for card in learned.cards for name in card.trained_on)
    return tuple(name for name in names if name not in learned.names)


def _unknown(run: FinishedRun, learned: Learned, before: tuple[str, ...]) -> list[str]:
    """Initial weights of which is not known what they learned from."""
    weights = run.experiment.backbone.weights
    if weights and not before and not any(card.contents for card in learned.cards):
        return [Path(weights).name]  # the cards of earlier versions do not say
    return list(dict.fromkeys(one for card in learned.cards for one in card.unknown))
