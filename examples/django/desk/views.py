"""The approval desk: who may approve refunds sees what waits, and decides."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_paysafe import passkeys
from django_paysafe.errors import NotAllowed, Refusal, advice_of, atomic, sqlstate_of
from django_paysafe.passkey_views import acting_name
from django_paysafe.people import name_of, with_names
from shop.models import Refund

from . import reading

View = Callable[..., HttpResponse]

# no script but the desk's own, and nobody's frame around it
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ENROLMENT = "desk_enrolment"


def page(view: View) -> View:
    """A page of the desk: for who is logged in, kept by nobody, with its own script only."""

    @never_cache
    @login_required
    @functools.wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = _POLICY
        return response

    return shown


def approver(view: View) -> View:
    return page(permission_required("shop.approve_refund", raise_exception=True)(view))


def common(**more: Any) -> Dict[str, Any]:
    me = acting_name()
    active = [key for key in reading.passkeys_of(me) if key["state"] == "active"]
    return {"me": me, "my_name": name_of(me), "my_passkeys": active, **more}


@approver
def queue(request: HttpRequest) -> HttpResponse:
    found = reading.waiting()
    context = common(
        waiting=found,
        totals=reading.totals(found),
        limits=reading.limits(),
        changes=len(reading.changes(acting_name())),
        glasses=sum(not one.verdict for one in reading.glasses()),
    )
    context["own"] = [one.key for one in found if one.is_of(context["me"])]
    context["mine"] = len(context["own"])
    return render(request, "desk/queue.html", context)


@approver
def refund(request: HttpRequest, key: int) -> HttpResponse:
    one = get_object_or_404(Refund.objects.select_related("payment"), pk=key)
    waits = next(iter(reading.waiting(str(key))), None)
    context = common(refund=one, waits=waits, life=reading.life_of(str(key)))
    context["relation"] = reading.RELATION
    context["standing"] = [r for r in reading.rejections_of(str(key)) if r["state"] == "standing"]
    context["own"] = waits is not None and waits.is_of(context["me"])
    return render(request, "desk/refund.html", context)


def words_of(error: Exception) -> str:
    return with_names(advice_of(error))


def decided(request: HttpRequest, done: Callable[[], str]) -> None:
    """What came of it, as a message; a refusal in its own words."""
    try:
        messages.success(request, done())
    except (Refusal, passkeys.NoPasskey) as refusal:
        text = words_of(refusal) if isinstance(refusal, Refusal) else str(refusal)
        messages.error(request, f"Nothing was done: {text}")
    except DatabaseError as error:
        if not sqlstate_of(error).startswith("22"):
            raise
        messages.error(request, f"Nothing was done: {words_of(error)}")


@approver
@require_POST
def approve(request: HttpRequest, key: int) -> HttpResponse:
    """The passkey has signed: the database says whether that is an approval of this refund."""

    def done() -> str:
        given = request.POST
        assertion = passkeys.read_assertion(given.get("assertion", ""))
        number = passkeys.approve(
            reading.RELATION, str(key), assertion, given.get("reason", ""), given.get("ticket")
        )
        return f"Refund {key} is approved, by your passkey. Approval {number} is on record."

    decided(request, done)
    return redirect("desk:refund", key)


def call(statement: str, *arguments: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)


@approver
@require_POST
def reject(request: HttpRequest, key: int) -> HttpResponse:
    """One no counts more than any approval, and takes no signature: it lets nothing happen."""

    def done() -> str:
        reason, ticket = request.POST.get("reason", ""), request.POST.get("ticket")
        with atomic():
            call(
                "SELECT paysafe.reject(%s::regclass, %s, %s, %s)",
                reading.RELATION,
                str(key),
                reason,
                ticket or None,
            )
        return f"Refund {key} is rejected."

    decided(request, done)
    return redirect("desk:refund", key)


@approver
@require_POST
def reconsider(request: HttpRequest, key: int) -> HttpResponse:
    """Whoever has rejected it takes that back, or, where approvals take a passkey and nobody
    has signed this, proposes to: somebody else approves that among the rule changes."""
    reason = request.POST.get("reason", "")

    def take_back(propose: bool = False) -> None:
        standing = [r["id"] for r in reading.rejections_of(str(key)) if r["state"] == "standing"]
        with atomic():
            if propose:
                call("SELECT paysafe.propose(%s)", reason)
            for number in standing:
                call("SELECT paysafe.withdraw_rejection(%s, %s)", number, reason)

    def done() -> str:
        try:
            take_back()
        except NotAllowed:
            take_back(propose=True)
            return "That takes another person: it is proposed, under Rule changes."
        return f"The rejection of refund {key} is taken back: it waits for approval again."

    decided(request, done)
    return redirect("desk:refund", key)


@approver
@require_POST
def reject_change(request: HttpRequest) -> HttpResponse:
    def done() -> str:
        asked = [request.POST.get(name, "") for name in ("relation", "key", "reason")]
        with atomic():
            call("SELECT paysafe.reject(%s::regclass, %s, %s)", *asked)
        return "The change is rejected."

    decided(request, done)
    return redirect("desk:changes")


@approver
def history(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/history.html", common(decisions=reading.decisions()))


@approver
def proof(request: HttpRequest, key: int) -> HttpResponse:
    """For an auditor: paysafe-evidence shows it, without this site and without the database."""
    get_object_or_404(Refund, pk=key)
    try:
        text = reading.proof_of(str(key))
    except reading.NotProven as why:
        messages.error(request, f"There is no proof to download yet. {why}")
        return redirect("desk:refund", key)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refund-{key}.evidence"'
    return response


@approver
def glass(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/glass.html", common(glasses=reading.glasses()))


@approver
@require_POST
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Somebody has looked at it: the database says whether this one may, and has signed it."""

    def done() -> str:
        given = request.POST
        assertion = passkeys.read_assertion(given.get("assertion", ""))
        passkeys.review(
            number,
            given.get("verdict", ""),
            assertion,
            given.get("reason", ""),
            given.get("ticket"),
        )
        return "What you have found is on record, by your passkey."

    decided(request, done)
    return redirect("desk:glass")


