"""Sign in, sign out and show the current user: `/api/v1/session/`; and the sign-in of Django's admin."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from apps.backup.api.parsers import BoundedJSONParser
from apps.backup.core.permissions import Right
from apps.documents.api.documents import ADD, CHANGE, DELETE, VIEW
from apps.documents.api.views import EdmsView

from .attempts import Attempt

PERMISSIONS: Final = (VIEW, ADD, CHANGE, DELETE, *(right.permission for right in Right))
"""The permissions that the front end needs to know."""


class SignedInSerializer(serializers.Serializer[Any]):
    """The signed-in user."""

    name = serializers.CharField(source="get_username")
    full_name = serializers.CharField(source="get_full_name", allow_blank=True)
    is_staff = serializers.BooleanField(help_text="Whether the user may open Django's admin.")


class SessionSerializer(serializers.Serializer[Any]):
    """The signed-in user, or null, with their permissions."""

    user = SignedInSerializer(allow_null=True)
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMISSIONS))


class SignInSerializer(serializers.Serializer[Any]):
    """The user name and password to sign in with."""

    name = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class WrongPassword(exceptions.APIException):
    """The user name or the password is wrong. The response does not tell which."""

    status_code = 403
    default_code = "wrong-password"
    default_detail = "There is no account with this name and password."


class SessionView(EdmsView):
    """The session of the browser's cookie."""

    permission_classes = []
    parser_classes = [BoundedJSONParser]
    serializer_class = SignInSerializer

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        get_token(request)  # Sets the CSRF cookie, which a sign-in needs.
        return _session(request)

    @sensitive_variables()
    @extend_schema(responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        # The framework requires the CSRF token only from signed-in users. Without it a foreign page could sign in its
        # own user here, and get the documents that are uploaded next.
        SessionAuthentication().enforce_csrf(request)
        given = self.asked()
        attempt = Attempt(request, given["name"])
        if attempt.wait:
            raise exceptions.Throttled(attempt.wait)
        user = authenticate(request, username=given["name"], password=given["password"])
        if user is None:
            raise WrongPassword
        attempt.succeeded()
        login(request, user)
        request.user = user
        return _session(request)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        logout(request)
        return Response(status=204)


@sensitive_variables()
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Show the sign-in page of Django's admin. Its failures count together with those of the API."""
    if request.method != "POST":
        return admin.site.login(request)
    attempt = Attempt(request, request.POST.get("username", ""))
    if attempt.wait:
        text = f"Too many failed sign-ins. Try again in {attempt.wait} seconds."
        return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(attempt.wait)})
    answer = admin.site.login(request)
    if answer.status_code == HTTPStatus.FOUND:
        attempt.succeeded()
    return answer


def _session(request: Request) -> Response:
    user = request.user
    signed_in = None if user is None or isinstance(user, AnonymousUser) else user
    allowed = [] if signed_in is None else [name for name in PERMISSIONS if signed_in.has_perm(name)]
    return Response(SessionSerializer({"user": signed_in, "permissions": allowed}).data)
