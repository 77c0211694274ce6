"""Where the addresses of the API, the console and its log-in lead: W048."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import views as auth
from django.http import HttpResponse
from django.urls import NoReverseMatch, include, path, re_path, set_script_prefix
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework_simplejwt.authentication import JWTAuthentication

from apps.backup.api.configurations import ConfigurationList
from apps.backup.doctor.addresses import address_findings, address_of


def shop(request, **_names):
    return HttpResponse("<html>the shop</html>")


API = path("api/v1/backup/", include("apps.backup.api.urls"))
CONSOLE = path("backups/", include("apps.backup.console.urls"))
LOGIN = path("accounts/login/", auth.LoginView.as_view(), name="login")
ADMIN = path("admin/", admin.site.urls)
ALL = re_path(r"^(?P<path>.*)$", shop)
SHOP = f"{__name__}.shop"
NOT_THERE = "The console's login page is /accounts/login/, which leads nowhere."


@pytest.fixture
def told(settings):
    """Return the findings with these addresses: subjects and texts."""

    def look(*patterns, **values):
        settings.ROOT_URLCONF = patterns
        for name, value in {"LOGIN_URL": "/accounts/login/", **values}.items():
            setattr(settings, name, value)
        found = list(address_findings())
        assert {one.id for one in found} <= {"backup.W048"}
        assert all(one.hint and one.why for one in found)
        return {one.subject: one.what for one in found}

    return look


def test_projects_in_which_everything_is_where_it_should_be(told, settings):
    assert list(address_findings()) == []
    for patterns, login in (
        ((), "/accounts/login/"),
        ((API,), "/accounts/login/"),
        ((API, CONSOLE, LOGIN), "/accounts/login/"),
        ((API, CONSOLE, LOGIN), "/accounts/login"),
        ((API, CONSOLE, LOGIN, ALL), "login"),
        ((API, CONSOLE, ADMIN, ALL), "admin:login"),
        ((API, CONSOLE), "https://login.example.com/realm"),
    ):
        assert told(*patterns, LOGIN_URL=login) == {}, patterns
    set_script_prefix("/edms/")
    try:
        assert told(API, CONSOLE, LOGIN, ALL, LOGIN_URL="login") == {}
    finally:
        set_script_prefix("/")
    settings.ROOT_URLCONF = None
    assert list(address_findings()) == []


def test_addresses_behind_a_pattern_that_takes_all_lead_to_it(told):
    stands = f"leads to {SHOP}, which comes before it in urlpatterns."
    assert told(LOGIN, ALL, API, CONSOLE) == {
        "API": f"Its address /api/v1/backup/configurations/ {stands}",
        "console": f"Its address /backups/ {stands}",
    }
    assert told(API, LOGIN, ALL, CONSOLE) == {"console": f"Its address /backups/ {stands}"}


@pytest.mark.parametrize(
    "inside",
    [
        (path("tools/", include(([API, CONSOLE], "tools"))),),
        (path("tools/", include(([path("deep/", include(([API, CONSOLE], "deep")))], "tools"), namespace="other")),),
        (path("a/", include("apps.backup.api.urls", namespace="mine")), CONSOLE),
    ],
)
def test_namespaces_of_the_project_around_them(told, inside):
    assert told(*inside, LOGIN) == {}
    assert address_of("backup-api:schema").endswith("/schema/")
    assert list(told(LOGIN, ALL, *inside)) == ["API", "console"]
    with pytest.raises(NoReverseMatch):
        address_of("backup-nothing:schema")


def test_an_address_with_a_variable_part(told):
    variable = path("<slug:tenant>/", include([API, CONSOLE]))
    said = "Its address has a variable part, such as <slug:tenant>, which its pages do not take: each request fails."
    assert told(variable, LOGIN) == {"API": said, "console": said}


def test_a_log_in_that_is_not_there(told):
    assert told(API, CONSOLE) == {"LOGIN_URL": NOT_THERE}
    assert told(API, CONSOLE, LOGIN_URL="admin:login") == {
        "LOGIN_URL": "LOGIN_URL is 'admin:login', and no address has that name: the console has no login page."
    }
    assert told(API, CONSOLE, ALL) == {
        "LOGIN_URL": f"The console's login page is /accounts/login/, which leads to {SHOP} as every unknown address"
        " does."
    }


def test_a_console_without_an_api_or_with_one_that_takes_tokens_alone(told, monkeypatch):
    assert told(CONSOLE, LOGIN) == {"console": "The console needs the API, which has no address in this project."}
    monkeypatch.setattr(ConfigurationList, "authentication_classes", [JWTAuthentication, TokenAuthentication])
    told_of = told(API, CONSOLE, LOGIN)
    assert list(told_of) == ["REST_FRAMEWORK"]
    assert "rest_framework_simplejwt.authentication.JWTAuthentication" in told_of["REST_FRAMEWORK"]

    class FromCookie(JWTAuthentication):
        """A token that the browser sends along, as dj-rest-auth has it."""

    for one in (FromCookie, SessionAuthentication):
        monkeypatch.setattr(ConfigurationList, "authentication_classes", [TokenAuthentication, one])
        assert told(API, CONSOLE, LOGIN) == {}
