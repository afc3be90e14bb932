"""What comes from outside, and may come twice."""

import json
import logging
from decimal import Decimal, InvalidOperation

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST
from django_paysafe.idempotency import idempotent
from django_paysafe.webhooks import WebhookEvent, webhook_view

from .models import Payment

logger = logging.getLogger(__name__)


@login_required
@require_POST
@idempotent("POST /payments")
def create_payment(request: HttpRequest) -> HttpResponse:
    """One payment for each Idempotency-Key, however often the request arrives."""
    try:
        amount = Decimal(json.loads(request.body)["amount"])
        if not (0 < amount < 10**10 and amount == round(amount, 2)):
            raise ValueError
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return JsonResponse({"error": "an amount, as a string"}, status=422)
    payment = Payment.objects.create(amount=amount)
    response = JsonResponse({"id": payment.pk, "status": payment.status}, status=201)
    response["Location"] = f"/payments/{payment.pk}/"
    return response


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
