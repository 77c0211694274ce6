"""Errors become problems of one form, whatever the API is."""

import json
import uuid
from typing import Any

import pytest
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from edms_common.problems import (
    MEDIA_TYPE,
    UNEXPECTED,
    FieldProblemSerializer,
    Problem,
    ProblemSerializer,
    ProblemView,
    framework_problem,
    listed_problem,
)


class Asked(serializers.Serializer[Any]):
    copies = serializers.IntegerField(min_value=1)


class View(ProblemView):
    """A view of an API that is neither app's."""

    problem_prefix = "urn:test:"
    usual_headers = {"Cache-Control": "no-store", "X-Own": "usual"}
    authentication_classes = []
    permission_classes = []
    serializer_class = Asked
    error: Exception | None = None

    def get(self, request: Request) -> Response:
        if self.error is not None:
            raise self.error
        return Response({"id": self.request_id}, headers={"X-Own": "mine"})

    def post(self, request: Request) -> Response:
        return Response(self.asked())

    def log_problem(self, problem: Problem, error: Exception) -> None:
        self.logged.append((problem.code, error, self.request_id))

    def challenge(self) -> str:
        return 'Session realm="test"'

    logged: list[tuple[str, Exception, str]] = []


@pytest.fixture
def get(monkeypatch):
    monkeypatch.setattr(View, "logged", [])

    def get(error: Exception | None = None) -> Response:
        response = View.as_view(error=error)(APIRequestFactory().get("/copies/"))
        return response.render()

    return get


def test_a_problem_names_what_failed_where_and_under_which_id(get):
    error = exceptions.NotFound("There is no such copy.")
    response = get(error)
    (logged,) = View.logged
    assert json.loads(response.content) == {
        "type": "urn:test:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such copy.",
        "instance": "/copies/",
        "id": logged[2],
        "errors": [],
    }
    assert logged[:2] == ("not-found", error)
    assert uuid.UUID(logged[2])
    assert (response.status_code, response["Content-Type"]) == (404, MEDIA_TYPE)
    assert "WWW-Authenticate" not in response
    assert "Retry-After" not in response


def test_an_answer_keeps_its_own_headers_and_gets_the_usual_ones(get):
    response = get()
    assert (response["Cache-Control"], response["X-Own"]) == ("no-store", "mine")
    assert response["Content-Type"] == "application/json"
    assert get(exceptions.NotFound())["X-Own"] == "usual"
    assert json.loads(response.content)["id"] != json.loads(get().content)["id"]


def test_a_client_is_told_to_authenticate_or_to_wait(get):
    assert get(exceptions.NotAuthenticated())["WWW-Authenticate"] == 'Session realm="test"'
    response = get(exceptions.Throttled(wait=2))
    assert (response.status_code, response["Retry-After"]) == (429, "3")


def test_an_unexpected_error_says_nothing_but_its_id(get):
    response = get(ZeroDivisionError("secret"))
    assert response.status_code == 500
    assert b"secret" not in response.content
    assert json.loads(response.content)["detail"] == UNEXPECTED.detail


def test_a_request_that_is_not_valid_names_its_fields():
    post = APIRequestFactory().post
    response = View.as_view()(post("/copies/", {"copies": 0}, format="json")).render()
    assert json.loads(response.content)["errors"] == [
        {"field": "copies", "message": "Ensure this value is greater than or equal to 1."}
    ]
    assert View.as_view()(post("/copies/", {"copies": "2"}, format="json")).data == {"copies": 2}


@pytest.mark.parametrize(
    ("detail", "errors"),
    [
        ("Wrong.", (("", "Wrong."),)),
        ({"name": ["Too long.", "Not known."]}, (("name", "Too long."), ("name", "Not known."))),
        ({"non_field_errors": ["They do not agree."]}, (("", "They do not agree."),)),
        ({"rows": [{}, {"name": ["Not known."]}]}, (("rows.1.name", "Not known."),)),
        ({"user": {"non_field_errors": ["Not known."]}}, (("user", "Not known."),)),
    ],
)
def test_each_field_has_the_path_that_leads_to_it(detail, errors):
    problem = framework_problem(exceptions.ValidationError(detail))
    assert problem == Problem(400, "invalid", "The request is not valid.", errors)


def test_the_first_class_of_a_table_decides():
    table = [(KeyError, 404, "not-found", "No key."), (LookupError, 409, "conflict", "No entry.")]
    assert listed_problem(KeyError("a"), table) == Problem(404, "not-found", "No key.")
    assert listed_problem(IndexError(), table) == Problem(409, "conflict", "No entry.")
    assert listed_problem(ValueError(), table) is None
    assert framework_problem(ValueError()) is None


def test_the_document_has_the_fields_of_the_body_in_the_words_of_the_api():
    class Described(ProblemSerializer):
        help_texts = {"id": "The id in our log."}

    body = Problem(400, "invalid", "", (("a", "b"),)).body(prefix="", instance="/", request_id="1")
    assert list(Described().fields) == list(body)
    assert list(FieldProblemSerializer().fields) == list(body["errors"][0])
    assert Described().fields["id"].help_text == "The id in our log."
    assert ProblemSerializer().fields["id"].help_text is None
