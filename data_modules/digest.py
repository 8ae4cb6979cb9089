"""Hashes of a data set, the same wherever its folder is and whatever it is called."""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from data_modules.file_hashes import FileHashes
from data_modules.samples import COLUMNS, Samples, texts


def digest(samples: Samples, hashes: FileHashes | Path, columns: Collection[str] = ()) -> str:
    """Hash all of a data set that can change a result: `content_digest` and `table_digest`.

    Args:
        samples: The data set.
        hashes: What hashes the files, or the folder of its memo.
        columns: Further columns whose files are read, too.

    Returns:
        A hexadecimal text of 32 characters.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    parts = [content_digest(samples, hashes), table_digest(samples)]
    parts += [files_digest(samples.named_files(one), hashes) for one in columns]
    return _hash_texts(parts)


def files_digest(files: Sequence[Path | None], hashes: FileHashes | Path) -> str:
    """Hash the bytes of files in their order, and which are missing.

    Returns:
        A hexadecimal text of 32 characters.

    Raises:
        DataError: Where files cannot be read; all are listed.
    """
    known = [os.path.abspath(file) for file in files if file]
    contents = iter(FileHashes.at(hashes).of(known))
    return _hash_texts([next(contents) if file else "" for file in files])


def content_digest(samples: Samples, hashes: FileHashes | Path) -> str:
    """Hash the bytes of the files in the table's order, and which slice and grey levels are seen.

    Names, labels and splits do not matter.

    Args:
        samples: The data set.
        hashes: What hashes the files, or the folder of its memo.

    Returns:
        A hexadecimal text of 32 characters.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    return _hash_texts(FileHashes.at(hashes).of(samples.images()))


def table_digest(samples: Samples) -> str:
    """Hash the table and the classes.

    A source that is named by its folder counts by its place among such sources, and paths count
    from the source's own folder. A further column counts where it says something.

    Returns:
        A hexadecimal text of 32 characters.
    """
    keys = samples.source_keys()
    traits: list[Any] = [
        samples.classes,
        samples.positive,
        samples.multi_label,
        samples.patients_named,
    ]
    traits += [
        [[keys.get(name, name) for name in one.sources], one.classes, one.multi_label]
        for one in samples.label_sets
    ]
    table = samples.portable_table()
    columns = [name for name in table if name in COLUMNS or (table[name] != "").any()]
    return _hash_texts([json.dumps([{name: texts(table[name]) for name in columns}, traits])])


def _hash_texts(texts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()
