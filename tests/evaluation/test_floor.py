import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from matl.evaluation.class_metrics import summarise_classes
from matl.evaluation.floor import FEATURES, Floor, _fit, fit_floor, floor_scores, grey_features
from matl.evaluation.metrics import check_scores, patient_codes, summarise
from matl.files import json_bytes
from matl.typed_json import typed


def make_set(patients=60, seed=0):
    """Two images a patient; positives are brighter, splits are by patient."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 2)
    labels = (np.arange(patients) % 2)[patient]
    noise = generator.normal(0, 20, (len(patient), 1, 8, 8))
    images = (110 + 25 * labels[:, None, None, None] + noise).clip(0, 255).astype(np.uint8)
    table = pd.DataFrame(
        {
            "path": [f"{number}.png" for number in range(len(patient))],
            "label": np.where(labels == 1, "COVID", "NonCOVID"),
            "patient": [f"p{number}" for number in patient],
            "split": np.array(["train", "train", "val", "test"])[patient // 2 % 4],
            "study": "",
            "source": "covid_ct",
        }
    )
    return table, images, np.full((len(patient), 2), 256), labels


def scored(table, features, labels):
    return floor_scores(fit_floor(table, features, labels), table, features, labels)


def test_features_are_what_their_names_say():
    images = np.zeros((2, 1, 4, 4), dtype=np.uint8)
    images[1, 0, :2] = 255
    features = grey_features(images, np.array([[10, 20], [30, 40]]))
    assert features.shape == (2, len(FEATURES))
    np.testing.assert_allclose(features[0], [0, 0, 0, 1, np.log(10), np.log(20)])
    np.testing.assert_allclose(features[1], [127.5, 127.5, 0.5, 0.5, np.log(30), np.log(40)])


def test_features_are_of_each_image_in_its_own_shape():
    images = [np.full((1, 4, 4), 9, np.uint8), np.full((1, 2, 7), 255, np.uint8)]
    features = grey_features(images, np.array([[4, 4], [2, 7]]))
    np.testing.assert_allclose(features[:, 0], [9, 255])
    np.testing.assert_allclose(features[:, 2], [0, 1])


def test_grey_levels_that_tell_the_class_are_found():
    table, images, sizes, labels = make_set()
    scores = check_scores(scored(table, grey_features(images, sizes), labels))
    assert scores["image"].tolist() == table["path"][table["split"] != "train"].tolist()
    assert summarise(scores[scores["split"] == "test"])["auroc"].value > 0.95


def test_size_alone_tells_the_class():
    table, images, sizes, labels = make_set()
    sizes = np.where(labels[:, None] == 1, 512, 300) + np.arange(len(labels))[:, None] % 7
    scores = scored(table, grey_features(np.full_like(images, 90), sizes), labels)
    assert summarise(scores[scores["split"] == "val"])["auroc"].value == 1


def test_shuffled_labels_are_not_found():
    table, images, sizes, _ = make_set(patients=400)
    labels = np.random.default_rng(1).integers(0, 2, 400).repeat(2)
    scores = scored(table, grey_features(images, sizes), labels)
    auroc = summarise(scores[scores["split"] == "test"])["auroc"]
    assert auroc.low < 0.5 < auroc.high


def test_no_evaluated_row_takes_part_in_fitting():
    table, images, sizes, labels = make_set()
    first = scored(table, grey_features(images, sizes), labels)
    test = (table["split"] == "test").to_numpy()
    images, sizes, labels = images.copy(), sizes.copy(), labels.copy()
    images[test], sizes[test], labels[test] = 255 - images[test], 9, 1 - labels[test]
    second = scored(table, grey_features(images, sizes), labels)
    val = first["split"] == "val"
    pd.testing.assert_frame_equal(first[val], second[val])
    assert (first["score"] != second["score"])[~val].any()


def test_unlabelled_images_are_left_out():
    table, images, sizes, labels = make_set()
    labels = np.where(np.arange(len(labels)) % 5 == 0, -1, labels)
    scores = scored(table, grey_features(images, sizes), labels)
    assert len(scores) == ((labels >= 0) & (table["split"] != "train")).sum()
    assert set(scores["label"]) == {0, 1}


def test_one_patient_a_class_is_enough_to_fit():
    table, images, sizes, labels = make_set(patients=8)
    table["patient"] = table["split"] + table["label"]
    scores = scored(table, grey_features(images, sizes), labels)
    assert scores["score"].between(0, 1).all()


def test_training_images_of_one_class_are_refused():
    table, images, sizes, labels = make_set()
    with pytest.raises(ValueError, match="every class"):
        fit_floor(table, grey_features(images, sizes), np.ones_like(labels))


def test_several_classes_are_scored_by_a_softmax_as_scikit_learn_does():
    table, images, sizes, _ = make_set(patients=90)
    labels = np.arange(90).repeat(2) % 3
    images = (images * 0.5 + 40 * labels[:, None, None, None]).astype(np.uint8)
    features, classes = grey_features(images, sizes), ("mild", "severe", "well")
    train = (table["split"] == "train").to_numpy()
    fitted = fit_floor(table, features, labels, classes=3)
    scores = floor_scores(fitted, table, features, labels, classes)
    model = _fit(features[train], labels[train], patient_codes(table[train]), 0)
    columns = [f"score_{name}" for name in classes]
    np.testing.assert_allclose(scores[columns], model.predict_proba(features[~train]))
    assert scores["class"].tolist() == np.array(classes)[labels[~train]].tolist()
    assert (
        summarise_classes(scores[scores["split"] == "test"], classes, False)[0]["auroc"].value > 0.9
    )
    none = floor_scores(fitted, table[train], features[train], labels[train], classes)
    assert none.empty
    assert set(columns) < set(none)
    assert typed(Floor, json.loads(json_bytes(asdict(fitted)))) == fitted
    with pytest.raises(ValueError, match="every class"):
        fit_floor(table, features, labels % 2, classes=3)


def test_arrays_of_different_lengths_are_refused():
    table, images, sizes, labels = make_set()
    with pytest.raises(ValueError, match="as many"):
        fit_floor(table, grey_features(images, sizes)[1:], labels)
