"""Fixtures: a small EDMS in the test database, and whole installations in temporary folders."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.documents.services import category_get_or_create, document_create

BACKEND = Path(__file__).resolve().parents[2] / "backend"


@pytest.fixture
def make_document(db):
    """Create a document with this content."""

    def make(content=b"content", *, title="A title", source_name=b"a.txt"):
        return document_create(
            io.BytesIO(content),
            title=title,
            category=category_get_or_create("Text"),
            source_name=source_name,
            actor="alice",
        )

    return make


@pytest.fixture
def installation(tmp_path):
    """An installed EDMS on SQLite in a temporary folder. A call runs Python there, with the arguments."""
    environment = {
        "PATH": os.environ["PATH"],
        "EDMS_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(BACKEND),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    def start(*words, **variables):
        return subprocess.Popen(
            [sys.executable, *map(str, words)],
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(*words, **variables):
        process = start(*words, **variables)
        process.output, process.errors = process.communicate(timeout=300)
        return process

    run.start = start
    run.manage = lambda *words, **variables: run(BACKEND / "manage.py", *words, **variables)
    run.home = tmp_path / "home"
    return run
