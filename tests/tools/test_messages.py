"""The catalogues of the server's texts are complete and compiled, and a fault in one is found."""

import gettext
import io
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/messages"
messages = runpy.run_path(str(TOOL))
ENTRY = 'msgid "Give %(name)s."\nmsgstr "Geben Sie %(name)s an."\n'


def test_the_catalogues_have_each_text_and_are_compiled():
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("po", "fault"),
    [
        ("", "is missing: 'Give %(name)s.'"),
        (ENTRY + '\nmsgid "Old."\nmsgstr "Alt."\n', "is not used: 'Old.'"),
        (ENTRY + "\n" + ENTRY, "is there twice: 'Give %(name)s.'"),
        ("#, fuzzy\n" + ENTRY, "is not translated: 'Give %(name)s.'"),
        ('msgid "Give %(name)s."\nmsgstr ""\n', "is not translated: 'Give %(name)s.'"),
        (ENTRY.replace("Sie %(name)s", "Sie %(Name)s"), "has other placeholders: 'Give %(name)s.'"),
    ],
)
def test_a_fault_of_a_catalogue_is_named(po, fault):
    assert messages["faults"](ENTRY, {"Give %(name)s."}) == []
    assert messages["faults"](po, {"Give %(name)s."}) == [fault]


def test_python_reads_what_is_compiled():
    texts = {"": "Content-Type: text/plain; charset=UTF-8\n", "Size": "Größe", "Again": "Nochmals"}
    read = gettext.GNUTranslations(io.BytesIO(messages["compiled"](texts)))
    assert [read.gettext(text) for text in ("Size", "Again", "Unknown")] == ["Größe", "Nochmals", "Unknown"]
