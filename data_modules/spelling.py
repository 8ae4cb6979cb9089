"""One thing written in several ways: spellings that differ in form and not in meaning."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

NO_VALUE = frozenset(
    "nan na nd nat none null nil missing undefined unknown unlabelled unlabeled unspecified "  # noqa: SIM905
    "notavailable notapplicable notlabelled notlabeled nolabel novalue tbd todo".split()
)
"""What tables and programs write for "no value", in lower case and without marks."""
ERRORS = frozenset("#value! #ref! #name? #num! #null! #div/0!".split())  # noqa: SIM905
"""What spreadsheets write for a formula that fails."""
MARKS = ("Pc", "Pd", "Po")
"""Unicode's kinds of marks: connecting ones, dashes, and others such as `?`, `.` and `#`."""
SAME_WORDS = {"true": "1E+0", "yes": "1E+0", "false": "0E+0", "no": "0E+0"}
LOOKALIKES = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0430\u0435\u043e"
    "\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABEKMHOPCTYXaeopcyxijsABEZHIKMNOPTYXo",
)
"""Cyrillic and Greek letters that look like Latin ones."""
LONGEST_NUMBER = 28  # the digits that decimal arithmetic keeps


@lru_cache(maxsize=8)
def spelled_alike(words: tuple[str, ...], fractions: bool) -> list[str]:
    """The first words that differ in form only, as many as there are; empty where all differ.

    The same are: composed and decomposed letters, other cases, accents, widths, spaces, dashes and
    zeros in front, spaces beside other marks, invisible and look-alike letters, one number in
    several forms, and 1, true, yes.

    Args:
        words: Different texts.
        fractions: Whether "0.5" and "0.50" are one; of identifiers, 1.1 and 1.10 are two.
    """
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(form(word, fractions), []).append(word)
    return next((sorted(group) for group in alike.values() if len(group) > 1), [])


def without_value(word: str) -> bool:
    """Whether a word stands for "no value", or is of marks alone."""
    text = unicodedata.normalize("NFKC", word).strip().lower()
    if not text or text in ERRORS:
        return bool(text)
    return re.sub(r"[\W_]+", "", text) in NO_VALUE or all(map(_is_mark, text))


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in MARKS


def quoted(words: Iterable[str]) -> str:
    """Words in quotes; letters that look alike, or are not seen, by their codes."""
    return " and ".join(f"'{word}'" if word.isascii() else ascii(word) for word in words)


def form(word: str, fractions: bool = True) -> str:
    """What words that differ in form only have in common; see `spelled_alike`."""
    if word.isascii() and word.isalpha():
        text = word.lower()
        return SAME_WORDS.get(text, text)
    text = word.translate(LOOKALIKES)
    text = text if text.isascii() else _bare_letters(text)
    text = re.sub(r"\s*([^\w\s+-])\s*", r"\1", text.replace("\u2019", "'"))
    text = re.sub(r"[\s_\u2010-\u2015\u2212]+", "-", text.casefold().strip(" _\t\r\n"))
    if (number := _number(text, fractions)) is not None:
        return number
    text = re.sub(r"(?<=\d)-+(?=\d)", " ", text)
    text = re.sub(r"(?<=\w)-+(?=\w)", "", text)
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    return SAME_WORDS.get(text, text)


def _bare_letters(text: str) -> str:
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if not "\u0300" <= letter <= "\u036f" and unicodedata.category(letter) != "Cf"
    )


def _number(text: str, fractions: bool) -> str | None:
    if len(text) > LONGEST_NUMBER or not any(letter.isdigit() for letter in text):
        return None
    try:
        value = Decimal(text.replace(",", ".")).normalize() + 0  # no minus before a zero
        whole = value == value.to_integral_value()
    except ArithmeticError:
        return None
    return f"{value:E}" if whole or fractions else None
