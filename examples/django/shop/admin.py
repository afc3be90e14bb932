from django.contrib import admin

from .models import GiftCard, LedgerEntry, Payment, Refund, Wallet

admin.site.register([GiftCard, LedgerEntry, Payment, Refund, Wallet])
