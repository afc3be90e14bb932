"""What comes from outside, and may come twice."""

import json
import logging
from decimal import Decimal, InvalidOperation

from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST
from django_paysafe import acting
from django_paysafe.idempotency import idempotent
from django_paysafe.webhooks import WebhookEvent, webhook_view

from . import provider
from .models import Payment, Refund

logger = logging.getLogger(__name__)


def amount_of(asked: "dict[str, str]") -> Decimal:
    amount = Decimal(asked["amount"])
    if not (0 < amount < 10**10 and amount == round(amount, 2)):
        raise ValueError
    return amount


@login_required
@require_POST
@idempotent("POST /payments")
def create_payment(request: HttpRequest) -> HttpResponse:
    """One payment for each Idempotency-Key, however often the request arrives."""
    try:
        amount = amount_of(json.loads(request.body))
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return JsonResponse({"error": "an amount, as a string"}, status=422)
    payment = Payment.objects.create(amount=amount)
    response = JsonResponse({"id": payment.pk, "status": payment.status}, status=201)
    response["Location"] = f"/payments/{payment.pk}/"
    return response


@permission_required("shop.add_refund", raise_exception=True)
@require_POST
@idempotent("POST /refunds")
def request_refund(request: HttpRequest) -> HttpResponse:
    """Who is logged in requests a refund, and says why: ActorMiddleware names the person."""
    try:
        asked = json.loads(request.body)
        amount, payment, reason = amount_of(asked), int(asked["payment"]), str(asked["reason"])
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return JsonResponse({"error": "a payment, an amount, a reason"}, status=422)
    paid = get_object_or_404(Payment, pk=payment)
    with acting(reason=reason):
        refund = Refund.objects.create(payment=paid, amount=amount, currency=paid.currency)
    return JsonResponse({"id": refund.pk, "status": refund.status}, status=201)


@permission_required("shop.change_refund", raise_exception=True)
@require_POST
@idempotent("POST /refunds/pay", mode="claimed")
def pay_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """First the gate, and it is committed; then the provider; then what came of it."""
    refunds = Refund.objects.filter(pk=pk)
    # refused here if somebody else has to approve it, while nobody has been paid
    refunds.filter(status=Refund.Status.REQUESTED).update(status=Refund.Status.EXECUTING)
    refund = get_object_or_404(Refund, pk=pk)
    if refund.status == Refund.Status.EXECUTING:
        # also the next attempt, when an answer was lost: the key is the refund's, not the
        # request's, so that the provider pays once whoever asks
        try:
            changes = {
                "provider_reference": provider.refund(
                    refund.payment_id, refund.amount, refund.currency, f"refund:{pk}"
                ),
                "status": Refund.Status.PAID,
            }
        except provider.Declined:
            changes = {"status": Refund.Status.FAILED}
        with transaction.atomic():
            refunds.filter(status=Refund.Status.EXECUTING).update(**changes)
            refund.refresh_from_db()
            return request.paysafe_idempotency.finish(answer_of(refund))
    return answer_of(refund)


def answer_of(refund: Refund) -> HttpResponse:
    return JsonResponse(
        {"id": refund.pk, "status": refund.status, "reference": refund.provider_reference},
        status=200 if refund.status == Refund.Status.PAID else 409,
    )


def on_stripe(event: WebhookEvent) -> None:
    """In the transaction that accepts the event: both happen, or neither."""
    intent = event.json()["data"]["object"]
    payment = Payment.objects.select_for_update().get(pk=intent["metadata"]["payment"])
    if event.event_type == "payment_intent.succeeded":
        payment.status = Payment.Status.CAPTURED
        payment.captured = Decimal(intent["amount_received"]) / 100
    else:
        payment.status = Payment.Status.CANCELLED
    payment.save()


stripe = webhook_view("stripe", on_stripe)


def on_github(event: WebhookEvent) -> None:
    """What takes longer waits in the inbox, for `manage.py work_inbox`."""
    release = event.json()
    logger.info("%s %s", release["action"], release["release"]["tag_name"])


github = webhook_view("github")
