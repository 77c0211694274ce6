"""Names inside of backups as text: one text for each name, and back; and no way out of the backup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.backup.core.paths import file_name, one_line, path_of, text_of
from apps.backup.errors import RequestRefused

NAMES = st.one_of(
    st.binary(min_size=1, max_size=30),
    st.text(min_size=1, max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
).filter(lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."})


@given(st.lists(NAMES, max_size=5))
def test_any_path_comes_back_from_its_text(names):
    path = b"/".join(names)

    text = text_of(path)

    assert path_of(text) == path_of(f"/{text}/") == path if names else path_of(text) == b""
    assert text.isprintable() or not any(ord(character) < 0xA0 for character in text if not character.isprintable())
    text.encode()


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_is_refused(text):
    try:
        path = path_of(text)
    except RequestRefused:
        return
    assert b"\0" not in path
    assert not {b"", b".", b".."} & set(path.split(b"/")) or path == b""


NO_PATHS = (
    *("..", "a/../b", "a/..", "./a", "a//b", "//a", "a//", "///", "%2e%2e/a", "a/%2E%2E", "a%2Fb", "a%00b", "a\0b"),
    *("%", "a%2", "%zz", "a" * 20_000, "\ud800"),
)


@pytest.mark.parametrize("text", NO_PATHS)
def test_invalid_paths_are_refused(text):
    with pytest.raises(RequestRefused):
        path_of(text)


def test_invisible_characters_are_shown():
    assert text_of(b"100% sure\xff.pdf") == "100%25 sure%FF.pdf"
    assert text_of("a\u202efdp.exe\n".encode()) == "a%E2%80%AEfdp.exe%0A"
    assert path_of("..\\") == b"..\\"


@given(st.text())
def test_any_text_is_one_line_of_text(text):
    line = one_line(text)

    assert "".join(line.splitlines()) == line
    assert line.encode().decode() == line
    assert "\x1b" not in line
    assert one_line(line) == line


def test_control_characters_are_shown():
    assert one_line("Zoë 文書 \x1b[2J\r\nOK\x9b31m\u202e") == r"Zoë 文書 \x1b[2J\r\nOK\x9b31m\u202e"


@given(st.text(max_size=400), st.integers(1, 8))
def test_any_text_is_the_name_of_one_file(text, times):
    name = file_name(text * times)

    assert 0 < len(name.encode()) <= 240
    assert name not in {".", ".."}
    assert not name.startswith(".")
    assert not set('/\\:"\0\r\n') & set(name)
    assert file_name(name) == name


def test_long_texts_lose_their_middle():
    assert file_name("../../etc/x-20261129T185623Z.tar.gz") == "_.._etc_x-20261129T185623Z.tar.gz"
    name = file_name("Договоры " * 40 + "-20261129T185623Z-4d2e5170.tar.gz.gpg")
    assert name.startswith("Договоры Договоры ")
    assert name.endswith("-20261129T185623Z-4d2e5170.tar.gz.gpg")
    assert 230 < len(name.encode()) <= 240
