"""Every way in which the ORM writes, in tests that roll back (TestCase)."""

from decimal import Decimal
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import F
from django.test import TestCase, TransactionTestCase
from django_paysafe import acting

from ..models import GiftCard, LedgerEntry, Payment, Refund, Wallet
from .refusals import refused


def captured(amount: int = 100) -> Payment:
    payment = Payment.objects.create(amount=amount)
    payment.status, payment.captured = "captured", amount
    payment.save()
    return payment


class StatusTest(TestCase):
    constraint = "paysafe_shop_payment_status"

    def setUp(self) -> None:
        self.payment = captured()

    def refused(self):
        return refused(self, IntegrityError, "23T01", self.constraint)

    def test_save(self) -> None:
        self.payment.status = "authorized"
        with self.refused() as refusal:
            self.payment.save()
        self.assertIn('from "captured" to "authorized"', refusal.message)

    def test_save_of_one_field(self) -> None:
        self.payment.status = "cancelled"
        with self.refused():
            self.payment.save(update_fields=["status"])

    def test_save_of_what_has_not_changed(self) -> None:
        self.payment.note = "called the customer"
        self.payment.save()

    def test_update(self) -> None:
        with self.refused():
            Payment.objects.filter(pk=self.payment.pk).update(status="authorized")

    def test_bulk_update(self) -> None:
        self.payment.status = "authorized"
        with self.refused():
            Payment.objects.bulk_update([self.payment], ["status"])

    def test_upsert(self) -> None:
        copy = Payment(pk=self.payment.pk, amount=100, captured=100, status="cancelled")
        with self.refused():
            Payment.objects.bulk_create(
                [copy],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["status", "captured"],
            )

    def test_raw_cursor(self) -> None:
        with self.refused(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE shop_payment SET status = %s WHERE id = %s",
                ["authorized", self.payment.pk],
            )

    def test_first_status(self) -> None:
        with refused(self, IntegrityError, "23T02", self.constraint):
            Payment.objects.create(amount=5, status="captured", captured=5)

    def test_delete(self) -> None:
        with refused(self, IntegrityError, "23T03", self.constraint):
            self.payment.delete()

    def test_loaddata(self) -> None:
        row = {
            "model": "shop.payment",
            "pk": self.payment.pk,
            "fields": {"status": "authorized", "amount": "100", "captured": "0"},
        }
        with TemporaryDirectory() as folder:
            fixture = Path(folder, "payment.json")
            fixture.write_text(json.dumps([row]))
            with self.refused():
                call_command("loaddata", fixture, verbosity=0)

    def test_the_transaction_goes_on_after_a_savepoint(self) -> None:
        with self.refused():
            Payment.objects.update(status="authorized")
        self.payment.refresh_from_db()
        self.assertEqual(self.payment.status, "captured")


class MoneyTest(TestCase):
    def test_captured_amount(self) -> None:
        payment = captured()
        with refused(self, IntegrityError, "23R05", "paysafe_shop_payment_payment"):
            Payment.objects.filter(pk=payment.pk).update(captured=F("captured") + 1)

    def test_refunds_exceed_what_was_captured(self) -> None:
        payment = captured()
        Refund.objects.create(payment=payment, amount=80)
        with refused(self, IntegrityError, "23R01", "paysafe_shop_refund_refund"):
            Refund.objects.create(payment=payment, amount=21)

    def test_refund_above_the_threshold(self) -> None:
        with acting("alice"):
            refund = Refund.objects.create(payment=captured(2000), amount=900)
        refund.status = "executing"
        with refused(self, ProgrammingError, "42501", "paysafe_shop_refund_approval") as refusal:
            refund.save()
        self.assertIn("paysafe.approve", refusal.hint)

    def test_refund_that_nobody_has_requested(self) -> None:
        refund = Refund.objects.create(payment=captured(2000), amount=900)
        refund.status = "executing"
        with refused(self, ProgrammingError, "42501", "paysafe_shop_refund_approval") as refusal:
            refund.save()
        self.assertIn("paysafe.act_as", refusal.hint)

    def test_approved_by_another_person(self) -> None:
        with acting("alice"):
            refund = Refund.objects.create(payment=captured(2000), amount=900)
        with acting("bob"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT paysafe.approve('shop_refund', %s, 'photo seen')", [str(refund.pk)]
            )
        refund.status = "executing"
        with acting("alice"):
            refund.save()


