"""The models that give access: accounts with their rights, sessions, and tokens."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from ... import conf
from ...errors import SettingsInvalid
from .staged_models import model_named

_KNOWN: Final = (
    "sessions.Session",
    "user_sessions.Session",
    "authtoken.Token",
    "knox.AuthToken",
    "durin.AuthToken",
    "tastypie.ApiKey",
    "rest_framework_api_key.APIKey",
    "oauth2_provider.Grant",
    "oauth2_provider.RefreshToken",
    "oauth2_provider.AccessToken",
)
"""Models of Django, Django REST framework and common packages. BACKUP_ACCESS_MODELS adds others."""
OUTSTANDING: Final = "token_blacklist.OutstandingToken"
BLACKLISTED: Final = "token_blacklist.BlacklistedToken"
"""A model of djangorestframework-simplejwt: a signed token is valid unless its id is in this table."""


def account_model() -> type[Any] | None:
    """Return the model of accounts; None for a project that has none."""
    try:
        return get_user_model()._meta.concrete_model
    except ImproperlyConfigured:
        return None


def access_models() -> list[type[models.Model]]:
    """Return the models of sessions and tokens; a model comes before those to which it refers.

    Raises `SettingsInvalid` for a name in BACKUP_ACCESS_MODELS that is no model.
    """
    found = dict.fromkeys(model for label in _KNOWN if (model := model_named(label)) is not None)
    if (own := _session_model()) is not None:
        found[own] = None
    for label in conf.load().access_models:
        model = model_named(label)
        if model is None:
            raise SettingsInvalid(f"BACKUP_ACCESS_MODELS: there is no model {label!r}; write it as 'app.Model'.")
        found[model] = None
    parents = {model: {one for one in _required(model) if one in found and one is not model} for model in found}
    return list(graphlib.TopologicalSorter(parents).static_order())[::-1]


def access_elsewhere() -> Iterator[str]:
    """Yield a line, with the remedy, on each kind of access that is in no database: a restore cannot remove it."""
    engine = str(settings.SESSION_ENGINE).rpartition(".")[2]
    if engine == "signed_cookies":
        yield "sessions are signed cookies, which stay good until they expire; change SECRET_KEY to end them"
    elif engine in {"cache", "cached_db", "file"}:
        yield f"sessions are also kept outside of the database (SESSION_ENGINE: {engine}); clear that place to end them"
    names = [
        *settings.INSTALLED_APPS,
        *getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()),
    ]
    if any("jwt" in str(name).lower() for name in names):
        yield "signed tokens (JWT) that are in no table stay good until they expire; change the key that signs them"


def references_to(target: type[models.Model]) -> list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]:
    """Return the fields that refer to a model and can be null, each with its own model."""
    return [
        (model, field)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey) and field.null and field.related_model is target
    ]


def _required(model: type[models.Model]) -> set[type[models.Model]]:
    """Return the models to which each row of a model must refer."""
    return {
        field.related_model
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey) and not field.null and isinstance(field.related_model, type)
    }


def _session_model() -> type[models.Model] | None:
    """Return the model of the project's sessions; None if they are in no database."""
    try:
        store = import_module(settings.SESSION_ENGINE).SessionStore
        model: type[models.Model] | None = getattr(store, "get_model_class", lambda: None)()
    except ImportError as error:
        raise SettingsInvalid(f"SESSION_ENGINE {settings.SESSION_ENGINE!r} cannot be loaded: {error}") from error
    except RuntimeError:
        # Django raises this if the application of the session engine is not installed: there are no sessions.
        return None
    return model
