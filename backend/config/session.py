"""Signing in and out, and who one is: `/api/v1/session/`; and at the door of Django's own administration."""

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
"""What the pages ask about."""


class SignedInSerializer(serializers.Serializer[Any]):
    """Who is signed in."""

    name = serializers.CharField(source="get_username")
    full_name = serializers.CharField(source="get_full_name", allow_blank=True)
    is_staff = serializers.BooleanField(help_text="Whether Django's own administration is open to them.")


class SessionSerializer(serializers.Serializer[Any]):
    """Who is signed in, null for nobody, and what they may do."""

    user = SignedInSerializer(allow_null=True)
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=PERMISSIONS))


class SignInSerializer(serializers.Serializer[Any]):
    """A name and a password."""

    name = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class WrongPassword(exceptions.APIException):
    """Nobody of that name has that password; which of the two is wrong is not told."""

    status_code = 403
    default_code = "wrong-password"
    default_detail = "There is no account with this name and password."


class SessionView(EdmsView):
    """The session that the browser's cookie names."""

    permission_classes = []
    parser_classes = [BoundedJSONParser]
    serializer_class = SignInSerializer

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        get_token(request)  # The cookie that a sign-in needs comes with the answer.
        return _session(request)

    @sensitive_variables()
    @extend_schema(responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        # The framework asks for the token only where somebody is signed in; without it a foreign page could sign its
        # own user in here, and be handed the documents that are uploaded next.
        SessionAuthentication().enforce_csrf(request)
        given = self.checked()
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
    """The log-in of Django's own administration; failures at either door count."""
    if request.method != "POST":
        return admin.site.login(request)
    attempt = Attempt(request, request.POST.get("username", ""))
    if attempt.wait:
        text = f"Too many attempts to sign in; try again in {attempt.wait} seconds."
        return HttpResponse(text, status=429, content_type="text/plain", headers={"Retry-After": str(attempt.wait)})
    answer = admin.site.login(request)
    if answer.status_code == HTTPStatus.FOUND:
        attempt.succeeded()
    return answer


def _session(request: Request) -> Response:
    user = request.user
    somebody = None if user is None or isinstance(user, AnonymousUser) else user
    allowed = [] if somebody is None else [name for name in PERMISSIONS if somebody.has_perm(name)]
    return Response(SessionSerializer({"user": somebody, "permissions": allowed}).data)
