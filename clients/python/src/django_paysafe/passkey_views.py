"""What a page's script asks the server for: include `django_paysafe.passkey_urls`.

All act as whoever is logged in and give nothing away: what a passkey may approve, and whose
it is, the database says.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

from django.contrib.auth.decorators import login_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from . import passkeys
from .claims import current_claim
from .errors import Refusal, explanation_of, sqlstate_of
from .people import name_of, with_names

# SQLSTATEs of what was asked wrongly: no such table, key or row
_ASKED_WRONGLY = ("22", "42P01", "3F000")


def acting_name() -> str:
    """Who acts in this request, as the database hears it."""
    claim = current_claim()
    return (claim.actor if claim else None) or ""


def _asked(ask: Callable[[], Dict[str, Any]], what: str) -> HttpResponse:
    try:
        asked = ask()
    except (KeyError, ValueError):
        return JsonResponse({"detail": what}, status=400)
    except Refusal as refusal:
        return JsonResponse(
            {"detail": with_names(refusal.advice), "code": refusal.code},
            status=refusal.http_status,
        )
    except DatabaseError as error:
        if not sqlstate_of(error).startswith(_ASKED_WRONGLY):
            raise
        return JsonResponse({"detail": explanation_of(error), "code": "not_found"}, status=404)
    return JsonResponse(asked)


@never_cache
@login_required
@require_POST
def challenge(request: HttpRequest) -> HttpResponse:
    """What the passkey of whoever is logged in signs, to approve `relation` and `key`."""
    given = request.POST
    return _asked(lambda: passkeys.challenge(given["relation"], given["key"]), "relation and key")


@never_cache
@login_required
@require_POST
def review(request: HttpRequest) -> HttpResponse:
    """The same, to say what was found of the broken glass `approval`: the `verdict`."""
    given = request.POST
    return _asked(
        lambda: passkeys.review_challenge(int(given["approval"]), given["verdict"]),
        "approval and verdict",
    )


@never_cache
@login_required
@require_POST
def registration(request: HttpRequest) -> HttpResponse:
    """What a new passkey of whoever is logged in is asked for."""
    actor = acting_name()
    return JsonResponse({"publicKey": passkeys.registration(request, actor, name_of(actor))})
