"""The OpenAPI document: a document of that version, examples of what it describes, and a page to try it out."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import jsonschema
import pytest
from django.core.management import CommandError, call_command

from apps.backup.api.openapi_document import document
from apps.backup.api.openapi_examples import EXAMPLES


def examples(made: dict) -> Iterator[tuple[str, dict, object]]:
    """Every example of JSON in the document, with the schema that it stands beside."""
    for methods in made["paths"].values():
        for operation in methods.values():
            places = [("request", operation.get("requestBody", {})), *operation["responses"].items()]
            for place, body in places:
                for media, content in body.get("content", {}).items():
                    for name, example in content.get("examples", {}).items():
                        if "json" in media:
                            yield f"{operation['operationId']} {place} {name}", content["schema"], example["value"]


def test_every_example_is_one():
    made = document()
    assert made["openapi"] == "3.1.1"
    found = list(examples(made))
    for name, schema, value in found:
        whole = {**schema, "components": made["components"]}
        errors = [one.message for one in jsonschema.Draft202012Validator(whole).iter_errors(value)]
        assert not errors, (name, errors)
    named = {name.split()[0] for name, _, _ in found if "problem" not in name}
    assert named >= set(EXAMPLES)


def test_every_operation_names_its_errors_and_its_right():
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            assert {"401", "403", "429"} <= set(operation["responses"]), (method, path)
            assert operation["x-right"], (method, path)
            assert operation.get("description") or operation.get("summary"), (method, path)
            for status, answer in operation["responses"].items():
                if status >= "400" and (operation["operationId"], status) != ("configurations_run_now", "409"):
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


@pytest.mark.parametrize(("debug", "status"), [("1", 200), ("0", 404)])
def test_swagger_ui_is_there_for_developers_alone(debug, status, edms):
    ask = (
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "client = Client()\n"
        "print(client.get('/api/v1/backup/docs/').status_code)\n"
        "client.force_login(User.objects.create_superuser('root'))\n"
        "answer = client.get('/api/v1/backup/docs/')\n"
        "print(answer.status_code, 'cdn' in answer.content.decode())\n"
    )
    done = edms.run("shell", "-v0", "-c", ask, DJANGO_DEBUG=debug, DJANGO_ALLOWED_HOSTS="testserver")
    anonymous, signed_in = done.stdout.splitlines()
    assert anonymous in {"401", "403"}
    assert signed_in == f"{status} False"


def test_where_there_is_no_django_rest_framework_the_command_says_what_is_missing(monkeypatch):
    monkeypatch.delitem(sys.modules, "apps.backup.api.openapi_document")
    monkeypatch.setitem(sys.modules, "drf_spectacular.generators", None)
    with pytest.raises(CommandError, match="which is not installed") as refused:
        call_command("backup_openapi")
    assert refused.value.returncode == 2
