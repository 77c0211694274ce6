"""Check the passphrase, or confirm that it is right if no repository proves it."""

from __future__ import annotations

import getpass
import hmac
import sys

from django.core.management.base import CommandParser
from django.utils import timezone

from strongroom.errors import WrongPassphrase
from strongroom.passphrase import Passphrase, read_passphrase

from ...backups.passphrase_check import encrypted_places, is_proven, key_obstacle, places_away
from ...backups.presence import find_presence
from ...errors import RequestRefused
from ...services.passphrases import passphrase_confirm
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import facts

_NOT_CONFIRMED = (
    "The passphrase was not confirmed. Correct it. If you have changed the passphrase, set the old one again and give"
    " the new one to `manage.py backup_rekey --new-password-file`, which encrypts the packages again."
)


class Command(BackupCommand):
    help = "Check which repositories the passphrase opens, or confirm it for packages if there is no repository."
    examples = (
        "backup_passphrase",
        "backup_passphrase --confirm",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="type the passphrase again, so that schedules may encrypt packages with it without a repository",
        )
        parser.add_argument("--yes", action="store_true", help="confirm without typing the passphrase")

    def run(self, options: Options) -> int:
        passphrase = read_passphrase()
        obstacles = {str(place.path): key_obstacle(place, passphrase) for place in encrypted_places()}
        away = dict.fromkeys(places_away(), "The repository is not there. Mount its storage, or copy it back.")
        refused = [reason for reason in obstacles.values() if reason]
        present = find_presence()
        locked = present.locked
        if options["confirm"]:
            if refused:
                raise WrongPassphrase(
                    f"{refused[0]} The passphrase was not confirmed, because it does not open this repository."
                )
            if present.newest_sealed is not None and present.newest_sealed in locked:
                raise WrongPassphrase(f"{locked[present.newest_sealed]} {_NOT_CONFIRMED}")
            self._require_same(options, passphrase)
            passphrase_confirm(passphrase, now=timezone.now())
        proven = is_proven(passphrase)
        if options["json"]:
            values = {"source": passphrase.source, "repositories": {**obstacles, **away}, "proven": proven}
            self.print_json({**values, "locked_packages": list(locked.values())})
        else:
            opens = [f"{path}: {reason or 'opens'}" for path, reason in {**obstacles, **away}.items()]
            way = "see the repositories" if refused or away else "run `manage.py backup_passphrase --confirm`"
            how = "yes" if proven else f"no: {way}"
            facts([("passphrase from", passphrase.source), ("repositories", opens or "none"), ("proven", how)])
            for reason in locked.values():
                self.stderr.write(reason)
        return exitcodes.FAILED if refused or locked or away else exitcodes.OK

    def _require_same(self, options: Options, passphrase: Passphrase) -> None:
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise RequestRefused(
                "There is no terminal to type the passphrase. Add --yes to --confirm. Nothing was changed."
            )
        typed = getpass.getpass("Type the passphrase again: ")
        if not hmac.compare_digest(typed.encode(), passphrase.reveal().encode("utf-8", "surrogatepass")):
            raise RequestRefused(
                f"The typed passphrase differs from the one in {passphrase.source}. Nothing was changed."
            )
