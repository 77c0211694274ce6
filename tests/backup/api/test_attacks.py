"""Attacks that an intruder tries first."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import re
import uuid
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import reverse
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient
from tests.backup.testing.edms import PASSPHRASE
from tests.backup.testing.serving import serving, token_of
from tests.backup.testing.stored_backup import ROOT

from apps.backup.api.base_views import HEADERS
from apps.backup.api.openapi_document import document
from apps.backup.api.parsers import MAX_BODY
from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent, BackupConfiguration, BackupJob

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}configurations/"


@pytest.fixture(scope="module")
def operations() -> list[tuple[str, str, str]]:
    """Every operation of the API: its method, its path, its right."""
    paths = document()["paths"]
    return [
        (method.upper(), path, one["x-right"]) for path, methods in paths.items() for method, one in methods.items()
    ]


def ask(client: APIClient, method: str, path: str, name: str = str(uuid.uuid4())):
    return client.generic(method, ROOT.rstrip("/") + path.replace("{uuid}", name), "", "application/json")


def job(**values) -> BackupJob:
    return BackupJob.objects.create(job_name="nightly-1", backup_type="FULL", status="COMPLETED", **values)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f",
        "..\\..\\windows",
        "\0",
        "%00",
        "a" * 5000,
        "'; DROP TABLE backup_backupjob; --",
        "{uuid}",
        "00000000-0000-0000-0000-000000000000\n",
        "\uff11\uff12\uff13",
        "\ud800",
    ],
)
def test_names_that_lead_elsewhere_lead_nowhere(name, operations, admin):
    for method, path, _right in operations:
        if "{uuid}" in path:
            address = quote(name, safe="%", errors="surrogatepass")
            # Where a body is wanted, it may be missed first.
            assert ask(admin, method, path, address).status_code in {400, 404, 405}, (method, path)
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/etc",
        "../elsewhere",
        "a/../../elsewhere",
        "s3://bucket/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc",
        "sftp://user:secret@host/x",
        "//host/share",
        "link/x",
        "staging",
        "repository/snapshots",
        "a" * 300,
        "a\nb",
        "\0",
    ],
)
def test_storage_lies_inside_its_roots_and_is_no_address(path, admin, settings):
    settings.BACKUP_STORAGE_ROOT.mkdir()
    (settings.BACKUP_STORAGE_ROOT / "link").symlink_to("/etc")
    answer = admin.post(LIST, {"name": "x", "storage_path": path}, "json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["storage_path"]
    assert BackupConfiguration.objects.count() == 0


def test_fields_of_the_server_cannot_be_set(admin):
    known = admin.post(LIST, {"name": "x"}, "json").json()
    other = str(uuid.uuid4())
    taken = {"uuid": other, "created_by": "somebody", "created_at": "2020-01-01T00:00:00Z", "next_run": None}
    answer = admin.put(f"{LIST}{known['uuid']}/", {**known, **taken}, "json")
    assert answer.status_code == 200
    unchanged = ("uuid", "created_by", "created_at")
    assert [answer.json()[name] for name in unchanged] == [known[name] for name in unchanged]
    for name in ("id", "pk", "created_by_id", "schedule_start", "next_slot", "changed_at", "jobs", "__class__"):
        assert admin.patch(f"{LIST}{known['uuid']}/", {name: 1}, "json").status_code == 400


def test_a_job_cannot_be_written_to(admin):
    row = job()
    where = f"{ROOT}jobs/{row.uuid}/"
    for method in ("put", "patch", "post"):
        assert getattr(admin, method)(where, {"status": "FAILED"}, "json").status_code == 405


def test_scripts_in_names_stay_text(admin, client):
    script = "<script>alert(1)</script>"
    made = admin.post(LIST, {"name": script, "description": script}, "json")
    assert made.status_code == 201
    row = job(warnings=[script], error_message=script, configuration_name=script)
    for path in (LIST, f"{ROOT}jobs/", f"{ROOT}jobs/{row.uuid}/", f"{ROOT}system/audit/"):
        answer = admin.get(path)
        assert answer["Content-Type"] == "application/json"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    client.force_login(User.objects.get(username="admin"))
    for name in ("backup_backupjob_changelist", "backup_backupconfiguration_changelist"):
        assert script not in client.get(reverse(f"admin:{name}")).content.decode()
    assert script not in client.get(reverse("admin:backup_backupjob_change", args=[row.pk])).content.decode()


def test_every_answer_has_the_headers(admin):
    for client, path in ((admin, LIST), (APIClient(), LIST), (admin, f"{ROOT}nowhere")):
        answer = client.get(path)
        assert {name: answer[name] for name in HEADERS} == dict(HEADERS)
        assert len(answer["X-Request-ID"]) == 32


def test_a_session_takes_the_csrf_token_with_every_change(person):
    person("anna", *Right)
    client = APIClient(enforce_csrf_checks=True)
    assert client.login(username="anna", password="anna")
    assert client.get(LIST).status_code == 200
    refused = client.post(LIST, {"name": "x"}, "json")
    assert (refused.status_code, refused.json()["status"]) == (403, 403)
    assert "CSRF" in refused.json()["detail"]
    client.get(reverse("admin:login"))
    client.get(reverse("admin:index"))
    token = client.cookies["csrftoken"].value
    assert client.post(LIST, {"name": "x"}, "json", HTTP_X_CSRFTOKEN=token).status_code == 201
    assert client.post(LIST, {"name": "y"}, "json", HTTP_X_CSRFTOKEN="0" * 32).status_code == 403


def test_a_form_is_not_read_before_its_right_and_its_size_are_known(person, settings):
    """The check against forged requests reads the form of a session, which Django puts on the disk."""
    settings.BACKUP_UPLOAD_MAX_BYTES = 1000
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    for name, rights, length, status in (("anna", (), None, 403), ("max", (Right.RESTORE,), "2000000", 413)):
        person(name, *rights)
        client = APIClient(enforce_csrf_checks=True)
        assert client.login(username=name, password=name)
        more = {} if length is None else {"CONTENT_LENGTH": length}
        answer = client.generic("POST", f"{ROOT}restore_from_file/", body, "multipart/form-data; boundary=b", **more)
        assert (answer.status_code, "CSRF" in answer.json()["detail"]) == (status, False)


def test_a_token_takes_none(person):
    token = Token.objects.create(user=person("script", Right.VIEW))
    client = APIClient(enforce_csrf_checks=True)
    assert client.get(LIST, HTTP_AUTHORIZATION=f"Token {token.key}").status_code == 200
    assert client.get(LIST, HTTP_AUTHORIZATION="Token wrong").status_code == 401


def test_a_user_who_was_switched_off_is_nobody(person):
    user = person("gone", *Right)
    token = Token.objects.create(user=user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert APIClient().get(LIST, HTTP_AUTHORIZATION=f"Token {token.key}").status_code == 401


def test_lines_cannot_be_forged_in_the_log(admin, caplog):
    caplog.set_level(logging.INFO, "apps.backup.api")
    admin.get(f"{ROOT}x%0aERROR%20all%20backups%20deleted", HTTP_X_REQUEST_ID="forged\nid")
    (record,) = [one for one in caplog.records if one.name.startswith("apps.backup.api")]
    said = record.getMessage()
    assert "\n" not in said
    assert "forged" not in said


def test_the_id_of_an_error_is_in_the_log(admin, caplog):
    answer = admin.get(f"{LIST}{uuid.uuid4()}/")
    assert answer.json()["id"] == answer["X-Request-ID"]
    assert answer.json()["id"] in caplog.text


def test_names_cannot_forge_headers(admin):
    assert admin.post(LIST, {"name": "x\r\nSet-Cookie: a=b"}, "json").status_code == 400
    answer = admin.get(f"{ROOT}a%0d%0aSet-Cookie:%20a=b/")
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"name": "' + b"x" * MAX_BODY + b'"}', 413),
        (b'{"name": NaN}', 400),
        (b"\xff\xfe", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": "\\u0000"}', 400),
        (b'{"name": "x", "retention_days": 1e400}', 400),
        (b'{"name": "x", "max_backups": 99999999999999999999}', 400),
        (b'{"name": ["x"]}', 400),
        (b'{"name": {"a": 1}}', 400),
    ],
)
def test_bodies_that_break_parsers(body, status, admin):
    answer = admin.generic("POST", LIST, body, "application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_only_json_is_taken(admin):
    for media in ("application/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert admin.generic("POST", LIST, "<name>x</name>", media).status_code == 415


def test_options_name_the_methods_to_whoever_has_a_right(client_of, admin):
    answer = admin.options(LIST)
    assert (answer.status_code, answer.content, answer["Allow"]) == (204, b"", "GET, POST, HEAD, OPTIONS")
    assert client_of(name="stranger").options(LIST).status_code == 403


@pytest.mark.parametrize("media", ["Application/JSON", "application/json ; charset=utf-8", "application/json;"])
def test_json_is_json_however_it_is_written(media, admin):
    assert admin.generic("POST", LIST, b'{"name": "x"}', media).status_code == 201


@pytest.mark.parametrize(
    "query",
    [
        "status=NONSENSE",
        "search=%00",
        "configuration=1",
        "backup_type=FULL&backup_type=EXPORT",
        "queued_after=yesterday",
        "queued_after=0001-01-01T00:00:00%2B14:00",
        "queued_before=9999-12-31T23:59:59-14:00",
        "ordering=",
        "ordering=id",
        "ordering=configuration__created_by__password",
        "limit=0",
        "limit=100000",
        "limit=1e3",
        "cursor=AAAA",
        "cursor=%00",
        "cursor=WzAsInYiLCIxIiwxXQ",
        "cursor=WzAsInQiLCI5OTk5LTEyLTMxVDIzOjU5OjU5LTE0OjAwIiwxXQ",
        "password=x",
        "configuration__created_by__password__startswith=a",
    ],
)
def test_queries_that_break_lists_or_look_behind_them(query, admin):
    job()
    answer = admin.get(f"{ROOT}jobs/?{query}")
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"]


@pytest.mark.parametrize("number", ["\N{ARABIC-INDIC DIGIT ONE}", "1.0", "1_0", "+1", " 1"])
@pytest.mark.parametrize("where", ["system/statistics/?days=", "configurations/{}/schedule/?count=", "jobs/?limit="])
def test_numbers_in_queries_are_digits(where, number, admin):
    row = BackupConfiguration.objects.create(name="nightly", backup_type="FULL", frequency="ON_DEMAND")
    asked = where.format(row.uuid)
    assert admin.get(f"{ROOT}{asked}1").status_code == 200
    assert admin.get(f"{ROOT}{asked}{quote(number)}").status_code == 400


def test_no_secret_is_in_any_answer(operations, admin, settings, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:database-secret@h/d")
    row = job()
    made = admin.post(LIST, {"name": "x"}, "json").json()
    secrets = [PASSPHRASE, settings.SECRET_KEY, "database-secret", *User.objects.values_list("password", flat=True)]
    assert os.environ["BACKUP_PASSWORD"] == PASSPHRASE
    for method, path, _right in operations:
        if method == "GET" and "events" not in path:
            for name in (made["uuid"], str(row.uuid)):
                answer = ask(admin, "GET", path, name)
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                for secret in secrets:
                    assert secret.encode() not in body, path


def test_no_field_of_the_api_takes_a_secret():
    """None is taken anywhere, so there is no answer whose time could tell how nearly one was right."""
    names = [word for schema in document()["components"]["schemas"].values() for word in schema.get("properties", {})]
    for path in document()["paths"].values():
        names += [parameter["name"] for operation in path.values() for parameter in operation.get("parameters", [])]
    assert len(names) > 100
    assert not [name for name in names if re.search("pass|secret|key_file|token", name)]


def test_throttled_requests_get_a_retry_after(settings, admin):
    settings.BACKUP_API_RATES = {"read": "3/min"}
    cache.clear()
    answers = [admin.get(LIST) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[3]["Retry-After"]) <= 61
    assert answers[3].json()["type"] == "urn:edms-backup:problem:throttled"
    # Requests of another kind, and of another user, are not counted with it.
    assert admin.post(LIST, {"name": "x"}, "json").status_code == 201


def test_forwarded_addresses_of_clients_are_not_trusted(new_edms):
    """To the image's web server, as docker-compose.yml starts it behind a proxy."""
    new_edms.run("manage_backup_configs", "--install-production")
    new_edms.environment |= {"FORWARDED_ALLOW_IPS": "*", "EDMS_BEHIND_PROXY": "1"}
    with serving(new_edms, "image", token_of(new_edms, "root")) as server:
        status, _, page = server.get("configurations/", {"X-Forwarded-Proto": "https"}, limit="1")
        assert (status, json.loads(page)["next"].partition(":")[0]) == (200, "https")
        answers = [sign_in(server.port, {"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(11)]
    assert answers == [403] * 10 + [429]


def test_request_bodies_do_not_fill_the_disk(new_edms):
    """Django, spoken to as ASGI, stores a body whole before anything asks who sends it."""
    token = token_of(new_edms, "root")
    much = bytes(3 << 20)
    with serving(new_edms, "image", token) as server:
        for address in ("backup/configurations/", "session/", "documents/", "nowhere/"):
            said = sent_by_nobody(server.port, f"/api/v1/{address}", much)
            assert said == b"" or json.loads(said)["status"] == 413
        wanted = {"Upload-Length": str(len(much)), "Upload-Metadata": "filename eA=="}
        connection, answer = server.ask("uploads/", "POST", wanted)
        with contextlib.closing(connection):
            where = answer.headers["Location"].removeprefix(ROOT)
        patch = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        connection, answer = server.ask(where, "PATCH", patch, body=much)
        with contextlib.closing(connection):
            assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(len(much)))


def sent_by_nobody(port: int, where: str, content: bytes) -> bytes:
    """Return the answer to an invalid token; nothing if the connection was cut before it could be read."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        headers = {"Authorization": "Token none", "Cookie": "sessionid=none", "Content-Length": str(len(content) + 1)}
        connection.putrequest("POST", where)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        # Without its last byte: who waits for the whole body waits for ever.
        with contextlib.suppress(ConnectionError):
            connection.send(content)
        try:
            return connection.getresponse().read()
        except (ConnectionError, http.client.BadStatusLine):
            return b""


def sign_in(port: int, headers: dict[str, str]) -> int:
    """The answer to a wrong password, with a token of one's own: it is in the cookie and in the header."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    token = "a" * 32
    headers = {"Content-Type": "application/json", "Cookie": f"csrftoken={token}", "X-CSRFToken": token, **headers}
    with contextlib.closing(connection):
        connection.request("POST", "/api/v1/session/", json.dumps({"name": "root", "password": "x"}).encode(), headers)
        return connection.getresponse().status


def test_a_wrong_setting_is_named(admin, settings):
    settings.BACKUP_API_RATES = 3
    answer = admin.get(LIST)
    assert answer.status_code == 503
    assert "BACKUP_API_RATES" in answer.json()["detail"]
