"""Two examples for the help of each command."""

from __future__ import annotations

from typing import Final

_HERE: Final = "-r /srv/backups/repository"

EXAMPLES: Final[dict[str, tuple[str, str]]] = {
    "init": (_HERE, f"{_HERE} --password-file /run/secrets/backup"),
    "backup": (f"{_HERE} /srv/media", f"{_HERE} /srv/media /etc --exclude /srv/media/cache --tag nightly"),
    "snapshots": (_HERE, f"{_HERE} --json"),
    "ls": (f"{_HERE} latest", f"{_HERE} -l 4fa0c1 /srv/media"),
    "restore": (f"{_HERE} latest --target /tmp/restored", f"{_HERE} 4fa0c1 -t /tmp/media --path /srv/media"),
    "check": (_HERE, f"{_HERE} --read-data"),
    "stats": (_HERE, f"{_HERE} latest --mode raw-data"),
    "diff": (f"{_HERE} 4fa0c1 latest", f"{_HERE} 4fa0c1 latest --metadata --json"),
    "find": (f"{_HERE} '*.pdf' --oldest 2026-11-01", f"{_HERE} --blob 9c1185a5"),
    "dump": (
        f"{_HERE} latest /srv/media/a.pdf --target a.pdf",
        f"{_HERE} latest /srv/media --archive zip -t media.zip",
    ),
    "mount": (_HERE, f"{_HERE} --port 8090"),
    "copy": (
        f"{_HERE} --from-repo /mnt/old/repository --from-password-file /run/secrets/old",
        f"{_HERE} --from-repo /mnt/old/repository --from-insecure-no-password",
    ),
    "forget": (f"{_HERE} 4fa0c1", f"{_HERE} --keep-daily 7 --keep-weekly 5 --prune --dry-run"),
    "prune": (f"{_HERE} --dry-run", f"{_HERE} --max-unused 0"),
    "repair index": (f"{_HERE} --dry-run", _HERE),
    "repair packs": (f"{_HERE} --damaged --dry-run", f"{_HERE} 9c1185a5"),
    "repair snapshots": (f"{_HERE} --dry-run", f"{_HERE} --forget"),
    "key list": (_HERE, f"{_HERE} --json"),
    "key add": (_HERE, f"{_HERE} --new-password-file /run/secrets/new"),
    "key remove": (f"{_HERE} 9c1185a5", f"{_HERE} 9c1185a5 --json"),
    "package list": ("export.tar.gz", "export.tar.gz.gpg -l"),
    "package verify": ("export.tar.gz.gpg", "export.tar.gz --json"),
    "package unpack": (
        "export.tar.gz --target /tmp/unpacked",
        "export.tar.gz.gpg -t /tmp/unpacked --path files/media",
    ),
    "completion": ("bash", "fish"),
}
