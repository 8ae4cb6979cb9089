"""Stand-ins for what tags say of persons, which are never written in plain form."""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from data_modules.errors import DataError
from data_modules.spelling import form

SALT = ".matl_salt"
SALT_BYTES = 32
DIGITS = 16
NOBODY = frozenset(
    "anon anonym anonymous anonymized anonymised deidentified unknown none patient test "  # noqa: SIM905
    "removed na noname noid".split()
)
"""What stands in tags where a name was taken out, as `form` writes it."""


class Persons:
    """Makes stand-ins of names and identifiers: HMAC-SHA256 by a salt that stays with the data.

    Whoever has the salt can test guesses of a name, so that it is as private as the data.
    """

    def __init__(self, root: Path) -> None:
        """Keep the folder; the salt in it is read, or drawn, when the first stand-in is asked for.

        Args:
            root: The data set's folder.
        """
        self._file = Path(root) / SALT
        self._salt: bytes | None = None

    def mark(self) -> str:
        """What tells salts apart, and says nothing of one; "" where none is there yet."""
        return self.stand_in("salt") if self._file.exists() else ""

    def stand_in(self, text: str) -> str:
        """So many hexadecimal digits for a text, the same for the same text; "" for none.

        Raises:
            DataError: There is no salt, and none can be written.
        """
        if not text:
            return ""
        self._salt = self._salt or _salt(self._file)
        return hmac.new(self._salt, text.encode(), sha256).hexdigest()[:DIGITS]


def names_a_person(text: str) -> bool:
    """Whether a tag's text, up to the first bar, stands for a person and not for a removed name."""
    word = form(text.partition("|")[0])
    return bool(word.strip("0x^_-. ")) and word not in NOBODY


def _salt(file: Path) -> bytes:
    if not file.exists():
        try:
            _write_new(file)
        except OSError as error:
            raise DataError(
                f"{file.parent}: is read-only ({error.strerror}), and patients' identities are "
                "hashed by a salt that is kept there: make it writable once, or have 64 random "
                f"hexadecimal digits written into {file}"
            ) from error
    try:
        salt = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: the salt cannot be read; restore it, or remove it") from error
    if len(salt) < SALT_BYTES:
        raise DataError(f"{file}: the salt has less than {2 * SALT_BYTES} digits; remove it")
    return salt


def _write_new(file: Path) -> None:
    """Write a new salt, readable by its owner alone, in one step; one that is there stays."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(SALT_BYTES) + "\n")
        _publish(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, file: Path) -> None:
    try:
        os.link(temporary, file)
    except FileExistsError:  # another process was faster
        return
    except OSError:  # the file system has no links
        os.rename(temporary, file)
