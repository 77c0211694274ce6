"""Print the OpenAPI document of the HTTP API, to generate clients."""

from __future__ import annotations

import json

from ...errors import RequestRefused
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    help = "Print the OpenAPI document of the API."
    examples = (
        "backup_openapi",
        "backup_openapi --json",
    )

    def run(self, options: Options) -> int:  # noqa: ARG002  the command has no options
        # Imported here: hosts without the API lack its packages, and must still be able to list the commands.
        try:
            from ...api.openapi_document import document  # noqa: PLC0415
        except ModuleNotFoundError as missing:
            raise RequestRefused(
                f"The API needs {missing.name}, which is not installed. Install `edms_backup[api]`."
            ) from missing
        self.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True))
        return exitcodes.OK
