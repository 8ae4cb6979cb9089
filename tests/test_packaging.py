"""What the package says of itself agrees with the repository."""

import tomllib

import yaml
from conftest import REPOSITORY

import matl

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_the_licence_is_the_one_that_is_named() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_citation_is_of_this_version_and_of_the_paper() -> None:
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert cited["version"] == matl.__version__
    assert cited["license"] == PROJECT["license"]
    assert cited["preferred-citation"]["url"] == PROJECT["urls"]["Paper"]
