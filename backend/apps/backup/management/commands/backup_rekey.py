"""Change the passphrase of all repositories and packages, or copy them into new repositories with new master keys."""

from __future__ import annotations

import dataclasses

from django.core.management.base import CommandParser

from strongroom.passphrase import FILE, Passphrase, read_passphrase

from ...core.cancellation import stop_signals
from ...core.progress import Tracker
from ...errors import RekeyFailed, RequestRefused
from ...operations.rekey import RekeyPlan, complete_exchanges, plan_rekey, plan_release_keys, rekey, release_keys
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import ProgressDisplay, facts, size


class Command(BackupCommand):
    help = "Change the passphrase of repositories and packages, or copy everything into new repositories."
    examples = (
        "backup_rekey --new-password-file /run/secrets/new --dry-run",
        "backup_rekey --release",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--new-password-file", metavar="FILE", help="the file that holds the new passphrase")
        parser.add_argument(
            "--new-repository",
            action="store_true",
            help="copy each encrypted repository into a new one, so that the old key cannot open it",
        )
        parser.add_argument(
            "--keep-password-file",
            metavar="FILE",
            action="append",
            default=[],
            help="with --new-repository: another passphrase of the old repository that also opens the new one;"
            " may be repeated",
        )
        parser.add_argument(
            "--release", action="store_true", help="remove the old passphrase, and delete the replaced repositories"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def run(self, options: Options) -> int:
        old = read_passphrase()
        if options["release"]:
            if options["new_password_file"] or options["new_repository"] or options["keep_password_file"]:
                raise RequestRefused("--release finishes an earlier change. Remove the other options.")
            return self._release(options, old)
        new, others = self._new(options, old), self._others(options)
        if not options["dry_run"]:
            complete_exchanges()
        plan = plan_rekey(old, new, new_repository=bool(options["new_repository"]), others=others)
        if options["dry_run"]:
            self._show(options, plan)
            return exitcodes.FAILED if plan.blocking else exitcodes.OK
        if not options["json"]:
            self._show(options, plan)
        if plan.blocking:
            raise RekeyFailed("Nothing was changed: " + "; ".join(plan.blocking))
        self.require_consent(options, "First keep a copy of the new passphrase in a safe place. Change the passphrase?")
        tracker = Tracker()
        with stop_signals(), ProgressDisplay() as display:
            done = rekey(plan, old, new, others=others, tracker=tracker, tick=lambda: display.show(tracker.now()))
        if options["json"]:
            self.print_json({**dataclasses.asdict(done), "still_readable": plan.still_readable})
        else:
            facts(
                [
                    ("changed", done.repositories),
                    ("encrypted again", done.packages),
                    ("not changed", done.failed),
                    ("next steps", done.next_steps or "none"),
                ]
            )
        return exitcodes.FAILED if done.failed else exitcodes.OK

    def _new(self, options: Options, old: Passphrase) -> Passphrase:
        if options["new_password_file"]:
            given = read_passphrase({FILE: str(options["new_password_file"])})
            return Passphrase(given.reveal(), "--new-password-file")
        if not options["new_repository"]:
            raise RequestRefused("Give the new passphrase with --new-password-file, or --new-repository, or both.")
        return old

    def _others(self, options: Options) -> list[Passphrase]:
        paths = options["keep_password_file"]
        if not isinstance(paths, list) or not paths:
            return []
        if not options["new_repository"]:
            raise RequestRefused("--keep-password-file needs --new-repository. Without it, all keys are kept anyway.")
        return [self._other(str(path)) for path in paths]

    def _other(self, path: str) -> Passphrase:
        return Passphrase(read_passphrase({FILE: path}).reveal(), f"--keep-password-file {path}")

    def _show(self, options: Options, plan: RekeyPlan) -> None:
        if options["json"]:
            self.print_json({"dry_run": True, **plan.to_json()})
            return
        what = "copied into a new repository" if plan.new_repository else "gets a new key"
        facts(
            [
                *(
                    (str(one.place.path), f"{what}: {one.snapshots} snapshots, {size(one.size)}")
                    for one in plan.repositories
                ),
                ("packages", [f"{path}: encrypted again" for path in plan.packages]),
                ("packages elsewhere", [f"{path}: not changed" for path in plan.elsewhere]),
                ("passphrase from", plan.source),
                ("replaced file", plan.password_file),
                ("to restart", plan.restart),
                ("keys not copied", plan.keys_left),
                ("a thief can still read", plan.still_readable),
                ("blocking", plan.blocking),
            ]
        )

    def _release(self, options: Options, passphrase: Passphrase) -> int:
        if options["dry_run"]:
            done = plan_release_keys()
        else:
            self.require_consent(options, "Remove the old passphrase, and delete the replaced repositories?")
            done = release_keys(passphrase)
        if options["json"]:
            self.print_json({"dry_run": bool(options["dry_run"]), **dataclasses.asdict(done)})
        else:
            facts(
                [
                    ("old keys", done.keys or "none"),
                    ("old repositories", done.repositories or "none"),
                    ("dry run", "nothing was changed" if options["dry_run"] else ""),
                ]
            )
        return exitcodes.OK
