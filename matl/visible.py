"""What names, paths and files say to a terminal or a page: it is shown, and never obeyed."""

import re

# Control characters but for tab and newline, those that turn the direction of writing, and what
# XML has no place for.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_PICTURES = 0x2400
"""Unicode's pictures of control characters begin here."""


def visible(text: str) -> str:
    """A text with a picture in place of each control character, so that none takes effect."""
    return _CONTROLS.sub(lambda found: _picture(ord(found.group())), text)


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(_PICTURES + code)
    return "\u2421" if code == 0x7F else "\ufffd"
