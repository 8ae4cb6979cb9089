"""The reference of all settings says what each one means, and the committed page is current."""

from dataclasses import dataclass, fields

from conftest import REPOSITORY

from matl.ablation.reference import reference
from matl.ablation.schema import METRIC_NAMES, Ablation
from matl.backbones.config import OPERATORS, BackboneConfig
from matl.config import Experiment
from matl.config.reference import REQUIRED, make_section
from matl.config.reference_page import as_markdown, as_text
from matl.evaluation.metrics import LESS_IS_BETTER, METRICS
from matl.stages.registry import TASKS
from matl.stages.settings import setting
from matl.stages.ssl.task import METHODS

PAGE = REPOSITORY / "docs" / "settings.md"


def test_every_key_has_a_meaning_and_values() -> None:
    settings = [one for section in reference() for one in section.settings]
    assert [one.key for one in settings if not (one.meaning and one.values)] == []
    assert [one.key for one in settings if one.meaning[0].islower()] == []


def test_every_key_is_there() -> None:
    keys = {one.key for section in reference() for one in section.settings}
    for kind in (Experiment, Ablation):
        made = {one.name for one in fields(kind)}
        assert made - keys <= {"backbone", "trainer", "logger", "analysis"}
    titles = {section.title for section in reference()}
    assert {f"Task {name}" for name in TASKS} | {f"Method {name}" for name in METHODS} <= titles
    assert {"stages.NAME.views.rotate", "stages.NAME.queue", "analysis.margin"} <= keys


def test_a_key_that_is_not_documented_has_no_meaning() -> None:
    @dataclass
    class Own:
        """Settings.

        Attributes:
            told, said: Both
                mean this.
        """

        told: int = setting(3, least=1, most=9, unit="images")
        said: str = "a"
        silent: bool = False
        needed: list[int] | None = None

    told, said, silent, needed = make_section("Own", Own, "own.").settings
    assert (told.key, told.meaning, told.unit) == ("own.told", "Both mean this.", "images")
    assert (told.values, told.default) == ("whole number at least 1 and at most 9", "3")
    assert said.meaning == told.meaning
    assert (silent.meaning, silent.default) == ("", "false")
    assert (needed.values, needed.default) == ("list of whole numbers", "null")


def test_a_section_without_settings_has_no_table() -> None:
    @dataclass
    class Bare:
        """Nothing to set."""

    page = as_markdown([make_section("Bare", Bare)])
    assert page.endswith("## Bare\n\nNothing to set.\n")


def test_values_in_words_are_those_that_are_checked() -> None:
    assert METRIC_NAMES.replace("`", "").split(", ") == [
        name for name in METRICS if name not in LESS_IS_BETTER
    ]
    [operator] = [one for one in fields(BackboneConfig) if one.name == "operator"]
    assert tuple(operator.metadata["values"].replace("`", "").split(", ")) == OPERATORS


def test_the_committed_page_is_current() -> None:
    """Write it again with `matl config --reference --markdown > docs/settings.md`."""
    assert PAGE.read_text(encoding="utf-8") == as_markdown(reference())


def test_the_text_fits_its_width_and_names_what_is_required() -> None:
    text = as_text(reference(), width=60)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert f"least 1; {REQUIRED}" in " ".join(text.split())
