"""Signing in and out over HTTP, and the page that asks for it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from apps.backup.api.client_address import client_address
from apps.backup.api.parsers import MAX_BODY
from apps.backup.core.permissions import Right
from config.session import PERMISSIONS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SESSION = "/api/v1/session/"


@pytest.fixture(autouse=True)
def nobody_has_tried():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def browser():
    """A client whose changes need the token, as those of a browser do."""
    return Client(enforce_csrf_checks=True)


def sign_in(browser, name, password, *, token=True):
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value} if token else {}
    given = {"name": name, "password": password}
    return browser.post(SESSION, given, content_type="application/json", headers=headers)


def test_in_and_out(browser):
    user = User.objects.create_user("alice", password=" secret ", first_name="Alice", last_name="Jones")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_document", Right.VIEW.codename]))
    assert browser.get(SESSION).json() == {"user": None, "permissions": []}
    answer = sign_in(browser, "alice", " secret ")
    assert answer.status_code == 200, answer.json()
    assert answer.json() == {
        "user": {"name": "alice", "full_name": "Alice Jones", "is_staff": False},
        "permissions": ["documents.view_document", "backup.view_backups"],
    }
    assert browser.get(SESSION).json() == answer.json()
    assert browser.delete(SESSION).status_code == 403  # without the token
    token = browser.cookies["csrftoken"].value
    assert browser.delete(SESSION, headers={"X-CSRFToken": token}).status_code == 204
    assert browser.get(SESSION).json()["user"] is None


def test_an_administrator_may_do_everything(admin_client):
    assert admin_client.get(SESSION).json()["permissions"] == list(PERMISSIONS)


def test_a_foreign_page_signs_nobody_in(browser):
    User.objects.create_user("alice", password="secret")
    browser.get(SESSION)
    answer = sign_in(browser, "alice", "secret", token=False)
    assert (answer.status_code, "CSRF" in answer.json()["detail"]) == (403, True)
    assert browser.get(SESSION).json()["user"] is None


def test_a_wrong_name_and_a_wrong_password_look_alike(browser):
    User.objects.create_user("alice", password="secret")
    User.objects.create_user("gone", password="secret", is_active=False)
    browser.get(SESSION)
    answers = [sign_in(browser, *pair) for pair in (("alice", "x"), ("nobody", "x"), ("gone", "secret"))]
    assert {one.status_code for one in answers} == {403}
    assert {(one.json()["type"], one.json()["detail"]) for one in answers} == {
        ("urn:edms:problem:wrong-password", "There is no account with this name and password.")
    }


@pytest.mark.parametrize(("body", "status"), [(b"[" * 100_000, 400), (b'{"name": "' + b"x" * MAX_BODY, 413)])
def test_bodies_of_anonymous_users_are_limited(browser, body, status):
    browser.get(SESSION)
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    answer = browser.post(SESSION, body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_guessing_is_slowed_down_whatever_the_headers_say(browser):
    browser.get(SESSION)
    statuses = []
    for number in range(12):
        browser.defaults["HTTP_X_FORWARDED_FOR"] = f"10.0.0.{number}"
        statuses.append(sign_in(browser, "alice", "x"))
    assert [one.status_code for one in statuses] == [403] * 10 + [429] * 2
    assert 0 < int(statuses[-1]["Retry-After"]) <= 60


def test_guessing_with_many_names_is_slowed_down_too(browser):
    browser.get(SESSION)
    assert [sign_in(browser, f"user{number}", "x").status_code for number in range(31)] == [403] * 30 + [429]


def test_failed_sign_ins_lock_out_no_other_user(browser, client):
    """Neither without the token, nor from other addresses, nor by knowing the password."""
    User.objects.create_user("alice", password="secret")
    browser.get(SESSION)
    for _ in range(40):
        assert sign_in(browser, "alice", "x", token=False).status_code == 403
    for _ in range(12):
        client.post(SESSION, {"name": "alice", "password": "x"}, "application/json", REMOTE_ADDR="10.0.0.9")
    for _ in range(12):
        assert sign_in(browser, "alice", "secret").status_code == 200


@pytest.mark.parametrize(
    ("connection", "forwarded", "address"),
    [
        ("192.0.2.1", "203.0.113.5", "192.0.2.1"),
        ("10.0.0.5", "203.0.113.5", "203.0.113.5"),
        ("::ffff:10.0.0.5", "1.2.3.4, 203.0.113.5, 10.1.2.3", "203.0.113.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "not an address", "10.0.0.5"),
        ("", "203.0.113.5", ""),
    ],
)
def test_only_what_trusted_proxies_add_is_believed(settings, connection, forwarded, address):
    settings.BACKUP_TRUSTED_PROXIES = ["10.0.0.5", "10.1.0.0/16"]
    assert client_address({"REMOTE_ADDR": connection, "HTTP_X_FORWARDED_FOR": forwarded}) == address


def test_clients_behind_a_trusted_proxy_are_told_apart(browser, settings):
    settings.BACKUP_TRUSTED_PROXIES = ["127.0.0.1"]
    browser.get(SESSION)
    statuses = []
    for number in range(12):
        browser.defaults["HTTP_X_FORWARDED_FOR"] = f"1.1.1.1, 203.0.113.{number % 2}"
        statuses.append(sign_in(browser, "alice", "x").status_code)
    assert statuses == [403] * 12


def test_guessing_is_slowed_down_at_both_doors_together(client, browser, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.create_superuser("root", password="right")
    right = {"username": "root", "password": "right"}
    for _ in range(3):
        assert client.post("/admin/login/?next=/admin/", right).url == "/admin/"
    statuses = [client.post("/admin/login/", {**right, "password": "wrong"}).status_code for _ in range(10)]
    refused = client.post("/admin/login/?next=/admin/", right)
    assert (statuses, refused.status_code) == ([200] * 10, 429)
    assert int(refused["Retry-After"]) > 0
    browser.get(SESSION)
    assert sign_in(browser, "root", "right").status_code == 429
    cache.clear()
    client.logout()
    assert client.get("/admin/login/").status_code == 200
    assert client.post("/admin/login/?next=/admin/", right).url == "/admin/"


def test_every_page_tells_browsers_what_to_keep_to_themselves(admin_client):
    for address in ("/admin/", "/app/", "/api/v1/session/", "/nowhere/"):
        headers = admin_client.get(address).headers
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src" in headers["Content-Security-Policy"]
    assert "unsafe" not in admin_client.get("/admin/").headers["Content-Security-Policy"]


def test_the_page_is_everybodys_and_begins_at_the_root(client):
    assert client.get("/", follow=True).redirect_chain[0] == ("app/", 302)
    for address in ("/app/", "/app/documents", "/app/admin/backup/overview"):
        answer = client.get(address)
        assert answer.status_code in {200, 503}  # 503 where it has not been built
        assert "csrftoken" in answer.cookies
    assert client.post("/app/").status_code == 405
