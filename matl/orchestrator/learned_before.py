"""Whether images that are tested on are among those that weights learned from, by their card."""

import numpy as np

from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples
from matl.backbones.card import WeightsCard
from matl.backbones.contents import short


def learned_notes(
    card: WeightsCard, samples: Samples, hashes: FileHashes, tester: str
) -> list[str]:
    """A warning for each data set that is tested on and that weights have learned from.

    Files are compared by their bytes where the card has contents, in all splits: a copy of a data
    set may be split otherwise. Names are compared too, except those that are only a folder's.

    Args:
        card: Of the weights.
        samples: What is tested on: the images of the split "test".
        hashes: What hashes the files.
        tester: Who tests, as in "diagnosis".
    """
    by_folder = {one.name for one in samples.sources if one.by_folder}
    tested = (samples.table["split"] == "test").to_numpy()
    source = samples.table["source"].to_numpy()
    learned = _learned(card, samples, hashes)
    notes = []
    for name in sorted(set(source[tested])):
        own = source == name
        files, images = int(learned[own].sum()), int((own & tested).sum())
        again = int(learned[own & tested].sum())
        if name in card.trained_on and name not in by_folder:
            what = f"a data set named {name}"
        elif files:
            what = f"{files} of the files of {name}"
        else:
            notes += _only_named(card, name, tester)
            continue
        notes.append(
            f"WARNING: the weights were trained on {what}, which {tester} tests on: "
            f"{_how_many(again, images, known=files > 0 and _whole(card, name))}"
        )
    return notes


def _learned(card: WeightsCard, samples: Samples, hashes: FileHashes) -> np.ndarray:
    """Whether the file of each image is known to have been learned, bool [images]."""
    known = {one for contents in card.contents for one in contents.hashes}
    if not known:
        return np.zeros(len(samples), dtype=bool)
    found = hashes.of(samples.absolute_paths())
    return np.array([short(one) in known for one in found], dtype=bool)


def _whole(card: WeightsCard, name: str) -> bool:
    """Whether the card has a hash of every file that may be of a data set."""
    hashed = {one.name for one in card.contents}
    return all(one.whole for one in card.contents) and (
        name in hashed or name not in card.trained_on
    )


def _how_many(again: int, images: int, known: bool) -> str:
    """How many test images were learned, of a data set whose learned files are known or not."""
    if again:
        return f"{'' if known else 'at least '}{again} of its {images} test images were learned"
    if known:
        return f"none of its {images} test images, byte for byte"
    return "its test images may have been learned"


def _only_named(card: WeightsCard, name: str, tester: str) -> list[str]:
    """What is said of a folder's name that the card has too, without contents."""
    if name not in card.trained_on or name in {one.name for one in card.contents}:
        return []
    return [
        f"the weights were trained on a data set named {name}, as is one that {tester} tests on; "
        "a folder's name tells little, and the card has no hashes of it: whether both are the "
        "same is not known"
    ]
