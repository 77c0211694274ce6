"""Check the passphrase, or confirm that it is the right one where no repository proves it."""

from __future__ import annotations

import getpass
import hmac
import sys

from django.core.management.base import CommandParser
from django.utils import timezone

from strongroom.errors import WrongPassphrase
from strongroom.passphrase import Passphrase, read_passphrase

from ...errors import RequestRefused
from ...passphrases import encrypted_places, is_proven, key_obstacle
from ...services.passphrases import passphrase_confirm
from .. import exitcodes
from ..base import BackupCommand, Options
from ..console import facts


class Command(BackupCommand):
    help = "Tell which repositories the passphrase opens, or confirm it for packages where there is no repository."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="type it again, so that schedules may seal packages with it where no repository proves it",
        )
        parser.add_argument("--yes", action="store_true", help="confirm it without typing it")

    def run(self, options: Options) -> int:
        passphrase = read_passphrase()
        obstacles = {str(place.path): key_obstacle(place, passphrase) for place in encrypted_places()}
        refused = [reason for reason in obstacles.values() if reason]
        if options["confirm"]:
            if refused:
                raise WrongPassphrase(f"{refused[0]} What opens no repository is not confirmed.")
            self._require_same(options, passphrase)
            passphrase_confirm(passphrase, now=timezone.now())
        proven = is_proven(passphrase)
        if options["json"]:
            self.print_json({"source": passphrase.source, "repositories": obstacles, "proven": proven})
        else:
            opens = [f"{path}: {reason or 'opens'}" for path, reason in obstacles.items()]
            how = "yes" if proven else "no: run `manage.py backup_passphrase --confirm`"
            facts([("passphrase from", passphrase.source), ("repositories", opens or "none"), ("proven", how)])
        return exitcodes.FAILED if refused else exitcodes.OK

    def _require_same(self, options: Options, passphrase: Passphrase) -> None:
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise RequestRefused("Without a terminal to type it on, --confirm needs --yes; nothing was changed.")
        typed = getpass.getpass("Type the passphrase again: ")
        if not hmac.compare_digest(typed.encode(), passphrase.reveal().encode("utf-8", "surrogatepass")):
            raise RequestRefused(f"That is not the passphrase from {passphrase.source}; nothing was changed.")
