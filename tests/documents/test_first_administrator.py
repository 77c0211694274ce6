"""`first_administrator` creates one administrator, with a generated password where no terminal asks for one."""

import io
import re

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())


def created() -> str:
    out = io.StringIO()
    call_command("first_administrator", stdout=out)
    return out.getvalue()


def test_it_prints_a_password_that_signs_in():
    text = created()
    name, password = re.search(r"User name: (\S+)\nPassword: (\S+)\n", text).groups()
    user = authenticate(username=name, password=password)
    assert (name, user.is_superuser, text.count(password)) == ("administrator", True, 1)


def test_it_creates_only_the_first():
    created()
    assert created() == ""
    assert User.objects.count() == 1


def test_it_takes_a_free_name():
    User.objects.create_user("administrator", password="of a user without rights")
    assert "User name: administrator2\n" in created()
