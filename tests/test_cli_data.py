"""`matl data`: an experiment's images as before, and the public data sets."""

from pathlib import Path

import pytest
from command import Matl
from conftest import REPOSITORY
from public_miniatures import MINIATURES

from data_modules.public_sets import public_sets
from matl.public_sets import as_markdown

PAGE = REPOSITORY / "docs" / "public_sets.md"


@pytest.mark.parametrize("words", [[], ["show"]], ids=["short", "show"])
def test_an_experiment_is_shown_with_and_without_the_command(
    matl: Matl, words: list[str], tiny_file: Path, tmp_path: Path
):
    shown = matl("data", *words, str(tiny_file), "seed=1", folder=tmp_path)
    assert shown.returncode == 0
    assert "phantom_shapes" in shown.stdout
    assert "diagnosis" in shown.stdout
    drawn = matl("data", *words, "--sheet", "sheet.png", str(tiny_file), folder=tmp_path)
    assert drawn.returncode == 0
    assert (tmp_path / "sheet.png").is_file()


def test_without_a_word_the_experiment_is_missing(matl: Matl, tmp_path: Path):
    shown = matl("data", folder=tmp_path)
    assert shown.returncode == 2
    assert "Missing argument 'EXPERIMENT'" in shown.stderr


def test_help_shows_both_the_options_and_the_commands(matl: Matl, tmp_path: Path):
    shown = matl("data", "--help", folder=tmp_path).stdout
    for word in ("--sheet", "--duplicates", "EXPERIMENT", "list", "describe", "check"):
        assert word in shown


def test_every_set_is_listed(matl: Matl, tmp_path: Path):
    shown = matl("data", "list", folder=tmp_path)
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    for name in public_sets():
        assert [line.split()[0] for line in lines if line.split()].count(name) == 1
    assert (
        shown.stdout.count("layout unverified")
        == sum(one.tested != "real files" for one in public_sets().values()) + 1
    )
    assert "112,120" in shown.stdout
    assert "CC BY-NC-SA 4.0" in shown.stdout
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", public_sets())
def test_all_of_a_description_is_shown(matl: Matl, name: str, tmp_path: Path):
    shown = matl("data", "describe", name, folder=tmp_path).stdout
    one = public_sets()[name]
    for text in (one.title, one.authors, one.reference, one.licence, one.url, one.size, one.who):
        assert text in shown
    for text in (*one.layout.splitlines(), *one.notes, one.tested):
        assert text.strip() in shown
    for count in one.counts:
        assert f"{count.images:,}" in shown
    assert ("layout unverified" in shown) == (one.tested != "real files")


def test_a_check_says_what_is_missing_and_fails(matl: Matl, tmp_path: Path):
    MINIATURES["nih_chest_xray14"](tmp_path / "nih")
    for number in range(2, 9):
        for image in (0, 1):
            (tmp_path / "nih" / "images" / f"{number:08}_{image:03}.png").unlink()
    for number in range(10):
        (tmp_path / "nih" / f"more{number}.png").touch()
    shown = matl("data", "check", "nih_chest_xray14", "--root", "nih", folder=tmp_path)
    assert shown.returncode == 2
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert "14 missing:" in lines
    assert "  images/00000002_000.png" in lines
    assert "10 additional:" in lines
    assert lines[-1] == "Not complete."
    [test] = [line.split() for line in lines if line.split()[:2] == ["test", "all"]]
    assert test == ["test", "all", "25,596", "4", "-25,592"]


def test_no_more_than_twenty_names_are_shown(matl: Matl, tmp_path: Path):
    MINIATURES["cifar10"](tmp_path)
    MINIATURES["natural_images"](tmp_path)
    for number in range(30):
        (tmp_path / f"x{number:02}.png").touch()
    shown = matl("data", "check", "natural_images", "--root", ".", folder=tmp_path)
    assert shown.returncode == 0
    assert "30 additional; the first 20:" in shown.stdout
    assert sum(line.startswith("  x") for line in shown.stdout.splitlines()) == 20
    assert "Nothing is missing; no counts were published." in shown.stdout


def test_options_are_key_and_value(matl: Matl, tmp_path: Path):
    MINIATURES["covidx_ct"](tmp_path)
    words = ["data", "check", "covidx_ct", "--root", "."]
    assert "3A_images" in matl(*words, "version=3A", folder=tmp_path).stdout
    for option, message in {
        "version": "write KEY=VALUE",
        "verion=2A": "did you mean 'version'",
    }.items():
        shown = matl(*words, option, folder=tmp_path)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert message in shown.stderr
    shown = matl("data", "check", "medmnist", "--root", ".", "size=big", folder=tmp_path)
    assert "medmnist expects int, not 'big'" in shown.stderr


def test_a_function_of_ones_own_has_no_description(matl: Matl, tmp_path: Path):
    (tmp_path / "scans.py").write_text("def index(root):\n    return None\n")
    shown = matl("data", "describe", "scans:index", folder=tmp_path)
    assert shown.returncode == 2
    assert shown.stderr == (
        "error: scans:index: a function of your own, which has no description here\n"
    )


def test_the_page_is_what_the_command_prints(matl: Matl, tmp_path: Path):
    """Write it again with `matl data list --markdown > docs/public_sets.md`."""
    shown = matl("data", "list", "--markdown", folder=tmp_path).stdout
    assert shown == as_markdown() == PAGE.read_text()


@pytest.mark.parametrize("words", [[], ["studies"]], ids=["short", "studies"])
def test_a_folder_of_studies_is_shown_as_a_table_of_series(
    matl: Matl, words: list[str], tmp_path: Path
):
    scan_files = pytest.importorskip("scan_files")
    scan_files.write_series(tmp_path / "hospital" / "a", [0, 3, 6], ConvolutionKernel="B70f")
    shown = matl("data", *words, "hospital", "--sheet", "sheet.png", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "1 series, 3 slices" in shown.stdout
    assert "B70f" in shown.stdout
    assert "Contact sheet: sheet.png" in shown.stdout
    assert (tmp_path / "sheet.png").is_file()
    (tmp_path / "empty").mkdir()
    refused = matl("data", "studies", "empty", folder=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: empty: holds no DICOM series and no volume")
