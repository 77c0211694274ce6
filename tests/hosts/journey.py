"""The way of one host: it is there and in use, the page is followed, everything is lost, and everything is back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping

from tests.waiting import timed_out

from .installed import SECONDS, Host, StepFailed
from .page import Page
from .serving import Browser

OF_THE_MACHINE = frozenset({"W010", "W011", "W017", "W037"})
"""Findings that say where the test runs: everything on one disk, which may be nearly full."""
API = "/api/v1/backup"
_FINAL = {"COMPLETED", "INCOMPLETE", "FAILED", "TIMEOUT", "CANCELLED", "MISSED"}
_USER, _PASSWORD = "keeper@example.org", "at the desk"
_LAST_TITLE = "Contract 11 \u2013 \u00c5ngstr\u00f6m &amp; S\u00f6hne: 8250 bytes"


class Journey:
    """One cell. `step` is where it got to."""

    def __init__(self, host: Host, page: Page) -> None:
        self.host = host
        self.project = host.cell.project
        self.page = page
        self.step = ""
        self._full = "EXPORT" if host.cell.engine == "mariadb" else "FULL"

    def go(self) -> None:
        """The whole way. Raises `StepFailed`, `AssertionError` and `Ended`."""
        self._step("the host")
        self.host.manage("host_fill")
        self._follow_the_page()
        with self.host.executor():
            self._executor_backs_up()
            self._health()
        before = self._digest()
        self._step("restore_backup latest --yes")
        self.host.lose_everything()
        said = self.host.manage("restore_backup", "latest", "--yes")
        untold = [what for what in self.project.rebuilds if f"rebuild now: {what}" not in said]
        if untold:
            raise StepFailed(f"nothing tells to rebuild {untold}: {said}")
        self._compare(before, self._digest())
        self._step("migrations")
        self.host.manage("migrate", "--check")
        # This version of Django derives the same tables from the models as the migrations do.
        self.host.manage("makemigrations", "--check", "--dry-run", "backup")
        with self.host.executor(), self.host.served() as browser:
            self._step("the next backup")
            self.host.manage("trigger_backup", "--type", self._full)
            self._visit(browser)

    def _follow_the_page(self) -> None:
        self._step("settings and addresses")
        self.host.take_in(self.page)
        self.host.manage("collectstatic", "--noinput", "-v0")
        for words in self.page.commands:
            self._step(" ".join(words))
            self._page_command(words)

    def _page_command(self, words: tuple[str, ...]) -> None:
        if words[0] == "check":
            self._expect_findings(words)
        elif words[0] == "backup_health":
            # No executor runs yet, and the command reports that; `_health` asks again.
            done = self.host.try_to_manage(*words)
            if not done.stdout.startswith("BACKUP "):
                raise StepFailed(f"exit {done.returncode}: {done.stdout}{done.stderr}")
        elif words[0] == "trigger_backup" and self._full == "EXPORT":
            # No repository proves the passphrase where there are only packages.
            self.host.manage("backup_passphrase", "--confirm", "--yes")
            self.host.manage("trigger_backup", "--type", "EXPORT")
        elif words[0] != "backup_agent":
            self.host.manage(*words)

    def _expect_findings(self, words: tuple[str, ...]) -> None:
        done = self.host.try_to_manage(*words)
        found = set(re.findall(r"\(backup\.(\w+)\)", done.stdout + done.stderr))
        if found != self.project.findings or done.returncode:
            expected = sorted(self.project.findings) or "no finding"
            raise StepFailed(f"expected {expected}, exit {done.returncode}\n{done.stdout}{done.stderr}")

    def _executor_backs_up(self) -> None:
        """Let the executor make a backup that was queued elsewhere."""
        self._step(f"a job of {self.host.cell.executor}")
        if self.host.cell.executor == "cron":
            return
        if self.project.api:
            with self.host.served() as browser:
                self._sign_in(browser)
                self._run_now(browser)
            return
        started = self.host.manage("trigger_backup", "--config", "production_daily_full", "--detach", "--json")
        show = ("backup_jobs", "--show", str(json.loads(started)["job"]), "--json")
        _wait_for_job(lambda: json.loads(self.host.manage(*show)))

    def _run_now(self, browser: Browser) -> None:
        """Do the same as the button of the console."""
        found = browser.get(f"{API}/configurations/").json()["results"]
        uuid = next(one["uuid"] for one in found if one["name"] == "production_daily_full")
        answer = browser.post(f"{API}/configurations/{uuid}/run-now/")
        assert answer.status == 201, answer
        job = answer.json()["job_id"]
        _wait_for_job(lambda: browser.get(f"{API}/jobs/{job}/").json())

    def _health(self) -> None:
        self._step("backup_health")
        asked = _wait_until(
            lambda: json.loads(self.host.try_to_manage("backup_health", "--json").stdout),
            # The executor has given a sign of life.
            lambda said: "W012" not in _ids(said),
        )
        project = self.project
        if _ids(asked) - OF_THE_MACHINE != project.open or asked["verdict"]["state"] != project.state:
            raise StepFailed(f"expected {project.state} and {sorted(project.open)}: {json.dumps(asked, indent=1)}")

    def _digest(self) -> dict[str, list[str]]:
        self._step("digest")
        return json.loads(self.host.manage("host_digest"))

    @staticmethod
    def _compare(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> None:
        assert len(before) > 12, f"the digest saw too little: {sorted(before)}"
        wrong = [name for name in before if after.get(name) != before[name]]
        wrong += [name for name in after if name not in before]
        if wrong:
            lines = [f"{name}: {before.get(name)} became {after.get(name)}" for name in wrong[:5]]
            raise StepFailed("not as before: " + "\n".join(lines))

    def _visit(self, browser: Browser) -> None:
        self._step("a page of the host")
        page = browser.get("/")
        assert (page.status, page.text.count("<li>"), _LAST_TITLE in page.text) == (200, 12, True), page
        if not self.project.api:
            return
        self._step("the API")
        assert browser.get(f"{API}/system/status/").status == 401
        self._sign_in(browser)
        _wait_until(
            lambda: browser.get(f"{API}/system/status/").json()["protection"],
            lambda protection: protection["state"] == "PROTECTED",
        )
        self._step("events")
        # As browsers ask for them.
        asked = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate, br, zstd"}
        first = browser.first_bytes(f"{API}/system/events/", **asked)
        assert b"retry:" in first, f"no event came: {first!r}"
        if self.project.sign_in == "page":
            self._step("the console")
            self._console(browser)

    def _sign_in(self, browser: Browser) -> None:
        if self.project.sign_in == "token":
            answer = browser.post("/api/token/", {"username": _USER, "password": _PASSWORD})
            assert answer.status == 200, answer
            browser.token = answer.json()["access"]
            return
        page = browser.get("/backups/")
        assert (page.status, "/accounts/login/" in page.address) == (200, True), page
        page = browser.sign_in(page, _USER, _PASSWORD)
        assert (page.status, page.address.endswith("/backups/")) == (200, True), page

    def _console(self, browser: Browser) -> None:
        page = browser.get("/backups/")
        script = re.search(r'<script type="module" src="/static/([^"]+)"', page.text)
        assert script, page
        assert (self.host.site / "collected" / script[1]).is_file(), script[1]
        assert f'data-api-url="{API}"' in page.text, page

    def _step(self, name: str) -> None:
        self.step = name


def _ids(said: dict) -> set[str]:
    return {one["id"].removeprefix("backup.") for one in said["findings"]}


def _wait_for_job(look: Callable[[], dict]) -> None:
    job = _wait_until(look, lambda job: job.get("status") in _FINAL)
    if job["status"] != "COMPLETED":
        raise StepFailed(f"the job is {job['status']}: {json.dumps(job, indent=1)}")


def _wait_until(look: Callable[[], dict], good: Callable[[dict], bool]) -> dict:
    """Look until it is good; what was seen then. Raises `StepFailed`."""
    deadline = time.monotonic() + SECONDS
    while not good(seen := look()):
        if time.monotonic() > deadline:
            raise StepFailed(timed_out(good, json.dumps(seen, indent=1), seconds=SECONDS))
        time.sleep(0.3)
    return seen
