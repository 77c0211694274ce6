"""`manage.py first_administrator`: create an administrator if there is none yet."""

import getpass
import secrets
import sys

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import transaction

DEFAULT_NAME = "administrator"
PASSWORD_BYTES = 12


class Command(BaseCommand):
    help = (
        "Create an administrator if there is none yet: ask for the name and the password on a terminal, and generate"
        " the password otherwise."
    )
    # A broken setting is reported by the server. It must not hide how to sign in.
    requires_system_checks = ()

    def handle(self, **_options: object) -> None:
        """Create the administrator, and print a generated password once."""
        if User.objects.filter(is_superuser=True, is_active=True).exists():
            return
        name, password = self._ask() if sys.stdin.isatty() else (_free_name(), "")
        generated = "" if password else secrets.token_urlsafe(PASSWORD_BYTES)
        with transaction.atomic():
            User.objects.create_superuser(name, password=password or generated)
        self.stdout.write(f"Administrator created. User name: {name}")
        if generated:
            self.stdout.write(f"Password: {generated}")
            self.stdout.write("Note the password now: it is not stored in readable form, and not shown again.")

    def _ask(self) -> tuple[str, str]:
        self.stdout.write("There is no administrator yet. Create one:")
        return self._ask_name(), self._ask_password()

    def _ask_name(self) -> str:
        default = _free_name()
        while True:
            name = input(f"User name [{default}]: ").strip() or default
            problem = _name_problem(name)
            if problem is None:
                return name
            self.stderr.write(problem)

    def _ask_password(self) -> str:
        while True:
            password = getpass.getpass("Password [empty: generate one]: ")
            if not password:
                return ""
            try:
                validate_password(password)
            except ValidationError as error:
                self.stderr.write("\n".join(error.messages))
                continue
            if getpass.getpass("Password again: ") == password:
                return password
            self.stderr.write("The two passwords differ. Type both again.")


def _free_name() -> str:
    taken = set(User.objects.filter(username__startswith=DEFAULT_NAME).values_list("username", flat=True))
    names = [DEFAULT_NAME, *(f"{DEFAULT_NAME}{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _name_problem(name: str) -> str | None:
    """Return why the name cannot be used, or None."""
    if User.objects.filter(username=name).exists():
        return f"A user named {name} exists already. Choose another name."
    try:
        User._meta.get_field("username").run_validators(name)
    except ValidationError as error:
        return " ".join(error.messages)
    return None