class WalletTest(TestCase):
    def setUp(self) -> None:
        self.world = Wallet.objects.create(owner="world", minimum=-1000)
        self.fees = Wallet.objects.create(owner="fees", minimum=None)
        self.ann = Wallet.objects.create(owner="ann")
        self.post((self.world, -100), (self.ann, 100))

    def post(self, *entries: "tuple[Wallet, float]") -> None:
        transaction_id = uuid4()
        LedgerEntry.objects.bulk_create(
            LedgerEntry(transaction=transaction_id, wallet=wallet, amount=amount)
            for wallet, amount in entries
        )

    def test_entries_move_balances(self) -> None:
        self.post((self.ann, -30), (self.fees, 30))
        self.ann.refresh_from_db()
        self.assertEqual(self.ann.balance, 70)
        with connection.cursor() as cursor:
            cursor.execute("SELECT paysafe.balance(%s)", [str(self.fees.pk)])
            self.assertEqual(cursor.fetchone()[0], Decimal(30))

    def test_overdraft(self) -> None:
        with refused(self, IntegrityError, "23M01", "paysafe_shop_wallet_balance"):
            self.post((self.ann, -101), (self.fees, 101))

    def test_balance_by_hand(self) -> None:
        with refused(self, IntegrityError, "23M02", "paysafe_shop_wallet_balance"):
            Wallet.objects.filter(pk=self.ann.pk).update(balance=F("balance") + 1)

    def test_save_of_another_column(self) -> None:
        self.ann.refresh_from_db()
        self.ann.owner = "Ann"
        self.ann.save()

    def test_entry_changed(self) -> None:
        with refused(self, IntegrityError, "23L01", "paysafe_shop_ledgerentry_ledger"):
            LedgerEntry.objects.update(amount=1)

    def test_entry_deleted(self) -> None:
        with refused(self, IntegrityError, "23L01", "paysafe_shop_ledgerentry_ledger"):
            LedgerEntry.objects.all().delete()


class CommitTest(TransactionTestCase):
    """What is checked at COMMIT; these tests end with a TRUNCATE of all tables."""

    available_apps = ["shop"]

    def test_unbalanced(self) -> None:
        wallet = Wallet.objects.create(owner="ann", minimum=None)
        with refused(self, IntegrityError, "23L02", "paysafe_shop_ledgerentry_ledger"):
            LedgerEntry.objects.create(transaction=uuid4(), wallet=wallet, amount=5)
        self.assertFalse(LedgerEntry.objects.exists())

    def test_posted_already(self) -> None:
        one = Wallet.objects.create(owner="one", minimum=None)
        two = Wallet.objects.create(owner="two", minimum=None)
        transaction_id = uuid4()

        def post() -> None:
            with transaction.atomic():
                LedgerEntry.objects.create(transaction=transaction_id, wallet=one, amount=5)
                LedgerEntry.objects.create(transaction=transaction_id, wallet=two, amount=-5)

        post()
        with refused(self, IntegrityError, "23L04", "paysafe_shop_ledgerentry_ledger"):
            post()

    def test_after_a_flush_accounts_begin_anew(self) -> None:
        # the first wallet of each of these tests, under one key or another
        wallet = Wallet.objects.create(pk=1, owner="ann")
        other = Wallet.objects.create(pk=2, owner="bob", minimum=-10)
        transaction_id = uuid4()
        with transaction.atomic():
            LedgerEntry.objects.create(transaction=transaction_id, wallet=wallet, amount=5)
            LedgerEntry.objects.create(transaction=transaction_id, wallet=other, amount=-5)
        wallet.refresh_from_db()
        self.assertEqual(wallet.balance, 5)

    test_after_a_flush_accounts_begin_anew_again = test_after_a_flush_accounts_begin_anew


class LostUpdateTest(TransactionTestCase):
    """Two requests have read the same gift card."""

    available_apps = ["shop"]

    def setUp(self) -> None:
        GiftCard.objects.create(code="X", balance=100)
        self.mine = GiftCard.objects.get(code="X")
        other = GiftCard.objects.filter(code="X")
        other.update(balance=F("balance") - 30)

    def test_written_back(self) -> None:
        self.mine.balance += 50
        with refused(
            self, IntegrityError, "23M04", "paysafe_shop_giftcard_row_lock"
        ) as refusal:
            self.mine.save()
        self.assertIn("select_for_update()", refusal.hint)
        self.assertIn("F('balance')", refusal.hint)

    def test_bulk_update(self) -> None:
        self.mine.balance += 50
        with refused(self, IntegrityError, "23M04", "paysafe_shop_giftcard_row_lock"):
            GiftCard.objects.bulk_update([self.mine], ["balance"])

    def test_computed_by_the_database(self) -> None:
        self.mine.balance = F("balance") + 50
        self.mine.save()
        self.assertEqual(GiftCard.objects.get().balance, 120)

    def test_locked(self) -> None:
        for no_key in (False, True):
            with transaction.atomic():
                card = GiftCard.objects.select_for_update(no_key=no_key).get(code="X")
                card.balance += 50
                card.save()
        self.assertEqual(GiftCard.objects.get().balance, 170)
