"""The request of a restore: the same record in the command, the API, the catalogue and the engines."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreRequest:
    """The source, the target and the selection of a restore.

    The source is the stored backup of the job `backup`, or the package `upload`; both are None if a command names the
    backup. The target is the "live" system, or the new "folder" or "database" `name`.

    `only` is "database" or "files", "" for both. `leave_out` are tables of a portable package, or objects of a
    PostgreSQL database such as `extension:postgis`. For the target "folder", `paths` are the files and folders to
    restore, as texts of `core.paths`; for the target "database", `tables` are the tables. An empty selection means
    everything. `drop_access` removes sessions and tokens before the database goes live; None does so for packages of
    other systems only.
    """

    backup: uuid.UUID | None = None
    upload: uuid.UUID | None = None
    target: str = "live"
    name: str = ""
    only: str = ""
    leave_out: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    safety_backup: bool = True
    drop_access: bool | None = None

    def to_json(self) -> dict[str, object]:
        """Return plain values: the arguments of an operation."""
        return {
            "backup": "" if self.backup is None else str(self.backup),
            "upload": "" if self.upload is None else str(self.upload),
            "target": self.target,
            "name": self.name,
            "only": self.only,
            "leave_out": sorted(self.leave_out),
            "paths": sorted(self.paths),
            "tables": sorted(self.tables),
            "safety_backup": self.safety_backup,
            "drop_access": self.drop_access,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> RestoreRequest:
        """Return the request that `to_json` wrote; earlier versions wrote fewer values."""
        return cls(
            backup=uuid.UUID(str(values["backup"])) if values["backup"] else None,
            upload=uuid.UUID(str(values["upload"])) if values["upload"] else None,
            target=str(values["target"]),
            name=str(values["name"]),
            only=str(values["only"]),
            leave_out=_texts(values, "leave_out"),
            paths=_texts(values, "paths"),
            tables=_texts(values, "tables"),
            safety_backup=bool(values["safety_backup"]),
            drop_access=None if values.get("drop_access") is None else bool(values["drop_access"]),
        )


def _texts(values: Mapping[str, object], name: str) -> frozenset[str]:
    texts = values.get(name)
    return frozenset(map(str, texts)) if isinstance(texts, list) else frozenset()
