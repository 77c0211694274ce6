"""The documents API: permissions, uploads, downloads and errors."""

import hashlib
import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.documents.models import AuditEntry, Document
from apps.documents.verifying import documents_verify

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/documents/"


@pytest.fixture
def person(client):
    """Return a client of a signed-in user with the given permissions."""

    def make(*codenames):
        user = User.objects.create_user(f"user-{uuid.uuid4().hex[:8]}", password="secret")
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return make


def upload(name="report.txt", content=b"content"):
    return SimpleUploadedFile(name, content)


def test_upload_list_and_download(admin_client):
    content = bytes(range(256)) * 40
    made = admin_client.post(ROOT, {"file": upload("Raport śródroczny.PDF", content), "category": "Reports"})
    assert made.status_code == 201, made.json()
    document = made.json()
    assert (document["title"], document["category"], document["version_count"]) == ("Raport śródroczny", "Reports", 1)
    (version,) = document["versions"]
    assert version["sha256"] == hashlib.sha256(content).hexdigest()
    (row,) = admin_client.get(ROOT).json()["results"]
    assert (row["number"], row["size"], row["state"], row["owner"]) == ("DOC-0000001", len(content), "DRAFT", None)
    answer = admin_client.get(f"{ROOT}versions/{version['id']}/content/")
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {"admin"}


def test_add_a_version_and_delete(admin_client, make_document, django_capture_on_commit_callbacks):
    document = make_document()
    added = admin_client.post(f"{ROOT}{document.id}/versions/", {"file": upload("b.txt", b"more")})
    assert (added.status_code, added.json()["number"], added.json()["size"]) == (201, 2, 4)
    shown = admin_client.get(f"{ROOT}{document.id}/").json()
    assert ([one["number"] for one in shown["versions"]], shown["size"]) == ([2, 1], 4)
    assert documents_verify().problems == []
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.delete(f"{ROOT}{document.id}/").status_code == 204
    assert Document.objects.count() == 0
    assert documents_verify().problems == []
    assert admin_client.get(f"{ROOT}{document.id}/").status_code == 404
    assert admin_client.delete(f"{ROOT}{document.id}/").status_code == 404
    gone = admin_client.post(f"{ROOT}{document.id}/versions/", {"file": upload()})
    assert (gone.status_code, documents_verify().problems) == (404, [])


def test_search_and_pages(admin_client, make_document, django_assert_max_num_queries):
    make_document(title="Needle", source_name=b"hay/stack.txt")
    for number in range(5):
        make_document(title=f"Other {number}")
    for text in ("needle", "stack", "DOC-0000001"):
        assert [row["title"] for row in admin_client.get(ROOT, {"q": text}).json()["results"]] == ["Needle"]
    with django_assert_max_num_queries(4):
        page = admin_client.get(ROOT, {"page_size": 4, "page": 2}).json()
    assert (page["count"], [row["title"] for row in page["results"]]) == (6, ["Other 0", "Needle"])
    assert admin_client.get(ROOT, {"page": 9}).status_code == 404
    wrong = admin_client.get(ROOT, {"q": "a\0b"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "q")


def test_a_missing_content_is_a_404_with_advice(admin_client, make_document):
    version = make_document().versions.get()
    version.file.storage.delete(version.file.name)
    answer = admin_client.get(f"{ROOT}versions/{version.id}/content/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "Restore it from a backup" in answer.json()["detail"]


def test_users_without_permission_see_nothing(client, make_document):
    document = make_document()
    version = document.versions.get()
    for path in ("", f"{document.id}/", f"versions/{version.id}/content/"):
        answer = client.get(ROOT + path)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert answer.json()["type"] == "urn:edms:problem:not-authenticated"


def test_each_method_needs_its_permission(person, make_document):
    document = make_document()
    version = document.versions.get()
    asked = {
        "view_document": [("get", ""), ("get", f"{document.id}/"), ("get", f"versions/{version.id}/content/")],
        "add_document": [("post", "")],
        "change_document": [("post", f"{document.id}/versions/")],
        "delete_document": [("delete", f"{document.id}/")],
    }
    for name in asked:
        client = person(*(one for one in asked if one != name))
        for method, path in asked[name]:
            assert getattr(client, method)(ROOT + path).status_code == 403, (name, method, path)
    assert Document.objects.count() == 1


def test_errors_are_listed_by_field(admin_client):
    answer = admin_client.post(ROOT, {"title": "x" * 300})
    assert {one["field"] for one in answer.json()["errors"]} == {"file", "title"}
    assert admin_client.put(ROOT, {}).status_code == 405
