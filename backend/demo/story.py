"""The story: import, back up, change, back up what changed, destroy everything, bring both moments back, compare."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .compare import compare_tables, compare_trees
from .corpus import Corpus
from .report import Report, Step
from .system import Edms


@dataclass(frozen=True)
class Moment:
    """The state of the EDMS at one time, kept outside of it: every row, and a copy of every file."""

    tables: Path
    files: Path


def story(edms: Edms, corpus: Corpus, references: Path, report: Report) -> None:
    """Tell the whole story, noting each step in the report. StoryError when a command does not end well."""
    edms.manage("migrate", "--verbosity", "0")
    _install_policies(edms, report)
    _import(edms, corpus.first, "import documents", report)
    _verify_documents(edms, "verify documents", report)
    first = moment_keep(edms, references / "first")
    full = _back_up(edms, "FULL", report)
    _verify_backup(edms, full, report)

    changes = edms.module("demo.changes")
    done = f"{changes.number('changed'):,} changed, {changes.number('deleted'):,} deleted"
    report.add(Step("change documents", done, seconds=changes.seconds))
    _import(edms, corpus.later, "add documents", report)
    _verify_documents(edms, "verify documents", report)
    second = moment_keep(edms, references / "second")
    incremental = _back_up(edms, "INCREMENTAL", report)
    _verify_backup(edms, incremental, report)

    destroyed = edms.destroy()
    print("\n".join(f"$ {line}" for line in destroyed), flush=True)
    report.add(Step("DESTROY", "; ".join(destroyed)))
    for name, job, moment in (("second", incremental, second), ("first", full, first)):
        answer = edms.manage("restore_backup", job, "--yes", "--json")
        report.add(Step(f"restore the {name}", answer.text("status"), seconds=answer.seconds))
        _verify_documents(edms, "verify documents", report)
        _compare(edms, moment, f"compare with the {name}", report)


def moment_keep(edms: Edms, folder: Path) -> Moment:
    """Keep what the EDMS is now: rows with full precision, files with owners, modes and times."""
    folder.mkdir(parents=True)
    edms.database.tables().capture(folder / "tables.sqlite3")
    shutil.copytree(edms.media, folder / "media", symlinks=True)
    for here, _, names in os.walk(edms.media):
        for path in (Path(here), *(Path(here, name) for name in names)):
            was, copy = path.lstat(), folder / "media" / path.relative_to(edms.media)
            now = copy.lstat()
            if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
                os.chown(copy, was.st_uid, was.st_gid, follow_symlinks=False)
    return Moment(folder / "tables.sqlite3", folder / "media")


def _install_policies(edms: Edms, report: Report) -> None:
    answer = edms.manage("manage_backup_configs", "--install-production", "--json")
    coming = edms.manage("manage_backup_configs", "--next", "--json").values.get("next")
    runs = coming if isinstance(coming, list) else []
    policies = answer.values.get("configurations")
    count = len(policies) if isinstance(policies, list) else 0
    first = f", the next run at {runs[0]['at']}" if runs else ""
    report.add(Step("install policies", f"{count} policies, {len(runs)} by schedule{first}", seconds=answer.seconds))


def _import(edms: Edms, folder: Path, what: str, report: Report) -> None:
    answer = edms.manage("import_documents", str(folder), "--json")
    skipped = answer.values.get("skipped")
    others = sum(skipped.values()) if isinstance(skipped, Mapping) else 0
    result = f"{answer.number('files'):,} files" + (f", {others:,} skipped" if others else "")
    report.add(Step(what, result, answer.number("size"), seconds=answer.seconds))


def _verify_documents(edms: Edms, what: str, report: Report) -> None:
    answer = edms.manage("verify_documents", "--json")
    counts = f"{answer.number('audit_entries'):,} audit entries, {answer.number('files'):,} files"
    report.add(Step(what, f"{answer.text('status')}: {counts}", answer.number("size"), seconds=answer.seconds))


def _back_up(edms: Edms, kind: str, report: Report) -> str:
    """The job's id."""
    answer = edms.manage("trigger_backup", "--type", kind, "--json")
    report.add(
        Step(
            f"{kind} backup",
            f"{answer.text('status')}, snapshot {answer.text('snapshot_id')[:8]}",
            answer.number("backup_size"),
            answer.number("stored_size"),
            answer.seconds,
        )
    )
    return answer.text("job")


def _verify_backup(edms: Edms, job: str, report: Report) -> None:
    answer = edms.manage("verify_backup", job, "--json")
    report.add(Step("verify backup", answer.text("trust"), seconds=answer.seconds))


def _compare(edms: Edms, moment: Moment, what: str, report: Report) -> None:
    started = time.monotonic()
    live = moment.tables.with_name("restored.sqlite3")
    edms.database.tables().capture(live)
    tables = compare_tables(moment.tables, live)
    files = compare_trees(moment.files, edms.media)
    report.compared(what, tables, files, time.monotonic() - started)
