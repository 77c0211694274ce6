"""Which files the demo works on."""

import os

import pytest

from demo import corpus
from demo.corpus import CorpusError, choose, corpus_make


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    for number in range(30):
        (folder / f"{number % 3}").mkdir(parents=True, exist_ok=True)
        (folder / f"{number % 3}" / f"{number}.txt").write_bytes(b"x" * number)
    (folder / "rare.PDF").write_bytes(b"%PDF")
    (folder / "link.png").symlink_to("rare.PDF")
    os.mkfifo(folder / "pipe.gif")
    return folder


def test_all_kinds_in_turn_without_links_and_pipes(place):
    chosen = choose([str(place), str(place / "1")])
    assert len(chosen) == 31
    assert {found.kind for found in chosen} == {b".txt", b".pdf"}
    assert b"rare.PDF" in {found.path.rpartition(b"/")[2] for found in chosen[:2]}
    assert chosen == choose([str(place)])


def test_bounds(place, monkeypatch):
    monkeypatch.setattr(corpus, "MOST_BYTES", 100)
    monkeypatch.setattr(corpus, "LARGEST_FILE", 20)
    chosen = choose([str(place)])
    assert sum(found.size for found in chosen) <= 100
    assert max(found.size for found in chosen) <= 20
    monkeypatch.setattr(corpus, "MOST_FILES", 5)
    assert len(choose([str(place)])) == 5


def test_a_corpus_of_its_own(place, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "PLACES", (str(place),))
    monkeypatch.setattr(corpus, "LATER_FILES", 4)
    made = corpus_make(tmp_path / "corpus", documents=None)
    later = [path for path in made.later.rglob("*") if path.is_file()]
    assert len(later) == 4
    names = os.listdir(os.fsencode(made.first / "awkward names"))
    assert set(corpus.AWKWARD_NAMES) <= set(names)
    for path in later:
        original = "/" / path.relative_to(made.later)
        assert path.read_bytes() == original.read_bytes()
        assert path.stat().st_mtime_ns == original.stat().st_mtime_ns


def test_the_users_own_folder_is_used_where_it_is(place, tmp_path):
    made = corpus_make(tmp_path / "corpus", documents=place)
    assert made.first == place
    assert sorted(os.listdir(tmp_path / "corpus")) == ["later"]


def test_no_room(place, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "COPIES", 10**15)
    with pytest.raises(CorpusError, match="free bytes"):
        corpus_make(tmp_path / "corpus", documents=place)
    assert not (tmp_path / "corpus").exists()
