"""What is one thing in several spellings, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.spelling import form, quoted, spelled_alike, without_value


@pytest.mark.parametrize(
    "words",
    [
        ("COVID", "Covid"),
        ("l\u00e9sion", "le\u0301sion"),
        ("l\u00e9sion", "lesion"),
        ("1", "1.0", "01", "1,0", "+1", "\uff11", "1e0"),
        ("non covid", "Non-COVID", "non_covid", "NonCOVID", "non\u00a0covid", "non\u2013covid"),
        ("covid", "covid\u200b", "covid_", "\ufeffcovid"),
        ("COVID", "\u0421OVID"),
        ("1", "true", "Yes"),
        ("0", "False", "-0"),
        ("Stra\u00dfe", "STRASSE"),
        ("Doe, John", "Doe,John", "DOE ,john"),
        ("O'Neil", "O\u2019Neil"),
        ("cat (1)", "cat(1)"),
    ],
)
def test_one_word_in_several_forms(words: tuple[str, ...]):
    assert len({form(word) for word in words}) == 1
    assert spelled_alike(words, fractions=True) == sorted(words)


@pytest.mark.parametrize(
    "words",
    [
        ("HER2", "HER2+", "HER2-"),
        ("grade 1-2", "grade 12"),
        ("1.2", "1-2", "12"),
        ("<5", ">5", "5", "<-5"),
        ("a+b", "ab"),
        ("1", "-1"),
        ("0.5", "0.05"),
        ("covid", "covid19"),
        ("\u0915\u093f", "\u0915\u0941"),
        ("1e999999999", "sNaN1", "infinity"),
    ],
)
def test_different_words_stay_different(words: tuple[str, ...]):
    assert spelled_alike(words, fractions=True) == []


def test_identifiers_are_no_fractions():
    assert spelled_alike(("1.1", "1.10"), fractions=False) == []
    assert spelled_alike(("1.1", "1.10"), fractions=True) == ["1.1", "1.10"]
    assert spelled_alike(("P001", "p-1"), fractions=False) == ["P001", "p-1"]
    assert spelled_alike(("100000", "1E5"), fractions=False) == ["100000", "1E5"]
    assert (
        spelled_alike(("12345678901234567890123456789", "1234567890123456789012345678"), False)
        == []
    )


@given(st.text())
def test_a_form_is_found_for_every_text_and_keeps_spaces_out(word: str):
    assert form(word) == form(f" {word} ")
    assert form(word, fractions=False) == form(f"{word} ", fractions=False)


def test_words_for_no_value():
    assert all(map(without_value, ["NaN", "N/A", "None", "?", " null", "\uff1f"]))
    assert all(
        map(without_value, ["\u2013", "\u2026", "---", "N. A.", "n / a", "<NA>", "not available"])
    )
    assert all(map(without_value, ["#DIV/0!", "no_label", "unspecified", "n.d."]))
    assert not any(map(without_value, ["+", "", "value", "ref", "no", "not covid"]))
    assert not any(map(without_value, ["no finding", "normal", "0", "nanoparticle"]))


def test_words_that_look_alike_are_shown_by_their_codes():
    assert quoted(["COVID", "\u0421OVID"]) == "'COVID' and '\\u0421OVID'"
