"""The page of the console, and the way to it from Django's own admin."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import include, path

from apps.backup.console import assets
from apps.backup.console.views import console

pytestmark = pytest.mark.django_db


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A manifest as Vite writes it; the page is made of the files that it names."""
    manifest = tmp_path / "manifest.json"
    monkeypatch.setattr(assets, "_MANIFEST", manifest)

    def write(version):
        chunks = {
            "src/edms.tsx": {
                "file": f"assets/edms-{version}.js",
                "imports": ["_shared.js"],
                "css": ["assets/edms.css"],
            },
            "src/components/icon.svg": {"file": "assets/icon.svg"},
            "_shared.js": {"file": "assets/shared.js", "imports": ["src/edms.tsx"], "css": ["assets/shared.css"]},
        }
        manifest.write_text(json.dumps(chunks))

    return write


def test_the_page_names_the_files_of_the_build(client, build):
    build("one")
    answer = client.get("/app/")
    page = answer.content.decode()
    assert '<script type="module" src="/static/backup/console/assets/edms-one.js">' in page
    assert '<link rel="modulepreload" href="/static/backup/console/assets/shared.js">' in page
    assert '<link rel="icon" href="/static/backup/console/assets/icon.svg" type="image/svg+xml">' in page
    for style in ("edms", "shared"):
        assert f'<link rel="stylesheet" href="/static/backup/console/assets/{style}.css">' in page
    assert 'data-base-path="/app"' in page
    assert 'data-api-url="/api/v1"' in page
    assert "script-src 'self';" in answer["Content-Security-Policy"]


def test_without_a_build_it_says_what_to_do(client, build):
    answer = client.get("/app/documents")
    assert (answer.status_code, b"Run tools/build-console" in answer.content) == (503, True)


def test_without_the_api_among_the_addresses_it_says_what_to_add(rf, settings, admin_user):
    settings.ROOT_URLCONF = "apps.backup.console.urls"
    request = rf.get("/backups/")
    request.user = admin_user
    answer = console(request)
    assert answer.status_code == 503
    assert b'include("apps.backup.api.urls")' in answer.content


def test_it_finds_the_api_in_a_namespace_of_the_project(rf, settings, admin_user, build):
    settings.ROOT_URLCONF = (path("tools/", include(([path("api/", include("apps.backup.api.urls"))], "tools"))),)
    request = rf.get("/backups/")
    request.user = admin_user
    # It gets as far as to its own scripts, which are not built.
    assert b"Run tools/build-console" in console(request).content


@pytest.mark.parametrize("address", ["/accounts/login/", "admin:nothing"])
def test_without_a_page_to_sign_in_on_it_says_what_to_set(rf, settings, address):
    settings.ROOT_URLCONF, settings.LOGIN_URL = (), address
    request = rf.get("/backups/")
    request.user = AnonymousUser()
    answer = console(request)
    assert (answer.status_code, address in answer.content.decode()) == (503, True)
    assert b"Set LOGIN_URL to a page" in answer.content


def test_in_a_project_without_sessions_it_says_what_to_add(rf):
    """One with tokens alone has no middleware that says who asks."""
    answer = console(rf.get("/backups/"))
    assert answer.status_code == 503
    assert b"AuthenticationMiddleware to MIDDLEWARE" in answer.content


@pytest.mark.parametrize("model", ["backupconfiguration", "backupjob", "restorejob", "operation", "auditevent"])
def test_the_lists_of_the_admin_lead_to_the_console(admin_client, model):
    page = admin_client.get(f"/admin/backup/{model}/").content.decode()
    assert '<a href="/app/admin/backup/">Backup management</a>' in page
