"""What is stored, but not handed out in the open.

`project/` holds what an installation must keep to itself, such as its .env file with the passwords of its databases.
It is captured in encrypted repositories and packages only, and comes out of them for whoever has the passphrase.
"""

from typing import Final

from strongroom.packages.member_order import PROJECT

from ..errors import BackupError

TOPS: Final = (PROJECT,)


class Withheld(BackupError):
    """The content is not handed out."""


def is_withheld(path: bytes) -> bool:
    """Whether what lies at a path inside of a backup is not handed out."""
    return path.partition(b"/")[0] in TOPS


def require_open(path: bytes) -> None:
    """Raise `Withheld` for what is not handed out."""
    if is_withheld(path):
        raise Withheld(
            "The files below project/ hold secrets of the installation and are not handed out; take them from the"
            " repository with `strongroom restore`, which asks for the passphrase."
        )
