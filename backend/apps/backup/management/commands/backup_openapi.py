"""The OpenAPI document of the HTTP API, to make clients from."""

from __future__ import annotations

import json

from ...api.schema import document
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    help = "Print the OpenAPI document of the API."

    def run(self, options: Options) -> int:  # noqa: ARG002  it has none of its own
        self.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True))
        return exitcodes.OK
