"""`python -m demo`: tell the story once and end with a verdict.

DATABASE   sqlite (default) or postgresql, on a private server that is started for it
DOCUMENTS  a folder of your own files instead of those found on this machine
KEEP       an empty or new folder in which everything is left for inspection
BACKUP_PASSWORD, BACKUP_PASSWORD_FILE, BACKUP_PASSWORD_COMMAND   the passphrase; without one, one is made
"""

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from .corpus import CorpusError, corpus_make
from .private_postgres import PrivateServerError, private_postgres
from .report import Report
from .story import story
from .system import DATABASE_NAME, Database, Edms, PostgresDatabase, SqliteDatabase, StoryError

PASSPHRASE_VARIABLES = ("BACKUP_PASSWORD_COMMAND", "BACKUP_PASSWORD_FILE", "BACKUP_PASSWORD")

# In a pipe nothing says how wide a line may be; the table then has room for whole lines.
PIPE_WIDTH = 140


class UsageError(Exception):
    """The arguments cannot be carried out; the text says what to change."""


def main() -> int:
    """The exit code: 0 when everything came back identical, 1 when not, 2 when it could not be asked like this."""
    try:
        kind, documents, home, keep = _asked(os.environ)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    identical = False
    try:
        identical = _tell(kind, documents, home)
    except (StoryError, CorpusError, PrivateServerError) as error:
        print(f"The story broke off: {error}", file=sys.stderr)
    if keep or not identical:
        _say_what_is_left(home)
    else:
        shutil.rmtree(home)
        print("Everything it made was removed again; KEEP=folder leaves it for inspection.")
    return 0 if identical else 1


def _asked(environment: Mapping[str, str]) -> tuple[str, Path | None, Path, bool]:
    kind = environment.get("DATABASE") or "sqlite"
    if kind not in {"sqlite", "postgresql"}:
        raise UsageError(f"DATABASE={kind}: it can be sqlite or postgresql.")
    documents = Path(environment["DOCUMENTS"]).resolve() if environment.get("DOCUMENTS") else None
    if documents is not None and not documents.is_dir():
        raise UsageError(f"DOCUMENTS={documents} is not a folder.")
    if not environment.get("KEEP"):
        return kind, documents, Path(tempfile.mkdtemp(prefix="edms-demo-")).resolve(), False
    home = Path(environment["KEEP"]).resolve()
    if documents is not None and home.is_relative_to(documents):
        raise UsageError(f"KEEP={home} lies inside DOCUMENTS={documents}: choose a folder outside of it.")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = any(home.iterdir())
    except OSError as error:
        raise UsageError(f"KEEP={home} cannot be used: {error.strerror}.") from error
    if taken:
        raise UsageError(f"KEEP={home} is not empty: name an empty or a new folder.")
    return kind, documents, home, True


def _tell(kind: str, documents: Path | None, home: Path) -> bool:
    """Whether everything came back identical."""
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    print(f"Everything happens in {home}", flush=True)
    variables = _passphrase(home)
    corpus = corpus_make(home / "corpus", documents=documents)
    with _database(kind, home) as database:
        edms = Edms(home / "edms", database, variables)
        print("\n".join(edms.exports()), flush=True)
        report = Report(f"The demo with {'your' if documents else 'real'} documents on {database.kind}")
        try:
            story(edms, corpus, home / "references", report)
        finally:
            # Also where it breaks off: the table says how far it came.
            report.print_steps(console)
    report.print_verdict(console)
    return report.identical


@contextlib.contextmanager
def _database(kind: str, home: Path) -> Iterator[Database]:
    if kind == "sqlite":
        yield SqliteDatabase(home / "edms")
        return
    with private_postgres(home / "postgresql") as server:
        server.create_database(DATABASE_NAME)
        yield PostgresDatabase(server)


def _passphrase(home: Path) -> Mapping[str, str]:
    """The variables that lead to the passphrase: none to add where the user has set one."""
    given = next((name for name in PASSPHRASE_VARIABLES if os.environ.get(name)), None)
    if given:
        print(f"The passphrase is the one of {given}.")
        return {}
    path = home / "passphrase"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    print(f"A passphrase was made for this demo. It lies in {path}.")
    print("In real use it must be copied to another place: without it no backup can be opened.")
    return {"BACKUP_PASSWORD_FILE": str(path)}


def _say_what_is_left(home: Path) -> None:
    print(f"Left in {home}: edms/ (the EDMS with its backups), references/ (what it was), corpus/.")
    for config in sorted((home / "edms" / "backups").rglob("config")):
        print(f"A repository for inspection, also with the stock restic: restic -r {config.parent} snapshots")


if __name__ == "__main__":
    sys.exit(main())