@approver
def changes(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/changes.html", common(changes=reading.changes(acting_name())))


@approver
@require_POST
def approve_change(request: HttpRequest) -> HttpResponse:
    try:
        relation, key = request.POST["relation"], request.POST["key"]
    except KeyError:
        raise Http404 from None

    def done() -> str:
        assertion = passkeys.read_assertion(request.POST.get("assertion", ""))
        reason, ticket = request.POST.get("reason", ""), request.POST.get("ticket")
        passkeys.approve(relation, key, assertion, reason, ticket)
        return "Your approval of the change is on record, by your passkey."

    decided(request, done)
    return redirect("desk:changes")


# One's own passkeys


@page
def my_passkeys(request: HttpRequest) -> HttpResponse:
    context = common(proposed=request.session.get(_ENROLMENT))
    context["all"] = reading.passkeys_of(context["me"])
    for key in context["all"]:
        key["by"] = name_of(key["approved_by"]) if key["approved_by"] else None
    return render(request, "desk/passkeys.html", context)


@page
@require_POST
def propose_passkey(request: HttpRequest) -> HttpResponse:
    """The browser has made one: it is proposed, and counts when two others have signed that."""

    def done() -> str:
        me = acting_name()
        made = passkeys.registered(request, me, request.POST.get("assertion", ""))
        reason = request.POST.get("reason", "")
        number = passkeys.enrol(me, made, reason)
        if number is not None:
            return "The passkey is enrolled."
        request.session[_ENROLMENT] = {**made.as_json(), "reason": reason}
        return "The passkey is proposed. It counts when two others have approved it by theirs."

    decided(request, done)
    return redirect("desk:passkeys")


@page
@require_POST
def finish_passkey(request: HttpRequest) -> HttpResponse:
    def done() -> str:
        kept = request.session.get(_ENROLMENT)
        if kept is None:
            raise passkeys.NoPasskey("no passkey of yours is proposed from this browser")
        made = passkeys.Enrolment.of_json(kept)
        passkeys.enrol(acting_name(), made, kept["reason"], propose=False)
        del request.session[_ENROLMENT]
        return "The passkey is enrolled."

    decided(request, done)
    return redirect("desk:passkeys")
