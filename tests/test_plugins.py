from pathlib import Path

import pytest

from matl.errors import SettingError
from matl.plugins import describe, load_class

KNOWN = {"error": "matl.errors:MatlError"}


def test_a_known_name_and_its_path_are_the_same_class() -> None:
    assert load_class("error", KNOWN, Exception, "kind") is load_class(
        "matl.errors:MatlError", {}, Exception, "kind"
    )


def test_an_error_inside_of_the_module_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("import not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match="not_there_at_all"):
        load_class("broken_module:Any", {}, object, "kind")


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(SettingError, match="'eror' is no kind; did you mean 'error'"):
        load_class("eror", KNOWN, Exception, "kind")


@pytest.mark.parametrize(("word", "shown"), [(3, "3"), (None, "null"), (["error"], "error")])
def test_a_word_that_is_no_text_is_one_line(word: object, shown: str) -> None:
    with pytest.raises(SettingError, match=f"^kind: .*{shown}.* is no kind; "):
        load_class(word, KNOWN, Exception, "kind")


def test_descriptions_are_first_lines() -> None:
    assert describe(KNOWN) == {
        "error": "A user's mistake: one clear line that says what, where and how to fix it."
    }
