"""The passphrase: its sources, and a type that never shows it.

It is read from the first of these environment variables that is set: `BACKUP_PASSWORD_COMMAND` (a program that prints
it), `BACKUP_PASSWORD_FILE` (a file that holds it), `BACKUP_PASSWORD`. It is never stored, logged, put on a command
line or returned by the API.
"""

import codecs
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from strongroom.errors import PassphraseError

COMMAND = "BACKUP_PASSWORD_COMMAND"
FILE = "BACKUP_PASSWORD_FILE"
VALUE = "BACKUP_PASSWORD"
SOURCES = (COMMAND, FILE, VALUE)

_COMMAND_SECONDS = 120
_LONGEST = 64 * 1024

_BYTE_ORDER_MARKS = (
    # The longer mark first: the mark of UTF-32 little-endian begins with the mark of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Passphrase:
    """A passphrase that only `reveal` returns as text. `source` is the variable it was read from."""

    __slots__ = ("_text", "source")

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self.source = source

    def reveal(self) -> str:
        """Return the passphrase itself, for the engine only."""
        return self._text

    def __repr__(self) -> str:
        return f"Passphrase(hidden, from {self.source})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A passphrase cannot be pickled.")


NO_PASSPHRASE = Passphrase("", "an unencrypted repository")


def passphrase_source(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the variable that the passphrase would be read from, or None if none is set."""
    variables = os.environ if environment is None else environment
    # Compose files pass on variables without a value: empty is the same as not set.
    return next((name for name in SOURCES if variables.get(name)), None)


def read_passphrase(environment: Mapping[str, str] | None = None) -> Passphrase:
    """Return the passphrase of the encrypted repositories. Raises `PassphraseError` if there is none or it is empty."""
    variables = os.environ if environment is None else environment
    source = passphrase_source(variables)
    if source is None:
        raise PassphraseError(
            "No passphrase is set for the encrypted backups. Set BACKUP_PASSWORD_FILE to a file that holds it"
            " (or BACKUP_PASSWORD_COMMAND, or BACKUP_PASSWORD)."
        )
    if source == COMMAND:
        text = _one_line(_decoded(_output_of(variables[COMMAND]), source))
    elif source == FILE:
        text = _decoded(_content_of(variables[FILE]), source)
    else:
        text = variables[VALUE]
    if not text:
        raise PassphraseError(f"The passphrase from {source} is empty. Set one of at least one character.")
    return Passphrase(text, source)


def _output_of(command: str) -> bytes:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise PassphraseError(f"Cannot split {COMMAND} into words ({error}). Check its quotes.") from None
    if not words:
        raise PassphraseError(f"{COMMAND} is empty. Set it to a program that prints the passphrase.")
    try:
        # The program's error messages go to our stderr: they tell the operator why it failed.
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
    except OSError as error:
        raise PassphraseError(
            f"{COMMAND}: cannot start the program {words[0]!r} ({error.strerror}). Check its path."
        ) from None
    except subprocess.TimeoutExpired:
        raise PassphraseError(
            f"{COMMAND}: the program {words[0]!r} did not end within {_COMMAND_SECONDS} s. It must not wait for input."
        ) from None
    if done.returncode != 0:
        raise PassphraseError(
            f"{COMMAND}: the program {words[0]!r} failed with exit code {done.returncode}. Run it by hand to see why."
        )
    return done.stdout


def _one_line(text: str) -> str:
    """Refuse several lines, such as an error message of a program that ends with code 0."""
    lines = len(text.splitlines())
    if lines > 1:
        raise PassphraseError(
            f"{COMMAND}: the program prints {lines} lines. It must print the passphrase and nothing else."
            f" Use {FILE} for a passphrase of several lines."
        )
    return text


def _content_of(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(_LONGEST + 1)
    except OSError as error:
        raise PassphraseError(f"{FILE}: cannot read {name!r} ({error.strerror}). Check its path and mode.") from None


def _decoded(data: bytes, source: str) -> str:
    if len(data) > _LONGEST:
        raise PassphraseError(f"{source} has more than {_LONGEST} bytes, too many for a passphrase. Check its value.")
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    try:
        return data[len(mark) :].decode(encoding).strip()
    except UnicodeDecodeError:
        # The error itself would quote the bytes.
        raise PassphraseError(f"{source} has text that is not valid {encoding}. Store it as UTF-8.") from None
