"""Keep the secrets in a backup from being handed out over HTTP.

`project/` holds secrets of the installation, such as its .env file with the passwords of its databases. It is captured
into encrypted repositories and packages only, and is read from them with the passphrase.
"""

from typing import Final

from strongroom.packages.member_order import PROJECT

from ..errors import BackupError

WITHHELD_FOLDERS: Final = (PROJECT,)


class Withheld(BackupError):
    """The content is secret and is not handed out."""


def is_withheld(path: bytes) -> bool:
    """Return whether a path inside of a backup is secret."""
    return path.partition(b"/")[0] in WITHHELD_FOLDERS


def require_not_withheld(path: bytes) -> None:
    """Raise `Withheld` for a path that is secret."""
    if is_withheld(path):
        raise Withheld(
            "The files below project/ hold secrets of the installation and are not handed out; take them from the"
            " repository with `strongroom restore`, which asks for the passphrase."
        )
