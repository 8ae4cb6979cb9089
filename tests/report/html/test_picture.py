"""A figure is drawn again only where what it shows has changed, or its files have."""

import json
from pathlib import Path

import pandas as pd
import pytest

from matl.evaluation.metrics import Estimate
from matl.report.drawing import new_figure
from matl.report.html.picture import FigureFolder, Picture

DRAWN: list[str] = []


def line(table: pd.DataFrame, estimate: Estimate, title: str):
    DRAWN.append(title)
    figure = new_figure(3, 2)
    axes = figure.add_subplot()
    axes.plot(table["x"], table["y"])
    axes.set_title(f"{title} {estimate}")
    return figure


def picture(y: float = 1.0, title: str = "a", name: str = "line") -> Picture:
    table = pd.DataFrame({"x": [0, 1], "y": [0, y]})
    return Picture(name, line, (table, Estimate(0.5, 0.4, 0.6), title), "a line", "A line.")


def draw(folder: Path, *pictures: Picture) -> list[str]:
    """What is drawn for a page of these pictures."""
    DRAWN.clear()
    figures = FigureFolder(folder)
    figures.drawn(pictures)
    figures.tidy()
    return list(DRAWN)


def test_what_has_not_changed_is_not_drawn_again(tmp_path: Path) -> None:
    assert draw(tmp_path, picture()) == ["a"]
    assert draw(tmp_path, picture()) == []
    assert draw(tmp_path, picture(y=1.5)) == ["a"]
    assert draw(tmp_path, picture(y=1.5, title="b")) == ["b"]
    assert draw(tmp_path, picture(y=1.5, title="b")) == []


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("how", [Path.unlink, lambda file: file.write_text("<svg")])
def test_a_file_that_is_not_as_it_was_drawn_is_drawn_again(tmp_path, kind, how) -> None:
    draw(tmp_path, picture())
    file = tmp_path / "figures" / f"line.{kind}"
    before = file.read_bytes()
    how(file)
    assert draw(tmp_path, picture()) == ["a"]
    assert file.read_bytes() == before


@pytest.mark.parametrize("broken", ["", "[]", '{"line": 1}'])
def test_lost_digests_cost_a_drawing_and_nothing_more(tmp_path: Path, broken: str) -> None:
    draw(tmp_path, picture())
    (tmp_path / "figures" / "digests.json").write_text(broken)
    assert draw(tmp_path, picture()) == ["a"]
    assert draw(tmp_path, picture()) == []


def test_code_that_draws_otherwise_draws_again(tmp_path: Path, monkeypatch) -> None:
    draw(tmp_path, picture())
    monkeypatch.setattr("matl.report.html.picture._sources", lambda module: "other code")
    assert draw(tmp_path, picture()) == ["a"]


def test_the_code_of_a_drawing_is_its_module_and_what_that_takes() -> None:
    from matl.report.html import score_figures as figures
    from matl.report.html.picture import _sources

    code = _sources(figures.__name__)
    for defined in ("def decision_figure", "def net_benefit", "def calibration_error", "COLOURS ="):
        assert defined in code


def test_figures_of_earlier_pages_are_removed(tmp_path: Path) -> None:
    draw(tmp_path, picture(), picture(name="other"))
    draw(tmp_path, picture())
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    assert names == {"line.svg", "line.png", "digests.json"}
    noted = json.loads((tmp_path / "figures" / "digests.json").read_text())
    assert list(noted) == ["line"]


def test_the_element_takes_the_colours_of_the_page(tmp_path: Path) -> None:
    [drawn] = FigureFolder(tmp_path).drawn([picture()])
    element = drawn.inline()
    assert element.startswith('<svg viewBox="0 0 216 144" role="img" aria-label="a line"')
    assert "#0072b2" not in element.lower().replace("var(--series-1)", "")
    assert 'id="line-' in element
    assert "<metadata" not in element


def test_a_figure_of_something_without_a_digest_is_refused() -> None:
    with pytest.raises(TypeError, match="drawn from a set, which has no digest"):
        Picture("a", line, ({1, 2},), "", "").digest()
