"""The images as points in the plane."""

import numpy as np
import pytest
from evidence import frame

from matl.explain.embeddings import embed, embedding_figure


def test_an_embedding_keeps_neighbours_and_follows_from_the_seed() -> None:
    random = np.random.default_rng(0)
    group = np.arange(40) % 2
    features = random.normal(size=(40, 20)) + 30 * group[:, None]
    places = embed(features, seed=4)
    assert np.array_equal(places, embed(features, seed=4))
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(40)
    assert (group[distances.argmin(axis=1)] == group).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e-30, 1e30])
def test_images_that_are_all_alike_lie_in_one_place(value: float) -> None:
    """scikit-learn ends the process where they have no variance."""
    places = embed(np.full((12, 8), value, dtype=np.float32))
    assert np.array_equal(places, np.zeros((12, 2)))


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_an_embedding_has_no_scale(scale: float) -> None:
    features = np.random.default_rng(0).normal(size=(12, 8))
    assert np.isfinite(embed((features * scale).astype(np.float32))).all()


def test_patients_are_numbered_and_not_named() -> None:
    table = frame()
    places = np.random.default_rng(0).normal(size=(len(table), 2))
    figure = embedding_figure({"chain": places}, table, ("ill", "well"), "a title")
    assert [axes.get_title() for axes in figure.axes] == [
        *("chain: by class", "chain: by patient", "chain: by source")
    ]
    labels = [text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()]
    assert not any("Doe" in label for label in labels)
    assert sum(label.startswith("patient ") for label in labels) == 6
    shown = [sum(len(one.get_offsets()) for one in axes.collections) for axes in figure.axes]
    assert shown == [len(table)] * 3
