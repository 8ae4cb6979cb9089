"""The page of a folder, whatever left it."""

from pathlib import Path

from matl.names import RESULTS


def write_page(folder: str | Path) -> Path:
    """Writes report.html, one file to share, from what a run or an ablation left in its folder.

    Args:
        folder: Of a finished run or of an ablation.

    Returns:
        The page.

    Raises:
        MatlError: The folder holds neither.
    """
    from matl.ablation.page import write_ablation_page
    from matl.report.html.run_page import write_run_page

    folder = Path(folder)
    write = write_ablation_page if (folder / RESULTS).is_file() else write_run_page
    return write(folder)
