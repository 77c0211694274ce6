"""The admin: it shows documents, and changes them only through the services."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.documents.models import AuditEntry, Document
from apps.documents.services import category_get_or_create
from apps.documents.verifying import documents_verify

pytestmark = pytest.mark.django_db

NO_VERSIONS = {f"versions-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}


def form(**fields):
    return (
        {"title": "Title", "category": str(category_get_or_create("Text").id), "state": "DRAFT"} | NO_VERSIONS | fields
    )


def versions_form(document):
    version = document.versions.get()
    return {
        "versions-TOTAL_FORMS": "1",
        "versions-INITIAL_FORMS": "1",
        "versions-0-id": str(version.id),
        "versions-0-document": str(document.id),
    }


@pytest.mark.parametrize("model", ["document", "category", "auditentry"])
def test_lists(admin_client, make_document, model):
    make_document()
    assert admin_client.get(reverse(f"admin:documents_{model}_changelist"), {"q": "x"}).status_code == 200


def test_search_and_filters(admin_client, make_document):
    make_document(title="Needle", source_name=b"hay/stack.txt")
    make_document(title="Other", source_name=b"other.txt")
    address = reverse("admin:documents_document_changelist")
    for query in ({"q": "Needle"}, {"q": "stack"}, {"q": "DOC-0000001"}):
        page = admin_client.get(address, query).content.decode()
        assert "Needle" in page
        assert "Other" not in page
    assert "Needle" not in admin_client.get(address, {"state": "OBSOLETE"}).content.decode()


def test_add_with_a_file(admin_client):
    upload = SimpleUploadedFile("report.txt", b"content")
    answer = admin_client.post(reverse("admin:documents_document_add"), form(upload=upload))
    assert answer.status_code == 302, answer.content.decode()
    version = Document.objects.get().versions.get()
    assert (version.size, version.source_name) == (7, "report.txt")
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {"admin"}
    assert documents_verify().problems == []


def test_add_without_a_file(admin_client):
    answer = admin_client.post(reverse("admin:documents_document_add"), form())
    assert "A new document needs a file." in answer.content.decode()
    assert Document.objects.count() == 0


def test_change_and_add_a_version(admin_client, make_document):
    document = make_document()
    fields = form(title="New title", upload=SimpleUploadedFile("b.txt", b"more")) | versions_form(document)
    answer = admin_client.post(reverse("admin:documents_document_change", args=[document.id]), fields)
    assert answer.status_code == 302, answer.content.decode()
    assert Document.objects.get().title == "New title"
    assert document.versions.count() == 2
    assert documents_verify().problems == []


def test_delete(admin_client, make_document, django_capture_on_commit_callbacks):
    documents = [make_document() for _ in range(3)]
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(reverse("admin:documents_document_delete", args=[documents[0].id]), {"post": "yes"})
        chosen = {"action": "delete_selected", "_selected_action": [documents[1].id], "post": "yes"}
        admin_client.post(reverse("admin:documents_document_changelist"), chosen)
    assert list(Document.objects.all()) == [documents[2]]
    assert documents_verify().problems == []


def test_the_trail_is_read_only(admin_client, make_document):
    make_document()
    entry = AuditEntry.objects.first()
    address = reverse("admin:documents_auditentry_change", args=[entry.id])
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {"actor": "mallory"}).status_code == 403
    assert admin_client.post(reverse("admin:documents_auditentry_delete", args=[entry.id])).status_code == 403
    assert admin_client.get(reverse("admin:documents_auditentry_add")).status_code == 403


def test_a_content_is_served_as_a_download(admin_client, make_document):
    version = make_document(b"<script>", source_name=b"folder/page.html").versions.get()
    answer = admin_client.get(reverse("admin:documents_version_download", args=[version.id]))
    assert b"".join(answer.streaming_content) == b"<script>"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'


def test_users_without_permission_get_nothing(client, django_user_model, make_document):
    version = make_document().versions.get()
    address = reverse("admin:documents_version_download", args=[version.id])
    assert client.get(address).status_code == 302
    client.force_login(django_user_model.objects.create_user("staff", is_staff=True))
    assert client.get(address).status_code == 403
    assert client.get(reverse("admin:documents_document_changelist")).status_code == 403
