"""Each SQLSTATE as a class of its own, under the class that Django has for it."""

import pickle
import re
import uuid
from pathlib import Path

from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import SimpleTestCase, TransactionTestCase
from shop.models import GiftCard, LedgerEntry, Payment, Refund, Wallet

from django_paysafe import Refusal, atomic, errors, refusal_of, refusals


class ClassTests(SimpleTestCase):
    def test_every_code_has_a_class(self) -> None:
        text = (Path(__file__).parents[4] / "doc" / "errors.md").read_text()
        codes = set(re.findall(r"`(23[TLMR]\d\d)`", text))
        self.assertGreater(len(codes), 20)
        self.assertLessEqual(codes, set(errors._CLASSES))

    def test_codes_and_statuses(self) -> None:
        names = [cls.__name__ for cls in errors._CLASSES.values()]
        self.assertEqual(len(names), len(set(names)))
        for cls in errors._CLASSES.values():
            one = {errors.RequestUnfinished: (500,), errors.TooFast: (429,)}
            self.assertIn(cls.http_status, one.get(cls, (403, 409, 422)))
            self.assertNotEqual(cls.summary, Refusal.summary)
        self.assertEqual(errors.RefundExceedsCaptured("").code, "refund_exceeds_captured")

    def test_codes_to_come(self) -> None:
        class Diag:
            sqlstate, constraint_name = "23M99", "paysafe_wallet_balance"
            message_primary, message_detail, message_hint = "no", None, None
            schema_name, table_name, column_name = "public", "wallet", None

        class Raised(Exception):
            diag = Diag

        refusal = refusal_of(Raised())
        self.assertIs(type(refusal), errors.BalanceRefusal)
        self.assertEqual(refusal.rule, "balance")
        Diag.constraint_name = "wallet_balance_check"
        self.assertIsNone(refusal_of(Raised()))
        Diag.constraint_name, Diag.sqlstate = "paysafe_wallet_balance", "23514"
        self.assertIsNone(refusal_of(Raised()))
        self.assertIsNone(refusal_of(None))
        self.assertIsNone(refusal_of(ValueError()))


