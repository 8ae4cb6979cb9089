"""What a reader should know of scans: what is odd, assumed, left out or cannot be read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from data_modules.counted import counted
from data_modules.sets.series import odd_notes

MOST_LISTED = 20


@dataclass
class ScanNotes:
    """What is to be said of scans.

    Attributes:
        odd: What is odd about each series, by a path of it.
        assumed: What is assumed of each series or volume, by a path of it.
        without_image: DICOM files that hold no image, and are left out.
        named: Paths that hold the patient's name or identifier.
        unreadable: Why a file cannot be read, by its path.
    """

    odd: dict[str, list[str]] = field(default_factory=dict)
    assumed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    without_image: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def lines(self, series: Iterable[tuple[str, str]]) -> list[str]:
        """The notes, a sentence each.

        Args:
            series: Folder and SeriesInstanceUID of every series that has one.
        """
        lines = odd_notes(self.odd)
        for text in dict.fromkeys(text for texts in self.assumed.values() for text in texts):
            such = [path for path, texts in self.assumed.items() if text in texts]
            scans = counted(len(such), "scan", "scans")
            lines.append(f"{text} ({scans}, such as {such[0]})")
        if self.unreadable:
            scans = counted(len(self.unreadable), "scan", "scans")
            lines.append(f"WARNING: {scans} cannot be read: {self._reasons()}")
        if self.without_image:
            one = self.without_image[0]
            files = counted(len(self.without_image), "DICOM file holds", "DICOM files hold")
            lines.append(f"{files} no image, such as {one}")
        folders = Counter(folder for folder, _ in series)
        if several := [folder for folder, count in folders.items() if count > 1]:
            first = f"{several[0] or 'the data folder'} with {folders[several[0]]}"
            holders = counted(len(several), "folder holds", "folders hold")
            lines.append(f"WARNING: {holders} several series, such as {first}: each is one study")
        if self.named:
            names = counted(
                len(self.named), "name of a file or folder holds", "names of files or folders hold"
            )
            lines.append(
                f"WARNING: {names} the patient's name or identifier of the tags, and paths are "
                "written into reports: rename them"
            )
        return lines

    def _reasons(self) -> str:
        first = list(self.unreadable.items())[:MOST_LISTED]
        more = len(self.unreadable) - len(first)
        listed = "; ".join(f"{path} {reason}" for path, reason in first)
        return f"{listed}; and {more} more" if more else listed
