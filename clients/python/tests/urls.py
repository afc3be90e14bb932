import asyncio
import json
from decimal import Decimal

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from shop.models import LedgerEntry, Payment, Refund, Wallet

from django_paysafe import acting
from django_paysafe.admin import (
    HistoryMixin,
    ReadOnlyAdminMixin,
    RefundAdmin,
    RefundRequestMixin,
)


class PaymentAdmin(RefundRequestMixin, HistoryMixin, admin.ModelAdmin):
    refund_model = Refund


site = admin.AdminSite(name="admin")
site.register(Refund, RefundAdmin)
site.register(Payment, PaymentAdmin)
site.register(Wallet, type("WalletAdmin", (ReadOnlyAdminMixin, admin.ModelAdmin), {}))


def read(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"payments": Payment.objects.count()})


def autocommit(request: HttpRequest) -> HttpResponse:
    Payment.objects.create(amount=10, note="first")
    Payment.objects.create(amount=20, note="second")
    return HttpResponse("done")


@transaction.atomic
def block(request: HttpRequest) -> HttpResponse:
    Payment.objects.count()
    for n in range(3):
        with transaction.atomic():
            Payment.objects.create(amount=n + 1, note=f"block {n}")
    return HttpResponse("done")


def stream(request: HttpRequest) -> HttpResponse:
    def chunks():
        for n in range(2):
            Payment.objects.create(amount=n + 1, note=f"stream {n}")
            yield f"{n}"

    return StreamingHttpResponse(chunks())


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await Payment.objects.acreate(amount=10, note="async")
    with acting(reason="in a thread"):
        await sync_to_async(Payment.objects.create)(amount=20, note="thread")
    return HttpResponse("done")


async def asynchronous_slow(request: HttpRequest) -> HttpResponse:
    await Payment.objects.acreate(amount=10, note="before")
    await asyncio.sleep(60)
    await Payment.objects.acreate(amount=10, note="after")
    return HttpResponse("done")


async def asynchronous_uncapture(request: HttpRequest) -> HttpResponse:
    await Payment.objects.filter(status="captured").aupdate(status="authorized")
    return HttpResponse("done")


async def asynchronous_stream(request: HttpRequest) -> HttpResponse:
    async def chunks():
        for n in range(2):
            await Payment.objects.acreate(amount=n + 1, note=f"async stream {n}")
            yield f"{n}"

    return StreamingHttpResponse(chunks())


def uncapture(request: HttpRequest) -> HttpResponse:
    Payment.objects.filter(status="captured").update(status="authorized")
    return HttpResponse("done")


@transaction.atomic
def unbalanced(request: HttpRequest) -> HttpResponse:
    amount = Decimal(json.loads(request.body)["amount"])
    LedgerEntry.objects.create(
        transaction="00000000-0000-0000-0000-000000000001",
        wallet=Wallet.objects.get(),
        amount=amount,
    )
    return HttpResponse("done")


urlpatterns = [
    path("admin/", site.urls),
    path("passkeys/", include("django_paysafe.passkey_urls")),
    path("read/", read),
    path("autocommit/", autocommit),
    path("block/", block),
    path("stream/", stream),
    path("async/", asynchronous),
    path("async-slow/", asynchronous_slow),
    path("async-stream/", asynchronous_stream),
    path("async-uncapture/", asynchronous_uncapture),
    path("uncapture/", uncapture),
    path("unbalanced/", unbalanced),
    path("desk/", include(([path("uncapture/", uncapture, name="uncapture")], "desk"))),
]
