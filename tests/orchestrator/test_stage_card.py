"""The card of a stage's weights, and what a plan says of the weights that it begins from."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import Load, run_quietly

from matl.backbones import BackboneConfig, build_backbone, canonical_state, save_weights
from matl.backbones.card import WeightsCard, read_card
from matl.errors import MatlError
from matl.names import BACKBONE, HEADS, TRAINED_ON
from matl.orchestrator.plan import make_plan
from matl.orchestrator.stage_card import weights_notes
from matl.orchestrator.store import Store
from matl.report.run_record import RunRecord

NETWORK = BackboneConfig("resnet10t", "attention", [16], in_channels=1)
MEAN, STD = 0.449, 0.226
Notes = Callable[..., list[str]]


@pytest.fixture
def notes_of(load_tiny: Load, tmp_path: Path) -> Notes:
    """The notes of a plan that begins from weights with a card."""

    def notes(*overrides: str, **card: object) -> list[str]:
        file = tmp_path / "own.safetensors"
        text = WeightsCard("a paper", **card).as_text() if card else {}
        save_weights(file, canonical_state(build_backbone(NETWORK, seed=0)), text)
        return weights_notes(make_plan(load_tiny(f"backbone.weights={file}", *overrides)))

    return notes


def test_stage_card__inherits_what_the_stages_before_learned_from(
    load_tiny: Load, tmp_path: Path
) -> None:
    first = tmp_path / "first.safetensors"
    card = WeightsCard("a paper", licence="CC-BY-4.0", trained_on=("mosmed",))
    save_weights(first, canonical_state(build_backbone(NETWORK, seed=0)), card.as_text())
    experiment = load_tiny(f"backbone.weights={first}", "stages.lung.epochs=1")
    record, _, _ = run_quietly(experiment)
    store = Store(experiment.store)
    cards = {}
    for row in record.stages:
        files = [store.file(row.fingerprint, name) for name in (BACKBONE, HEADS)]
        cards[row.name], heads = map(read_card, files)
        assert cards[row.name] == heads
        assert row.fingerprint in cards[row.name].source
    shapes, lung, diagnosis = (cards[name] for name in ("shapes", "lung", "diagnosis"))
    assert shapes.trained_on == ("mosmed", "phantom_shapes")
    assert lung.trained_on == diagnosis.trained_on == ("mosmed", "phantom_shapes", "phantom_ct")
    assert {card.licence for card in cards.values()} == {"CC-BY-4.0"}
    for name, card in cards.items():
        assert list(dict.fromkeys(one.name for one in card.contents)) == list(card.trained_on[1:])
        files = store.file(_of(record, name), TRAINED_ON).read_text().split()
        known = {one for contents in card.contents for one in contents.hashes}
        assert {one[:16] for one in files} <= known
        assert card.unknown == ()
    assert (diagnosis.size, diagnosis.fit, diagnosis.channels) == ((32, 32), "crop", 1)
    assert diagnosis.classes == tuple(record.manifest["stages"]["diagnosis"]["classes"])
    assert diagnosis.mean == pytest.approx((MEAN,), abs=1e-3)
    assert any("begins from a paper" in note for note in record.notes)


def _of(record: RunRecord, name: str) -> str:
    return next(row.fingerprint for row in record.stages if row.name == name)


def test_stage_card__self_supervision_learned_no_class(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny())
    store = Store(tmp_path / "store")
    cards = {store.manifest(one).stage: read_card(store.file(one, BACKBONE)) for one in store}
    assert cards["lung"].classes == ()
    assert cards["diagnosis"].classes == ("other", "covid")


def test_weights_notes__nothing_to_say_without_weights(load_tiny: Load) -> None:
    assert weights_notes(make_plan(load_tiny())) == []


def test_weights_notes__a_file_without_a_card(notes_of: Notes) -> None:
    assert notes_of() == [
        "begins from own.safetensors, which has no card: what it was trained on is not known"
    ]


def test_weights_notes__a_card_that_suits_is_one_line(notes_of: Notes) -> None:
    fitting = {"size": (36, 40), "fit": "crop", "channels": 1, "mean": (MEAN,), "std": (STD,)}
    notes = notes_of(licence="MIT", trained_on=("luna16_slices",), **fitting)
    assert len(notes) == 1
    assert notes[0].startswith("begins from a paper; licence: MIT; trained on: luna16_slices;")


@pytest.mark.parametrize(
    ("card", "note"),
    [
        ({"size": (224, 224)}, r"^shapes: images of 32 x 32, the weights are of 224 x 224$"),
        ({"size": (16, 16)}, r"^shapes: images of 32 x 32, the weights are of 16 x 16$"),
        ({"fit": "stretch"}, r"^shapes: fit: crop, the weights were trained with stretch$"),
        ({"channels": 3}, "^the images are grey, the weights of colour: the first convolution"),
        (
            {"mean": (0.0,), "std": (1.0,)},
            "WARNING: .*card .* says 0 and deviation 1: twice, or not at all",
        ),
        (
            {"trained_on": ("phantom_ct",)},
            "^WARNING: the weights were trained on a data set named phantom_ct, which diagnosis",
        ),
    ],
)
def test_weights_notes__each_mismatch_is_one_line(
    card: dict[str, object], note: str, notes_of: Notes
) -> None:
    found = [line for line in notes_of(**card) if re.search(note, line)]
    assert len(found) == 1
    assert "\n" not in found[0]


RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ("mean", "std", "reason"),
    [
        (RGB_MEAN, RGB_STD, None),
        (RGB_MEAN[::-1], RGB_STD[::-1], "the channels in another order"),
        (RGB_MEAN, RGB_STD[::-1], "twice, or not at all"),
        ((0.449,) * 3, (0.226,) * 3, "twice, or not at all"),
    ],
)
def test_weights_notes__compare_each_channels_mean_and_deviation(
    mean: tuple[float, ...],
    std: tuple[float, ...],
    reason: str | None,
    load_tiny: Load,
    tmp_path: Path,
) -> None:
    file = tmp_path / "own.safetensors"
    colour = replace(NETWORK, in_channels=3)
    card = WeightsCard("a paper", channels=3, mean=mean, std=std)
    save_weights(file, canonical_state(build_backbone(colour, seed=0)), card.as_text())
    notes = weights_notes(
        make_plan(load_tiny(f"backbone.weights={file}", "backbone.in_channels=3"))
    )
    said = [note.rpartition(": ")[2] for note in notes if "images are normalised" in note]
    assert said == ([] if reason is None else [reason])


def test_make_plan__refuses_grey_weights_for_a_network_of_colour(notes_of: Notes) -> None:
    with pytest.raises(MatlError, match=r"^backbone\.in_channels: 3, but .*own.*=1") as error:
        notes_of("backbone.in_channels=3", channels=1)
    assert "\n" not in str(error.value)


def test_weights_notes__of_a_diagnosis_from_scratch_too(notes_of: Notes) -> None:
    notes = notes_of(
        "baselines=[scratch]", "ensemble=2", "stages.diagnosis.size=64", size=(128, 128)
    )
    said = [note for note in notes if note.endswith("the weights are of 128 x 128")]
    assert [note.partition(":")[0] for note in said] == ["shapes", "diagnosis, from scratch"]