class RefusalTests(TransactionTestCase):
    def setUp(self) -> None:
        self.payment = Payment.objects.create(amount=100)
        Payment.objects.filter(pk=self.payment.pk).update(status="captured", captured=100)
        self.payment.refresh_from_db()

    def refund(self, **values):
        return Refund.objects.create(**{"payment": self.payment, "amount": 10, **values})

    def test_each(self) -> None:
        wallet = Wallet.objects.create(owner="alice")
        fees = Wallet.objects.create(owner="fees", minimum=None)
        card = GiftCard.objects.create(code="x", balance=5)

        def post(**values):
            defaults = {"transaction": uuid.uuid4(), "wallet": fees, "amount": 5}
            return LedgerEntry.objects.create(**{**defaults, **values})

        def transfer(number=None, account=wallet, amount=5):
            number = number or uuid.uuid4()
            LedgerEntry.objects.bulk_create(
                [
                    LedgerEntry(transaction=number, wallet=account, amount=amount),
                    LedgerEntry(transaction=number, wallet=fees, amount=-amount),
                ]
            )
            return number

        posted = transfer()
        payments = Payment.objects.filter(pk=self.payment.pk)
        for expected, rule, change in (
            (errors.IllegalTransition, "status", lambda: payments.update(status="authorized")),
            (
                errors.IllegalInitialStatus,
                "status",
                lambda: Payment.objects.create(status="captured", amount=1, captured=1),
            ),
            (errors.DeletionRefused, "status", payments.delete),
            (errors.UnknownStatus, "status", lambda: payments.update(status="lost")),
            (errors.KeyChanged, "status", lambda: payments.update(id=99999)),
            (errors.FrozenColumn, "columns_once", lambda: payments.update(note="other")),
            (errors.CaptureRefused, "payment", lambda: payments.update(captured=99)),
            (errors.BadAmount, "payment", lambda: Payment.objects.create(amount=-1)),
            (errors.RefundExceedsCaptured, "refund", lambda: self.refund(amount=101)),
            (errors.CurrencyMismatch, "refund", lambda: self.refund(currency="USD")),
            (errors.AppendOnly, "ledger", lambda: LedgerEntry.objects.update(amount=1)),
            (errors.Unbalanced, "ledger", post),
            (errors.BadEntry, "ledger", lambda: post(amount=0)),
            (errors.TransactionClosed, "ledger", lambda: transfer(posted)),
            (errors.InsufficientBalance, "balance", lambda: transfer(amount=-6)),
            (
                errors.DirectBalanceWrite,
                "balance",
                lambda: Wallet.objects.filter(pk=wallet.pk).update(balance=9),
            ),
            (errors.BadAccount, "balance", lambda: post(wallet_id=99999)),
            (
                errors.LostUpdate,
                "row_lock",
                lambda: GiftCard(pk=card.pk, code="x", balance=9).save(),
            ),
        ):
            with self.subTest(expected.__name__):
                with self.assertRaises(expected) as caught, atomic():
                    change()
                refusal = caught.exception
                self.assertIsInstance(refusal, IntegrityError)
                self.assertEqual(refusal.rule, rule)
                self.assertEqual(refusal.constraint, refusal.__cause__.diag.constraint_name)
                self.assertIs(errors._CLASSES[refusal.sqlstate], expected)

    def test_what_it_says(self) -> None:
        with self.assertRaises(errors.IllegalTransition) as caught, refusals():
            Payment.objects.update(status="authorized")
        refusal = caught.exception
        self.assertEqual(
            (refusal.sqlstate, refusal.schema, refusal.table, refusal.column, refusal.constraint),
            ("23T01", "public", "shop_payment", "status", "paysafe_shop_payment_status"),
        )
        self.assertIn('from "captured" to "authorized"', refusal.message)
        self.assertTrue(str(refusal).startswith(refusal.message))
        self.assertIn(refusal.detail, refusal.explanation)
        self.assertEqual(
            refusal.as_json(),
            {"detail": "The status does not allow this.", "code": "illegal_transition"},
        )

    def test_approval(self) -> None:
        Payment.objects.filter(pk=self.payment.pk).update(note=self.payment.note)
        large = Payment.objects.create(amount=900)
        Payment.objects.filter(pk=large.pk).update(status="captured", captured=900)
        refund = self.refund(payment=large, amount=900)
        with self.assertRaises(errors.ApprovalNeeded) as caught, atomic():
            Refund.objects.filter(pk=refund.pk).update(status="executing")
        self.assertIsInstance(caught.exception, ProgrammingError)
        self.assertEqual(caught.exception.http_status, 403)

    def test_at_commit_of_the_inner_and_outer_block(self) -> None:
        wallet = Wallet.objects.create(owner="fees", minimum=None)
        with self.assertRaises(errors.Unbalanced), atomic():
            with atomic():
                LedgerEntry.objects.create(transaction=uuid.uuid4(), wallet=wallet, amount=1)
        with self.assertRaises(errors.Unbalanced), refusals():
            with transaction.atomic():
                LedgerEntry.objects.create(transaction=uuid.uuid4(), wallet=wallet, amount=1)
        self.assertEqual(LedgerEntry.objects.count(), 0)

    def test_going_on_after_an_inner_block(self) -> None:
        with atomic():
            with self.assertRaises(errors.IllegalTransition), atomic():
                Payment.objects.update(status="authorized")
            Payment.objects.create(amount=1, note="after")
        self.assertTrue(Payment.objects.filter(note="after").exists())

    def test_as_decorators(self) -> None:
        @atomic
        def plain() -> None:
            Payment.objects.update(status="authorized")

        @atomic(using="default", durable=True)
        def with_arguments() -> None:
            Payment.objects.update(status="authorized")

        @refusals()
        def outside() -> None:
            Payment.objects.update(status="authorized")

        for function in (plain, with_arguments, outside):
            with self.subTest(function.__name__), self.assertRaises(errors.IllegalTransition):
                function()

    def test_other_errors_stay_what_they_are(self) -> None:
        GiftCard.objects.create(code="twice", balance=1)
        with self.assertRaises(IntegrityError) as caught, atomic():
            GiftCard.objects.create(code="twice", balance=1)
        self.assertNotIsInstance(caught.exception, Refusal)
        with self.assertRaises(ZeroDivisionError), atomic():
            raise ZeroDivisionError
        with self.assertRaises(ProgrammingError) as denied, refusals():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL ROLE pg_monitor")
                cursor.execute("SELECT * FROM shop_payment")
        self.assertIsNone(refusal_of(denied.exception))

    def test_through_pickle(self) -> None:
        with self.assertRaises(errors.IllegalTransition) as caught, refusals():
            Payment.objects.update(status="authorized")
        copy = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(copy.__dict__, caught.exception.__dict__)
        self.assertEqual((type(copy), str(copy)), (type(caught.exception), str(caught.exception)))
