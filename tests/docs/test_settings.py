"""The page about settings names every setting of the backup app, and no other."""

import re
from pathlib import Path

from apps.backup import conf

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/settings.md").read_text()


def test_the_page_names_every_setting():
    chapter = PAGE.partition("\n## Django settings of the backup app\n")[2].partition("\n## ")[0]
    known = re.findall(r"^(BACKUP_\w+) ", conf.__doc__, re.MULTILINE)
    assert sorted(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)) == sorted(known)
