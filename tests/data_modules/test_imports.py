"""Import paths of functions from outside; the rest is tested with the data sets they name."""

import json
from pathlib import Path

import pytest

from data_modules.errors import DataError
from data_modules.imports import load_object


def test_an_object_of_an_installed_module():
    assert load_object("json:loads") is json.loads
    assert load_object("os.path:join")("a", "b") == str(Path("a", "b"))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("json", "'json' is no import path; write it as package.module:name"),
        ("json:", "is no import path"),
        ("json:a.b", "is no import path"),
        ("json:load_s", "the module json has no 'load_s'; did you mean 'loads'"),
        ("json.nothing:x", "there is no module 'json.nothing' for 'json.nothing'"),
        ("json.decoder.nothing:x", "there is no module 'json.decoder.nothing'"),
    ],
)
def test_mistakes_are_one_line(place: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        load_object(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["raise RuntimeError('no\\nway')", "def broken(:", "import sys; sys.exit(3)"]
)
def test_a_module_that_fails_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
):
    (tmp_path / "failing_module.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        DataError, match=r"importing 'failing_module' fails \(\w+(Error|Exit): "
    ) as caught:
        load_object("failing_module:x")
    assert "\n" not in str(caught.value)
