"""The sheet of cases: which are drawn, and that its text fits."""

from dataclasses import replace

import numpy as np
import pandas as pd
from evidence import evidence, frame

from matl.explain.overlays import case_numbers, choose_cases, overlay_figure


def test_the_title_fits_a_narrow_sheet() -> None:
    made = evidence()
    shown = made.diagnoses["chain"]
    narrow = replace(shown, maps={"grad_cam": shown.maps["grad_cam"]})
    cases = choose_cases(narrow.table, made.classes)
    figure = overlay_figure(cases, narrow, made.pictures, "a title", "a class with a long name")
    figure.draw_without_rendering()
    [title] = [text for text in figure.texts if "a title" in text.get_text()]
    assert title.get_window_extent().width < figure.bbox.width


def test_cases_are_as_many_right_as_wrong_ones_of_different_patients() -> None:
    table = pd.concat([frame(), frame().assign(source="other")], ignore_index=True)
    cases = choose_cases(table, ("ill", "well"), seed=1, each=2)
    assert {group: len(rows) for group, rows in cases.items()} == {
        (label, outcome): 2 for label in ("ill", "well") for outcome in ("right", "wrong")
    }
    for (label, outcome), rows in cases.items():
        chosen = table.loc[rows]
        assert set(chosen["label"]) == {label}
        assert set(chosen["outcome"]) == {outcome}
        assert len(chosen.drop_duplicates(["source", "patient"])) == len(chosen)
    assert sorted(case_numbers(cases).values()) == list(range(1, 9))


def test_cases_follow_from_the_seed_and_not_from_the_scores() -> None:
    table = frame()
    cases = choose_cases(table, ("ill", "well"), seed=1)
    assert cases == choose_cases(table.assign(score=0.5), ("ill", "well"), seed=1)
    others = [choose_cases(table, ("ill", "well"), seed=seed) for seed in range(2, 8)]
    assert any(other != cases for other in others)


def test_cases_of_an_empty_group_are_none() -> None:
    cases = choose_cases(frame(wrong=0.0), ("ill", "well"))
    assert cases["ill", "wrong"] == []
    assert len(cases["ill", "right"]) == 3


def test_each_map_is_drawn_over_its_image_and_an_empty_one_says_so() -> None:
    made = evidence()
    diagnosis = made.diagnoses["chain"]
    others = [("ill", "wrong"), ("well", "right"), ("well", "wrong")]
    cases = {("ill", "right"): [7], **{group: [] for group in others}}
    figure = overlay_figure(cases, diagnosis, made.pictures, "t", "ill")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["Grad-CAM", "attention, stride 16"]
    images = [len(axes.images) for axes in figure.axes if axes.images]
    assert images == [1, 1, 2]  # the image, under the empty map too, and under the map
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "empty" in texts
    assert texts.count("none") == 3
    assert not np.isnan(diagnosis.table["score"]).any()
