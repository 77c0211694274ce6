"""Find the packages that lie in the allowed storage roots."""

from collections.abc import Iterable
from pathlib import Path

from .. import conf
from .locations import PACKAGES, PLAIN_PACKAGE, SEALED_PACKAGE, known_places, resolve_place


def known_packages(storage_paths: Iterable[str] = ()) -> list[Path]:
    """Return the packages beside known repositories, in the allowed roots and at the given storage paths."""
    found = (path for folder in package_folders(storage_paths) for path in folder.glob("*.tar.gz*"))
    # A package that is still being written begins with a dot and ends in another way.
    return sorted(path for path in found if path.name.endswith((PLAIN_PACKAGE, SEALED_PACKAGE)) and path.is_file())


def package_folders(storage_paths: Iterable[str] = ()) -> list[Path]:
    """Return the folders of these packages; a folder may not exist yet."""
    storages = {root.resolve() for root in conf.load().roots}
    storages.update(place.storage for place in known_places(storage_paths))
    storages.update(resolve_place(path, encrypted=False).storage for path in storage_paths)
    return sorted(storage / PACKAGES for storage in storages)


def is_stored_package(path: Path) -> bool:
    """Return whether a package lies, with links followed, in a folder into which jobs write packages."""
    return is_package_folder(path.resolve().parent)


def is_package_folder(folder: Path) -> bool:
    """Return whether jobs write packages into a folder: it is named `packages`, in an allowed root, links followed."""
    resolved = folder.resolve()
    roots = conf.load().roots
    return resolved.name == PACKAGES and any(resolved.is_relative_to(root.resolve()) for root in roots)
