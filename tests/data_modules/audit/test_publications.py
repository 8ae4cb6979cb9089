"""The publication of a figure is read from names that say it, and from no others."""

import pytest

from data_modules.audit.publications import publication_of


@pytest.mark.parametrize(
    ("path", "publication"),
    [
        ("CT_COVID/2020.03.22.20040782-p24-1533-1.png", "2020.03.22.20040782"),
        ("2020.02.10.20021584-p6-52%12.png", "2020.02.10.20021584"),
        ("kjr-21-e24-p5-29.png", "kjr-21-e24"),
        ("PIIS0140673620303603%0.png", "PIIS0140673620303603"),
        ("71%0.jpg", ""),
        ("1335.png", ""),
        ("person17_bacteria_56.jpeg", ""),
        ("p07/scan-p.png", ""),
        ("1.3.6.1.4.1.14519.5.2.1.6279.6001.1-121.png", ""),
    ],
)
def test_publication(path: str, publication: str) -> None:
    assert publication_of(path) == publication
