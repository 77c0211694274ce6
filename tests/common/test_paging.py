"""Pages of a list show every row once, in order and back, also while rows come and go."""

import pytest
from django.contrib.auth.models import Group
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from edms_common.paging import PARAMETERS, CursorPages, NumberedPages

pytestmark = pytest.mark.django_db


class View:
    orderings = {"name": "name", "id": "id"}


def page(address: str = "/groups/") -> dict:
    pages = CursorPages()
    request = Request(APIRequestFactory().get(address))
    found = pages.paginate_queryset(Group.objects.all(), request, View())
    return pages.get_paginated_response([row.name for row in found]).data


def make(*names: str) -> None:
    Group.objects.bulk_create(Group(name=name) for name in names)


def test_pages_go_on_and_back_without_losing_a_row():
    make("e", "b", "d", "a", "c")
    first = page("/groups/?limit=2")
    second = page(first["next"])
    last = page(second["next"])
    assert [one["results"] for one in (first, second, last)] == [["a", "b"], ["c", "d"], ["e"]]
    assert (first["previous"], last["next"]) == (None, None)
    assert page(last["previous"])["results"] == ["c", "d"]
    assert page(page(last["previous"])["previous"])["results"] == ["a", "b"]
    assert page("/groups/?ordering=-name&limit=2")["results"] == ["e", "d"]


def test_rows_that_come_and_go_move_no_other():
    make("b", "d", "f")
    first = page("/groups/?limit=2")
    make("a", "e")
    Group.objects.get(name="d").delete()
    assert page(first["next"])["results"] == ["e", "f"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=two", "ordering=owner", "cursor=abc", f"cursor={'a' * 1001}"]
)
def test_a_parameter_that_is_not_valid_is_named(query):
    make("a")
    with pytest.raises(ValidationError) as refused:
        page(f"/groups/?{query}")
    assert set(refused.value.detail) == {query.partition("=")[0]} <= PARAMETERS


def test_a_cursor_of_another_list_is_refused():
    make("a", "b")
    following = page("/groups/?limit=1")["next"]
    with pytest.raises(ValidationError, match="not from this list"):
        page(following.replace("?", "?ordering=id&"))


def test_numbered_pages_count_all_rows():
    make(*(f"{number:03}" for number in range(120)))

    def numbered(query: str) -> dict:
        pages = NumberedPages()
        request = Request(APIRequestFactory().get(f"/groups/?{query}"))
        found = pages.paginate_queryset(Group.objects.order_by("name"), request)
        return pages.get_paginated_response([row.name for row in found]).data

    assert (numbered("page=2")["count"], len(numbered("page=2")["results"])) == (120, 25)
    assert len(numbered("page_size=1000")["results"]) == 100
