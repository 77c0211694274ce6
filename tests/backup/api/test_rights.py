"""The matrix of rights: every address of the API and the console, each method, each right by itself.

The addresses come from the resolver, and what is due from the table below: an address or a method that stands in no row
fails, and so does a row of which there is no address.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.views import LoginView
from django.test import Client
from django.urls import URLPattern, URLResolver, include, path
from django.utils import timezone
from tests.backup.testing.stored_backup import ROOT

from apps.backup.api import urls as api_urls
from apps.backup.api.openapi_document import document
from apps.backup.console import urls as console_urls
from apps.backup.core.permissions import Right
from apps.backup.models import Operation, Upload
from apps.backup.services.operations import RIGHTS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

V, C, R, W = Right.VIEW, Right.CONFIGURE, Right.RUN, Right.DOWNLOAD
S, D, P = Right.RESTORE, Right.DELETE, Right.PRUNE
ANY = None
"""Any of the rights."""
OF_KIND = "of its kind"
"""The right that it takes to ask for such an operation."""
TABLE: dict[str, dict[str, object]] = {
    "configurations/": {"GET": V, "POST": C},
    "configurations/preview/": {"POST": C},
    "configurations/<str:uuid>/": {"GET": V, "PUT": C, "PATCH": C, "DELETE": C},
    "configurations/<str:uuid>/run-now/": {"POST": R},
    "configurations/<str:uuid>/enable/": {"POST": C},
    "configurations/<str:uuid>/disable/": {"POST": C},
    "configurations/<str:uuid>/duplicate/": {"POST": C},
    "configurations/<str:uuid>/schedule/": {"GET": V},
    "configurations/<str:uuid>/retention/": {"GET": V, "POST": V},
    "jobs/": {"GET": V},
    "jobs/<str:uuid>/": {"GET": V, "DELETE": D},
    "jobs/<str:uuid>/cancel/": {"POST": R},
    "jobs/<str:uuid>/pin/": {"POST": R, "DELETE": R},
    "jobs/<str:uuid>/verify/": {"POST": R},
    "jobs/<str:uuid>/restore/": {"POST": S},
    "jobs/<str:uuid>/documents/": {"GET": W},
    "jobs/<str:uuid>/files/": {"GET": W},
    "jobs/<str:uuid>/tables/": {"GET": W},
    "jobs/<str:uuid>/download/": {"GET": W, "POST": W},
    "operations/": {"GET": V},
    "operations/<str:uuid>/": {"GET": V},
    "operations/<str:uuid>/cancel/": {"POST": OF_KIND},
    "operations/<str:uuid>/approve/": {"POST": OF_KIND},
    "operations/<str:uuid>/reject/": {"POST": OF_KIND},
    "restores/": {"GET": V, "POST": S},
    "restores/suggestion/": {"GET": V},
    "restores/plan/": {"POST": S},
    "restores/<str:uuid>/": {"GET": V},
    "restores/<str:uuid>/watch/": {"GET": V, "POST": V},
    "restores/<str:uuid>/cancel/": {"POST": S},
    "restores/<str:uuid>/rollback/": {"POST": S},
    "restores/<str:uuid>/release/": {"POST": S},
    "restore_from_file/": {"POST": S},
    "uploads/": {"GET": S, "POST": S, "OPTIONS": S},
    "uploads/<str:uuid>/": {"GET": S, "PATCH": S, "DELETE": S, "OPTIONS": S},
    "system/rights/": {"GET": ANY},
    "system/status/": {"GET": V},
    "system/findings/": {"GET": V},
    "system/acknowledgements/": {"GET": V, "POST": C},
    "system/acknowledgements/<str:uuid>/": {"DELETE": C},
    "system/statistics/": {"GET": V},
    "system/repositories/": {"GET": V},
    "system/events/": {"GET": V},
    "system/installation/": {"GET": V},
    "system/prune/": {"POST": P},
    "system/check/": {"POST": R},
    "system/unlock/": {"POST": P},
    "system/audit/": {"GET": V},
    "schema/": {"GET": ANY},
    "": {},
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NAME = str(uuid.uuid4())


def leaves(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in patterns:
        where = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from leaves(one.url_patterns, where)
        else:
            yield where


def due(row: dict[str, object], method: str) -> object:
    """The right that a method takes; OPTIONS takes any, where no row says otherwise."""
    return row.get("GET" if method == "HEAD" else method, ANY)


def ask(client: Client, method: str, where: str) -> int:
    address = ROOT + where.replace("<str:uuid>", NAME)
    answer = client.generic(method, address, "", "application/json", HTTP_ACCEPT="application/json")
    answer.close()
    return answer.status_code


@pytest.fixture
def signed_in(person):
    """Return a client with a session of a user who has these rights alone."""

    def make(name: str, *rights: Right, superuser: bool = False) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(person(name, *rights, superuser=superuser))
        return client

    return make


def test_every_address_stands_in_the_table():
    assert sorted(leaves(api_urls.urlpatterns)) == sorted(TABLE)
    told = {
        (method.upper(), path.strip("/").replace("{uuid}", "<str:uuid>") + "/"): one["x-right"]
        for path, methods in document()["paths"].items()
        for method, one in methods.items()
    }
    words = {ANY: "any", OF_KIND: "that of the operation"}
    for (method, where), right in told.items():
        expected = TABLE[where][method]
        assert right == (expected.permission if isinstance(expected, Right) else words[expected]), (method, where)


def test_anonymous_users_and_users_without_rights_learn_nothing(signed_in):
    nobody, plain, root = Client(), signed_in("plain"), signed_in("root", superuser=True)
    for where, row in TABLE.items():
        absent = next(method for method in METHODS if method not in row)
        for method in {*row, absent, "OPTIONS"}:
            assert ask(nobody, method, where) == 401, (method, where)
            assert ask(plain, method, where) == 403, (method, where)
        # The last address is what stands for all that are none.
        assert ask(root, absent, where) == (405 if where else 404), (absent, where)


@pytest.mark.parametrize("mine", list(Right), ids=lambda right: right.codename)
def test_each_right_by_itself_opens_what_it_is_for(mine, signed_in):
    client = signed_in("one", mine)
    for where, row in TABLE.items():
        for method in {*row, "OPTIONS", *(["HEAD"] if "GET" in row else [])}:
            status, needed = ask(client, method, where), due(row, method)
            if needed == OF_KIND:
                # Whether there is such an operation, only those learn who may see them.
                assert status == (404 if mine is V else 403), (method, where)
            elif needed in {ANY, mine}:
                assert status not in {401, 403, 405}, (method, where, status)
                assert status < 500, (method, where)
            else:
                assert status == 403, (method, where)


def test_rights_of_a_group_count_and_those_of_a_user_who_is_switched_off_do_not(signed_in, person):
    client = signed_in("member")
    group = Group.objects.create(name="operators")
    group.permissions.add(Permission.objects.get(codename=V.codename))
    member = person("other")
    member.groups.add(group)
    client.force_login(member)
    assert ask(client, "GET", "jobs/") == 200
    member.is_active = False
    member.save()
    assert ask(client, "GET", "jobs/") == 401


def test_an_operation_is_decided_by_those_who_could_ask_for_it(signed_in):
    clients = {right: signed_in(right.name, right) for right in Right}
    for kind, needed in RIGHTS.items():
        row = Operation.objects.create(kind=kind, status="COMPLETED", subject="x", queued_at=timezone.now())
        for right, client in clients.items():
            for word in ("cancel", "approve", "reject") if kind == "RESTORE" else ("cancel",):
                status = ask(client, "POST", f"operations/{row.uuid}/{word}/")
                # 409: it has ended already.
                assert status == (409 if right is needed else 403), (kind, right, word, status)


def test_the_uploads_of_others_are_not_there_even_for_a_superuser(signed_in, person):
    owner = person("owner", S)
    row = Upload.objects.create(name="theirs.tar", size=5, created_by=owner, created_at=timezone.now())
    for client in (signed_in("other", S), signed_in("root", superuser=True)):
        assert client.get(f"{ROOT}uploads/").json()["results"] == []
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            assert ask(client, method, f"uploads/{row.uuid}/") == 404, method
        for where, body in (
            ("restores/plan/", {"upload": str(row.uuid)}),
            ("restores/", {"upload": str(row.uuid), "confirm": "theirs.tar"}),
            ("restore_from_file/", {"upload": str(row.uuid), "confirm": "theirs.tar"}),
        ):
            assert client.post(ROOT + where, body, "application/json").status_code == 404, where
    assert Upload.objects.get() == row


@pytest.mark.urls(__name__)
def test_the_console_is_a_page_for_those_who_are_signed_in(signed_in):
    assert list(leaves(console_urls.urlpatterns)) == ["^(?P<path>.*)$"]
    nobody, plain = Client(), signed_in("plain")
    for page in ("", "overview", "jobs/../../etc", "restore?backup=x"):
        refused = nobody.get(f"/backups/{page}")
        assert (refused.status_code, refused.headers["Location"].partition("?")[0]) == (302, "/accounts/login/")
        # The page is the same for all, and holds nothing: what it shows, it asks the API for.
        shown = plain.get(f"/backups/{page}")
        assert shown.status_code in {200, 503}
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert plain.generic(method, f"/backups/{page}").status_code == 405, method


urlpatterns = [
    path("api/v1/backup/", include(api_urls)),
    path("backups/", include(console_urls)),
    path("accounts/login/", LoginView.as_view()),
]
