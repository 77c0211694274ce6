"""The engines for folders and for the contents of folders."""

from __future__ import annotations

import os
from pathlib import Path

from ...journal import Component, Kind
from ..contract import Mark, SwapEngine
from . import swap


def paths_beside(kind: Kind, name: str, live: Path, beside: Path) -> Component:
    """Return the component for a file or folder to be put beside the live one."""
    return Component(
        kind=kind,
        name=name,
        live=str(live),
        staged=f"{beside}.new",
        kept=f"{beside}.old",
        had_live=os.path.lexists(live),
    )


class FolderEngine(SwapEngine):
    """A folder that is renamed as a whole."""

    kind = Kind.FOLDER

    def forward(self, component: Component, mark: Mark) -> None:
        swap.forward_path(component, mark)

    def backward(self, component: Component, mark: Mark) -> None:
        swap.backward_path(component, mark)

    def discard(self, component: Component, place: str) -> None:
        swap.discard(place)

    def is_there(self, name: str, place: str) -> bool:
        return os.path.lexists(place)

    def look_command(self, component: Component) -> str:
        return f"files {component.name}: ls -R {component.kept}"


class ContentsEngine(FolderEngine):
    """The contents of a folder that itself cannot be renamed."""

    kind = Kind.CONTENTS

    def forward(self, component: Component, mark: Mark) -> None:
        swap.forward_contents(component, mark)

    def backward(self, component: Component, mark: Mark) -> None:
        swap.backward_contents(component, mark)
