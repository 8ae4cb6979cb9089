"""Answers are kept whole, or asked for again."""

from pathlib import Path

import pytest

from matl.kept import FILE, cache_home, kept


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATL_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def refuse() -> None:
    raise AssertionError("was asked again")


def test_kept__asks_once() -> None:
    assert kept("one", lambda: {"a": (1, 2)}) == {"a": [1, 2]}
    assert kept("two", lambda: None) is None
    assert kept("one", refuse) == {"a": [1, 2]}
    assert kept("two", refuse) is None


def test_kept__what_asking_keeps_is_not_lost() -> None:
    kept("outer", lambda: kept("inner", lambda: 1) + 1)
    assert (kept("inner", refuse), kept("outer", refuse)) == (1, 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"17", b"18"),
        lambda content: b"",
        lambda content: b"\xff\xfe",
        lambda content: b"[]",
    ],
    ids=["cut", "edited", "empty", "no text", "a list"],
)
def test_kept__a_damaged_file_is_made_again(damage, home: Path) -> None:
    kept("number", lambda: 17)
    whole = (home / FILE).read_bytes()
    (home / FILE).write_bytes(damage(whole))
    assert kept("number", lambda: 17) == 17
    assert (home / FILE).read_bytes() == whole
    assert [path.name for path in home.iterdir()] == [FILE]


def test_kept__a_folder_that_cannot_be_written_costs_time_alone(home: Path) -> None:
    home.write_text("a file in the folder's place")
    assert kept("number", lambda: 17) == 17


def test_kept__an_error_is_not_kept() -> None:
    with pytest.raises(AssertionError):
        kept("one", refuse)
    assert kept("one", lambda: 1) == 1


def test_cache_home__of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATL_CACHE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_home() == Path("/caches/matl")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/her")
    assert cache_home() == Path("/home/her/.cache/matl")
