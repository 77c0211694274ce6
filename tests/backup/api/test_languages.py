"""The API explains errors in the language that `Accept-Language` asks for; the log stays English."""

import logging

import pytest
from django.utils import translation

from apps.backup.core.permissions import Right

ROOT = "/api/v1/backup/"
ENGLISH = "There is no such address in this API."
GERMAN = "Diese Adresse gibt es in dieser API nicht."


def translated(text: str) -> str:
    with translation.override("de"):
        return translation.gettext(text)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (None, ENGLISH),
        ("", ENGLISH),
        ("en", ENGLISH),
        ("fr", ENGLISH),
        ("de", GERMAN),
        ("de-AT", GERMAN),
        ("fr, de;q=0.8, en;q=0.5", GERMAN),
        ("de;q=0.5, en-GB", ENGLISH),
        ("de;q=0", ENGLISH),
        ("*", ENGLISH),
        ("not a language;;", ENGLISH),
    ],
)
def test_a_problem_is_in_the_first_language_that_we_have(admin, asked, said):
    headers = {} if asked is None else {"HTTP_ACCEPT_LANGUAGE": asked}
    answer = admin.get(f"{ROOT}nowhere/", **headers)
    assert (answer.status_code, answer.json()["detail"]) == (404, said)
    assert (answer.json()["type"], answer.json()["title"]) == ("urn:edms-backup:problem:not-found", "Not Found")


def test_errors_of_fields_are_translated_with_their_values(admin):
    answer = admin.get(f"{ROOT}jobs/?limit=0", HTTP_ACCEPT_LANGUAGE="de")
    assert answer.json()["detail"] == "Die Anfrage ist nicht gültig."
    [error] = answer.json()["errors"]
    assert (error["field"], error["message"][:32]) == ("limit", "Erforderlich ist eine Zahl von 1")


def test_the_log_stays_english(client_of, caplog):
    client = client_of(Right.VIEW)
    with caplog.at_level(logging.WARNING):
        answer = client.get(f"{ROOT}nowhere/", HTTP_ACCEPT_LANGUAGE="de")
    assert answer.json()["detail"] == GERMAN
    assert ENGLISH in caplog.text
    assert GERMAN not in caplog.text


def test_findings_say_why_in_the_language_and_keep_the_texts_that_acknowledge_them(admin):
    english = admin.get(f"{ROOT}system/findings/").json()["findings"]
    german = admin.get(f"{ROOT}system/findings/", HTTP_ACCEPT_LANGUAGE="de").json()["findings"]
    assert english
    for one, other in zip(english, german, strict=True):
        assert other["why"] == translated(one["why"]) != one["why"]
        assert [one[name] for name in ("id", "subject", "what")] == [other[name] for name in ("id", "subject", "what")]


def test_a_language_ends_with_its_request(admin):
    admin.get(f"{ROOT}nowhere/", HTTP_ACCEPT_LANGUAGE="de")
    assert admin.get(f"{ROOT}nowhere/").json()["detail"] == ENGLISH


def test_the_language_of_the_host_counts_where_the_client_asks_for_none(admin, settings):
    settings.LANGUAGE_CODE = "de-ch"
    assert admin.get(f"{ROOT}nowhere/").json()["detail"] == GERMAN
    assert admin.get(f"{ROOT}nowhere/", HTTP_ACCEPT_LANGUAGE="en").json()["detail"] == ENGLISH
