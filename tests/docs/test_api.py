"""The page about the API names every address with its methods, and no other."""

import re
from pathlib import Path

from apps.backup.api.openapi_document import document
from apps.backup.core.permissions import Right

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/api.md").read_text()


def test_the_page_names_every_address():
    rows = re.findall(r"^\| `(/\S*)` \| ([A-Z ]+) \|", PAGE, re.MULTILINE)
    known = {path: sorted(method.upper() for method in methods) for path, methods in document()["paths"].items()}
    assert {path: sorted(methods.split()) for path, methods in rows} == known


def test_the_page_names_every_right():
    assert re.findall(r"^\| `(backup\.\w+)` \|", PAGE, re.MULTILINE) == [right.permission for right in Right]


def test_the_document_is_made_without_a_doubt(capsys):
    document()
    assert capsys.readouterr().err == ""
