"""Fixture: GnuPG, if this machine has it."""

from tests.engine.packages.gnupg import gpg  # noqa: F401
