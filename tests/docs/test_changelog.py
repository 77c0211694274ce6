"""CHANGELOG.md keeps the form of Keep a Changelog."""

import re
from pathlib import Path

TEXT = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text()
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
WORDS = 60


def releases() -> dict[str, str]:
    parts = re.split(r"^## (.*)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_releases_have_a_version_and_a_date_and_the_newest_comes_first():
    first, *others = releases()
    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in others)
    assert others == sorted(others, key=lambda heading: [int(n) for n in re.findall(r"\d+", heading)], reverse=True)


def test_each_release_groups_its_entries_by_kind():
    for heading, text in releases().items():
        kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
        assert kinds, heading
        assert kinds == [kind for kind in KINDS if kind in kinds], heading


def test_entries_are_short_and_end_with_a_full_stop():
    body = TEXT.split("## [Unreleased]")[1]
    lines = [line for line in body.splitlines() if line and not line.startswith("#")]
    assert all(line.startswith(("- ", "  ")) for line in lines)
    entries = re.split(r"\n- ", "\n" + "\n".join(lines))[1:]
    assert len(entries) > 50
    assert [entry for entry in entries if not entry.endswith(".") or len(entry.split()) > WORDS] == []
    assert len(entries) == len(set(entries))
