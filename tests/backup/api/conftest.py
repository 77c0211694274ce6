"""People with rights, and clients that they use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from rest_framework.test import APIClient
from tests.backup.testing.edms import PASSPHRASE
from tests.backup.testing.stored_backup import ROOT, entries, job, packaged, reader, repository

from apps.backup.core.permissions import Right
from apps.backup.models import BackupJob


@pytest.fixture(autouse=True)
def equipment(settings, monkeypatch):
    """A passphrase, and no limit to how often one may ask; a test of the limits sets its own."""
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.BACKUP_API_RATES = {"read": None, "change": None, "download": None}
    cache.clear()


@pytest.fixture
def person(db) -> Callable[..., User]:
    """Create a user with these rights and no other."""

    def make(name: str, *rights: Right, superuser: bool = False) -> User:
        user = User.objects.create_user(name, password=name, is_staff=True, is_superuser=superuser)
        names = [right.codename for right in rights]
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="backup", codename__in=names))
        assert user.user_permissions.count() == len(rights)
        return user

    return make


@pytest.fixture
def client_of(person) -> Callable[..., APIClient]:
    """Return a client of a user with these rights and no other."""

    def make(*rights: Right, name: str = "", superuser: bool = False) -> APIClient:
        client = APIClient(REMOTE_ADDR="192.0.2.7")
        label = name or "-".join(sorted(right.name.lower() for right in rights)) or "nobody"
        client.force_authenticate(person(label, *rights, superuser=superuser))
        return client

    return make


@pytest.fixture
def admin(client_of) -> APIClient:
    """Return a client of a user with all rights."""
    return client_of(name="admin", superuser=True)


@pytest.fixture
def backup(db):
    """Return a job that says that it has a stored backup."""
    return BackupJob.objects.create(
        job_name="files-1", backup_type="FILES", status="COMPLETED", trust="VERIFIED", snapshot_id="ab" * 32
    )


__all__ = ["ROOT", "entries", "job", "packaged", "reader", "repository"]
