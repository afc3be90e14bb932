from django.contrib import admin
from django_paysafe.admin import HistoryMixin
from django_paysafe.admin import RefundAdmin as ApprovingAdmin

from .models import GiftCard, LedgerEntry, Payment, Refund, Wallet

admin.site.index_template = "shop/admin_index.html"  # with the way to watch.py
admin.site.register([GiftCard, LedgerEntry, Wallet])


@admin.register(Payment)
class PaymentAdmin(HistoryMixin, admin.ModelAdmin):
    """Beside Django's history, the database's."""


@admin.register(Refund)
class RefundAdmin(ApprovingAdmin):
    """Refunds are looked at and approved here; `refunds/` requests and pays them."""

    list_display = ["__str__", "payment", "amount", "currency", "status"]
    list_filter = ["status"]
