"""The names that changes are recorded under, as people know them."""

from __future__ import annotations

import re
from typing import Any, Optional

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

# not "token": what follows that is redacted
CLIENT = "client"


def user_actor(request: HttpRequest) -> Optional[str]:
    """The actor of a request: `user:17`, by primary key.  Nobody: None.

    Names can be changed, and a person who has another name would count as
    another person who approves.  A client with a token of Django REST framework is
    `client:17`, after the user that the token belongs to: what a machine asks
    for is for a person to approve.  `PAYSAFE_CLIENTS`, the dotted name of a function of the
    request, says of other clients which service each is; None: it is none.
    """
    mapped = getattr(settings, "PAYSAFE_CLIENTS", None)
    if mapped:
        service: Optional[str] = import_string(mapped)(request)
        if service:
            return service
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    actor = getattr(user, "paysafe_actor", None)
    if actor:
        return str(actor)
    kind = CLIENT if _is_token(getattr(request, "auth", None)) else user._meta.model_name
    return f"{kind}:{user.pk}"


def _is_token(auth: Any) -> bool:
    """One of rest_framework.authtoken, or of a class that is made of it?"""
    return any(
        base.__module__ == "rest_framework.authtoken.models" and base.__name__ == "Token"
        for base in type(auth).__mro__
    )


def user_of(actor: str) -> Any:
    """The user whom an actor is named after, or None."""
    model = get_user_model()
    kind, _, key = actor.partition(":")
    if kind not in (model._meta.model_name, CLIENT):
        return None
    try:
        return model._default_manager.filter(pk=key).first()
    except (ValueError, TypeError, ValidationError):
        return None


def name_of(actor: Optional[str]) -> str:
    """An actor as people know it: "Ann Lee (ann)"; what is no user's, as it stands."""
    user = user_of(actor) if actor else None
    if user is None or actor is None:
        return actor or "?"
    login = user.get_username()
    full = user.get_full_name() if hasattr(user, "get_full_name") else ""
    name = f"{full} ({login})" if full and full != login else login
    return f"{name}, by token" if actor.startswith(CLIENT + ":") else name


def with_names(text: str) -> str:
    """A message in which actors are called by their names."""
    kinds = "|".join(map(re.escape, (str(get_user_model()._meta.model_name), CLIENT)))
    return re.sub(rf"\b(?:{kinds}):[\w-]+", lambda match: name_of(match[0]), text)


def register_service(
    name: str, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS, propose: bool = True
) -> bool:
    """Register a client or a worker as a service: it acts and requests, and approves nothing.

    Two people: the first call proposes it, and once another person has approved that
    (`paysafe.pending_change`), the same call by the same person registers it, and is true.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if propose:
            cursor.execute("SELECT paysafe.propose(%s)", [reason])
        cursor.execute(
            "SELECT paysafe.add_person(%s, %s, ARRAY['name:' || %s], service => true) IS NOT NULL",
            [name, reason, actor],
        )
        return bool(cursor.fetchone()[0])
