"""Static files from the server's own process."""

from __future__ import annotations

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import RequestFactory

from config.static import StaticFiles


@pytest.mark.parametrize("path", ["..%2f..%2fx", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "nowhere.css"])
def test_nothing_outside_of_the_static_files_is_there(path):
    assert StaticFiles(ASGIHandler()).get_response(RequestFactory().get(f"/static/{path}")).status_code == 404


@pytest.mark.django_db  # a closed answer looks after the connections
def test_a_static_file_is_what_it_says_it_is():
    answer = StaticFiles(ASGIHandler()).get_response(RequestFactory().get("/static/admin/css/base.css"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/css")
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()
