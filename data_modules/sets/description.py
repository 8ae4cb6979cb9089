"""What is known of a public data set before anyone has it, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

NO_CLASS = "(no class)"
"""In counts of several labels per image: images that have none of them."""
TESTED = ("real files", "real tables, drawn images", "drawn miniature")
"""What a set's code was run on. In a miniature of the published layout all is drawn by a test."""


@dataclass(frozen=True)
class Count:
    """A number of images that was published.

    Attributes:
        images: How many.
        label: Of which class; "" for images of any.
        split: In which split, as the set's `index` names it; "" for all together.
        variant: In which of the set's variants, "" where it has none, or in all of them.
    """

    images: int
    label: str = ""
    split: str = ""
    variant: str = ""


@dataclass(frozen=True)
class Description:
    """A public data set.

    Attributes:
        title: Its name.
        shows: What is seen, and which classes there are, in a few words.
        authors: Who published it.
        year: When.
        reference: The paper's DOI or arXiv number.
        licence: On what terms, as its publisher says.
        size: Of the download, where that is known.
        url: Where its publisher gives it away.
        layout: Its files and folders below `root`, as a tree.
        needs: Files and folders without which it is not complete, as patterns of `Path.glob`;
            `{variant}` stands for the variant.
        counts: Published numbers of images.
        tested: One of `TESTED`.
        patients: How many persons it names; None where it does not name them.
        who: How persons are known, or what stands for them.
        variant: The option that chooses a variant; "" where there is one form only.
        unread: Folders of the published layout that hold images which are not read.
        notes: What is left out, assumed or not certain, a sentence each.
    """

    title: str
    shows: str
    authors: str
    year: int
    reference: str
    licence: str
    size: str
    url: str
    layout: str
    needs: tuple[str, ...]
    counts: tuple[Count, ...]
    tested: str
    patients: int | None
    who: str
    variant: str = ""
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = (field.name for field in fields(self) if field.type == "str" or field.type is str)
        empty = [name for name in given if name != "variant" and not getattr(self, name).strip()]
        if empty or self.tested not in TESTED:
            raise ValueError(f"{self.title}: {', '.join(empty) or 'tested'} is not described")

    def counted(self, variant: str = "") -> tuple[Count, ...]:
        """The counts of one variant, and those of all."""
        return tuple(count for count in self.counts if count.variant in ("", variant))

    def images(self, variant: str = "") -> int | None:
        """How many images a variant has; None where no number was published."""
        counts = self.counted(variant)
        for labelled, in_splits in ((False, False), (False, True), (True, True), (True, False)):
            kind = [
                count.images
                for count in counts
                if bool(count.label) == labelled and bool(count.split) == in_splits
            ]
            if kind:
                return sum(kind)
        return None


def counts_of(
    splits: tuple[str, ...], images: Mapping[str, tuple[int, ...]], variant: str = ""
) -> tuple[Count, ...]:
    """Counts of classes over splits: of each class one number for each split."""
    return tuple(
        Count(number, label, split, variant)
        for label, numbers in images.items()
        for split, number in zip(splits, numbers, strict=True)
    )
