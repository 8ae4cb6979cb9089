"""Which publication an image was cut from, where its file name says it."""

import re

PATTERNS = (
    re.compile(r"(?P<publication>.+?)-p\d+-\S+"),  # 2020.03.22.20040782-p24-1533-1
    re.compile(r"(?P<publication>[^%]*[A-Za-z]{2}[^%]*)%\d+"),  # PIIS0140673620303603%0
)


def publication_of(path: str) -> str:
    """The publication of a figure, "" where the name says none.

    Names are `PUBLICATION-pPAGE-FIGURE`, as of figures that were extracted from PDF files, or
    `PUBLICATION%FIGURE`.

    Args:
        path: An image's, with or without folders.
    """
    stem = path.rsplit("/", 1)[-1].rpartition(".")[0]
    matches = (pattern.fullmatch(stem) for pattern in PATTERNS)
    return next((match["publication"] for match in matches if match), "")
