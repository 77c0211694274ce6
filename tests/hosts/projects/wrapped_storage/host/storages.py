"""Storages as hosts have them: all of them keep local files, none of them is a plain FileSystemStorage."""

from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.functional import LazyObject


class LazyVault(LazyObject):
    """Chosen when it is first used."""

    def _setup(self) -> None:
        self._wrapped = FileSystemStorage(settings.BASE_DIR / "vault")


class Prefixed(FileSystemStorage):
    """Names in rows lack the folder that all files of the tenant lie in."""

    def path(self, name: str) -> str:
        return super().path(f"tenant/{name}")

    def _save(self, name, content):
        return super()._save(name, content).removeprefix("tenant/")


class Delegating(Storage):
    """A storage that has another one, as libraries for logging or encryption are built."""

    def __init__(self) -> None:
        self.inner = FileSystemStorage(settings.BASE_DIR / "inner")

    def _open(self, name, mode="rb"):
        return self.inner._open(name, mode)

    def _save(self, name, content):
        return self.inner._save(name, content)

    def path(self, name: str) -> str:
        return self.inner.path(name)

    def exists(self, name: str) -> bool:
        return self.inner.exists(name)

    def size(self, name: str) -> int:
        return Path(self.path(name)).stat().st_size

    def delete(self, name: str) -> None:
        self.inner.delete(name)


def vault() -> Storage:
    return LazyVault()


def prefixed() -> Storage:
    return Prefixed()


def delegating() -> Storage:
    return Delegating()
