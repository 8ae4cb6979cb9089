"""The pointing game on lesions that are placed by hand."""

import numpy as np
import pandas as pd
import pytest

from matl.explain.pointing import Pointing, at_centres, point, tolerance_of, widened

SIZE = (64, 96)


def lesion(row: int, column: int) -> np.ndarray:
    mask = np.zeros((1, *SIZE), dtype=bool)
    mask[0, row, column] = True
    return mask


def peak(row: int, column: int, shape: tuple[int, int] = (4, 6)) -> np.ndarray:
    one = np.full((1, *shape), 0.1, dtype=np.float32)
    one[0, row, column] = 1
    return one


def play(maps: np.ndarray, lesions: np.ndarray, fields: np.ndarray | None = None) -> Pointing:
    table = pd.DataFrame({"source": "a", "patient": [f"p{n}" for n in range(len(maps))]})
    everywhere = np.ones_like(lesions) if fields is None else fields
    [found] = point({"cam": maps}, table, lesions, everywhere)
    return found


def test_the_tolerance_grows_with_the_image() -> None:
    assert [tolerance_of(size) for size in ((32, 32), (96, 128), (512, 500))] == [1, 3, 15]


@pytest.mark.parametrize(("away", "hit"), [(0, 1), (2, 1), (3, 0)])
def test_a_hit_lies_within_the_tolerance(away: int, hit: int) -> None:
    """Place (1, 2) of 4 x 6 is centred at the pixel (24, 40); two pixels are tolerated."""
    assert tolerance_of(SIZE) == 2
    assert play(peak(1, 2), lesion(24, 40 + away)).hits.value == hit
    assert play(peak(1, 2), lesion(24 - away, 40)).hits.value == hit


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 5), (3, 0), (3, 5)])
def test_a_maximum_at_the_border_is_not_moved(row: int, column: int) -> None:
    centre = (8 + 16 * row, 8 + 16 * column)
    assert play(peak(row, column), lesion(*centre)).hits.value == 1
    corner = (63 * (row > 0), 95 * (column > 0))
    assert play(peak(row, column), lesion(*corner)).hits.value == 0


def test_odd_maps_are_centred_too() -> None:
    mask = np.arange(7 * 10).reshape(1, 7, 10)
    assert at_centres(mask, (2, 3)).tolist() == [[[11, 15, 18], [51, 55, 58]]]


def test_an_empty_map_misses_and_is_counted() -> None:
    found = play(np.zeros((1, 4, 6)), lesion(8, 8))
    assert (found.hits.value, found.empty) == (0, 1)


def test_chance_is_what_places_drawn_one_by_one_hit() -> None:
    random = np.random.default_rng(0)
    lesions = random.random((5, *SIZE)) < 0.01
    fields = random.random((5, *SIZE)) < 0.5
    maps = random.random((5, 4, 6))
    found = play(maps, lesions, fields)
    near = widened(lesions)
    hits, in_lungs, possible, pointed = [], [], [], []
    for number in range(5):
        of_places = [
            (
                near[number, 8 + 16 * row, 8 + 16 * column],
                fields[number, 8 + 16 * row, 8 + 16 * column],
            )
            for row in range(4)
            for column in range(6)
        ]
        hits.append(np.mean([hit for hit, _ in of_places]))
        in_lungs.append(np.mean([hit for hit, within in of_places if within]))
        possible.append(any(hit for hit, _ in of_places))
        pointed.append(of_places[int(maps[number].argmax())][0])
    assert found.chance.value == pytest.approx(np.mean(hits))
    assert found.chance_in_lungs.value == pytest.approx(np.mean(in_lungs))
    assert found.possible.value == pytest.approx(np.mean(possible))
    assert found.hits.value == pytest.approx(np.mean(pointed))
    assert found.difference.value == pytest.approx(np.mean(pointed) - np.mean(hits))


def test_maps_that_know_nothing_hit_by_chance() -> None:
    random = np.random.default_rng(1)
    lesions = random.random((400, *SIZE)) < 0.02
    found = play(random.random((400, 4, 6)), lesions)
    assert found.difference.low < 0 < found.difference.high


def test_images_without_a_lung_field_are_left_out_of_that_chance_alone() -> None:
    lesions = np.concatenate([lesion(8, 8)] * 2)
    fields = np.ones_like(lesions)
    fields[1] = False
    found = play(np.concatenate([peak(0, 0)] * 2), lesions, fields)
    assert found.chance_in_lungs.value == pytest.approx(1 / 24)
    assert found.images == 2


def test_lesions_widen_by_a_disc() -> None:
    rows, columns = np.nonzero(widened(lesion(30, 50))[0])
    expected = {(y, x) for y in range(-2, 3) for x in range(-2, 3) if y * y + x * x <= 4}
    assert {(y - 30, x - 50) for y, x in zip(rows, columns, strict=True)} == expected
