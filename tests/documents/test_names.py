"""File names are converted to text without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.documents.names import as_bytes, as_tame, as_text, as_title

NAMES = st.binary(min_size=1, max_size=255)


@given(NAMES)
def test_every_name_round_trips(name):
    assert as_bytes(as_text(name)) == name


@given(NAMES)
def test_text_is_printable_everywhere(name):
    text = as_text(name)
    text.encode("utf-8")
    assert all(character.isprintable() or character.isspace() for character in text)
    assert "\x00" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain.txt", "plain.txt"),
        ("ünïcödé 文書".encode(), "ünïcödé 文書"),
        (b"caf\xe9.txt", "caf%E9.txt"),
        (b"100%", "100%25"),
        (b"a\nb\x1b[31m", "a%0Ab%1B[31m"),
        ("\u202egnp.exe".encode(), "%E2%80%AEgnp.exe"),
        (b"\xed\xa0\x80", "%ED%A0%80"),
    ],
)
def test_services_write_rows_and_files(name, text):
    assert as_text(name) == text


@pytest.mark.parametrize(
    ("name", "title"),
    [(b"folder/report.final.pdf", "report.final"), (b"x" * 251 + b".txt", "x" * 100), (b" .txt", "untitled")],
)
def test_title(name, title):
    assert as_title(name, 100) == title


@pytest.mark.parametrize(
    ("text", "tame"),
    [
        ("2026/Invoice No. 17.PDF", "-Invoice_No_17.pdf"),
        ("Договор аренды.docx", "-Договор_аренды.docx"),
        ("../../etc/passwd", "-passwd"),
        ("report.final version", "-report_final_version"),
        (".hidden", "-hidden"),
        ("100%25 + sure?.tar.gz", "-100_25_sure_tar.gz"),
        ("a.edms-restore-b.pdf", "-a_edms-restore-b.pdf"),
        ("%FF%FE", "-FF_FE"),
        ("…", ""),
        ("文" * 90 + ".png", "-" + "文" * 33 + ".png"),
    ],
)
def test_a_stored_name_is_safe_and_recognizable(text, tame):
    assert as_tame(text) == tame


@given(NAMES)
def test_a_safe_suffix_is_part_of_one_name(name):
    tame = as_tame(as_text(name))
    assert len(tame.encode()) <= 111
    assert "/" not in tame
    assert tame.isprintable()
