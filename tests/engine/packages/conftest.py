"""Fixture: GnuPG, if this machine has it."""

from tests.engine.testing.gnupg import gpg  # noqa: F401
