"""The OpenAPI document of the HTTP API, to make clients from."""

from __future__ import annotations

import json

from ...errors import RequestRefused
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    help = "Print the OpenAPI document of the API."

    def run(self, options: Options) -> int:  # noqa: ARG002  it has none of its own
        # Hosts that want no API have not what it stands on; the list of the commands is to be had all the same.
        try:
            from ...api.openapi_document import document  # noqa: PLC0415
        except ModuleNotFoundError as missing:
            raise RequestRefused(
                f"The API needs {missing.name}, which is not installed: `edms_backup[api]`."
            ) from missing
        self.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True))
        return exitcodes.OK
