"""`tools/house` finds long files, long functions and slips of prose, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2] / "tools/house"

MODULE = '''"""Whoever reads this is warned. What is this?"""

KIND = "x"
"""What the name above means."""


def run(name):
    """Return it."""
    # Nothing else is done,
    # and nobody waits.
    raise ValueError(f"Cannot read {name}. What is gone stays gone. " "Where full, delete.")  # Who asks, knows.


HELP = "what to do"
QUESTION = "What is in it?"
PATTERN = r"\\bnobody\\b"
FRAGMENT = "# What looks like a comment is none"
'''
PAGE = """# What is kept
Text `nobody` of a page.
What continues
here, is found.

| key | What it is |
|---|---|
| one | Where is it? |

- an item that somebody reads
- another

```bash
# Whoever types this
```
"""


pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


class Project:
    """A project with git, to be examined by a copy of the tool."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "init", "-q", folder], check=True)
        (folder / "tools").mkdir()
        shutil.copy(HOUSE, folder / "tools/house")
        self.allow("")
        (folder / ".git/info/exclude").write_text("/tools/house\n")

    def allow(self, lines: str) -> None:
        (self.folder / "tools/house-allowed").write_text(lines)

    def write(self, name: str, content: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def examine(self, *words: str) -> tuple[int, list[str]]:
        command = [sys.executable, self.folder / "tools/house", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == "" or done.returncode == 1, done.stderr
        return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_plain_project_passes(project: Project):
    project.write("a.py", '"""Return nothing."""\n')
    assert project.examine() == (0, ["0 findings"])


def test_a_module_is_read_as_its_readers_read_it(project: Project):
    project.write("backend/a.py", MODULE)
    assert project.examine() == (
        1,
        [
            "Texts that users see: 1",
            "  backend/a.py:11: pronoun: What is gone stays gone.",
            "Docstrings and comments: 5",
            "  backend/a.py:1: pronoun: Whoever reads this is warned.",
            "  backend/a.py:1: vague: Whoever in: Whoever reads this is warned. What is this?",
            "  backend/a.py:4: pronoun: What the name above means.",
            "  backend/a.py:10: vague: nobody in: Nothing else is done, and nobody waits.",
            "  backend/a.py:11: pronoun: Who asks, knows.",
            "6 findings",
        ],
    )


def test_literals_of_tests_reach_no_user(project: Project):
    project.write("tests/test_a.py", 'TEXT = "nobody"\n')
    assert project.examine() == (0, ["0 findings"])


def test_a_page_is_read_without_headings_and_code(project: Project):
    project.write("docs/a.md", PAGE)
    assert project.examine() == (
        1,
        [
            "Texts that users see: 3",
            "  docs/a.md:3: pronoun: What continues here, is found.",
            "  docs/a.md:6: pronoun: What it is",
            "  docs/a.md:10: vague: somebody in: an item that somebody reads",
            "3 findings",
        ],
    )


def test_an_old_term_stays_in_code_alone(project: Project):
    text = '"""Read the ledger: see `ledger`, ledger.py, a_ledger and `ledger.read`."""\nNAME = "ledger"\n'
    project.write("backend/a.py", text + 'raise ValueError("The Ledger is gone.")\n')
    assert project.examine()[1] == [
        "Texts that users see: 1",
        "  backend/a.py:3: term: Ledger: say catalogue",
        "Docstrings and comments: 1",
        "  backend/a.py:1: term: ledger: say catalogue",
        "2 findings",
    ]


def test_catalogues_templates_and_scripts_are_read(project: Project):
    project.write("frontend/src/i18n/en.ts", '/** Who is there. */\nexport const a = { b: "Nobody is there" };\n')
    project.write("frontend/src/a.ts", 'const a = "nobody"; // What is it.\nconst b = "https://nobody";\n')
    project.write("backend/a/templates/a.html", "<p>\n  Nobody\n</p>\n")
    project.write("tools/run", '#!/bin/sh\n# What runs.\necho "Somebody"\n')
    assert project.examine()[1] == [
        "Texts that users see: 3",
        "  backend/a/templates/a.html:2: vague: Nobody in: Nobody",
        "  frontend/src/i18n/en.ts:2: vague: Nobody in: Nobody is there",
        "  tools/run:3: vague: Somebody in: Somebody",
        "Docstrings and comments: 3",
        "  frontend/src/a.ts:1: pronoun: What is it.",
        "  frontend/src/i18n/en.ts:1: pronoun: Who is there.",
        "  tools/run:2: pronoun: What runs.",
        "6 findings",
    ]


@pytest.mark.parametrize(("lines", "found"), [(60, 0), (61, 1)])
def test_a_function_has_sixty_lines_at_most_without_its_docstring(project: Project, lines: int, found: int):
    body = "    x = 1\n" * (lines - 1)
    project.write("a.py", f'@d\ndef f():\n    """Do it.\n\n    Well.\n    """\n{body}')
    said = ["Sizes: 1", "  a.py:2: function: f: 61 lines; the limit is 60"] if found else []
    assert project.examine() == (found, [*said, f"{found} findings"])


@pytest.mark.parametrize("name", ["a.py", "a.tsx", "tests/test_a.py", "a.d.ts", "a.md"])
def test_a_file_of_code_has_400_lines_at_most(project: Project, name: str):
    project.write(name, "\n" * 401)
    long = name not in {"a.d.ts", "a.md"}
    assert project.examine()[0] == long
    project.write(name, "\n" * 400)
    assert project.examine() == (0, ["0 findings"])


def test_an_exception_has_a_reason_and_a_use(project: Project):
    project.write("a.py", 'USER = "nobody"\n')
    project.allow("# comment\na.py: nobody -- the name of a user of Unix\n")
    assert project.examine() == (0, ["0 findings"])
    project.allow("a.py: nobody -- a name\nb.py: whoever -- gone\n")
    assert project.examine()[1] == ["Sizes: 1", "  tools/house-allowed:1: unused: b.py: whoever", "1 findings"]
    project.allow("a.py: nobody\n")
    assert project.examine()[1] == [
        "tools/house-allowed: 'a.py: nobody' is not of the form `path: part of the text -- reason`."
    ]


def test_only_named_paths_are_read(project: Project):
    project.write("a/a.py", '"""Nobody."""\n')
    project.write("b/b.py", '"""Nobody."""\n')
    assert project.examine("b")[1][1:] == ["  b/b.py:1: vague: Nobody in: Nobody.", "1 findings"]
