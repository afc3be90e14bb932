"""Rules and fixtures in tests."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import FieldDoesNotExist
from django.db import connection, migrations, models
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from shop.models import Payment, Refund

from django_paysafe import acting, atomic, errors
from django_paysafe import operations as rules
from django_paysafe.declarations import renamed
from django_paysafe.testing import _Steps, declare_rules, fixtures


class FixturesTests(TransactionTestCase):
    def add(self, **fields):
        return Payment.objects.create(amount=100, captured=100, status="captured", **fields)

    def test_rows_in_any_state(self) -> None:
        with self.assertRaises(errors.IllegalInitialStatus), atomic():
            self.add()
        with fixtures("paid long ago"):
            payment = self.add()
        Refund.objects.create(payment=payment, amount=100)
        with self.assertRaises(errors.RefundExceedsCaptured), atomic():
            Refund.objects.create(payment=payment, amount=1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM paysafe.fixture_block ORDER BY at DESC LIMIT 1")
            self.assertEqual(cursor.fetchone()[0], "paid long ago")

    def test_what_follows_is_judged(self) -> None:
        """In the same transaction."""
        with acting("alice"), atomic():
            with fixtures():
                self.add()
            with self.assertRaises(errors.IllegalInitialStatus), atomic():
                self.add()

    def test_a_failure_ends_it(self) -> None:
        with atomic():
            with self.assertRaises(ZeroDivisionError), fixtures():
                self.add(note="gone")
                raise ZeroDivisionError
            with self.assertRaises(errors.IllegalInitialStatus), atomic():
                self.add()
        self.assertFalse(Payment.objects.filter(note="gone").exists())


class SetUpTests(TestCase):
    @classmethod
    @fixtures("for the class")
    def setUpTestData(cls) -> None:
        cls.payment = Payment.objects.create(amount=9, captured=9, status="captured")

    def test_of_a_whole_class(self) -> None:
        Refund.objects.create(payment=self.payment, amount=9)
        with self.assertRaises(errors.IllegalInitialStatus), atomic():
            Payment.objects.create(amount=1, status="captured")


class DeclareTests(TransactionTestCase):
    def test_again(self) -> None:
        """The rules of an app's migrations, on tables that are there."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM paysafe.rule ORDER BY relation, rule, version")
            before = cursor.fetchall()
            self.assertEqual(declare_rules("shop"), 15)
            cursor.execute("SELECT * FROM paysafe.rule ORDER BY relation, rule, version")
            self.assertEqual(cursor.fetchall(), before)

    def test_where_migrations_are_skipped(self) -> None:
        """In databases of their own."""
        tests = Path(__file__).parents[1]
        with tempfile.TemporaryFile("w+") as log:
            done = subprocess.run(
                [
                    sys.executable,
                    "manage.py",
                    "test",
                    "cases.skipped",
                    "--noinput",
                    "--parallel=2",
                ],
                cwd=tests,
                env={**os.environ, "SKIP_MIGRATIONS": "1", "TEST_DATABASE": "skipped"},
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=900,
            )
            log.seek(0)
            text = log.read()
        self.assertEqual(done.returncode, 0, text)
        self.assertIn("Ran 2 tests", text)


class RenamedTests(SimpleTestCase):
    """What a migration calls a field or a model, tables need not call any more."""

    def steps(self, *operations):
        class Loader:
            class graph:
                nodes = {("shop", "1"): type("Migration", (), {"operations": operations})}

                @staticmethod
                def leaf_nodes():
                    return [("shop", "1")]

                @staticmethod
                def forwards_plan(leaf):
                    return [leaf]

        return _Steps(Loader, {"shop"}).steps

    def test_models_and_fields(self) -> None:
        ledger = rules.ProtectBalance("Purse", balance="sum", ledger="Line")
        lock = rules.ProtectRowLock("Other", ["sum"])
        [(_, balance, names)] = self.steps(
            ledger,
            lock,
            migrations.RenameField("purse", "sum", "total"),
            migrations.RenameModel("Purse", "Wallet"),
            migrations.RenameField("wallet", "total", "balance"),
            migrations.RenameModel("Line", "LedgerEntry"),
            migrations.DeleteModel("Other"),
        )
        self.assertEqual((balance.model_name, balance.ledger), ("shop.Wallet", "shop.LedgerEntry"))
        self.assertEqual(names, {("shop", "wallet", "sum"): "balance"})
        self.assertEqual((ledger.model_name, ledger.ledger), ("Purse", "Line"))
        token = renamed.set(names)
        try:
            from shop.models import LedgerEntry, Wallet

            self.assertEqual(rules.RuleOperation.column(Wallet, "sum"), "balance")
            with self.assertRaises(FieldDoesNotExist):
                rules.RuleOperation.column(LedgerEntry, "sum")
        finally:
            renamed.reset(token)

    def test_models_that_a_currency_leads_over(self) -> None:
        paid = rules.ProtectPayment(
            "Paid",
            status="s",
            amount="a",
            captured=["c"],
            currency="order__currency",
            currency_models=["Order", "other.Order"],
        )
        [(_, now, _)] = self.steps(paid, migrations.RenameModel("Order", "Cart"))
        self.assertEqual(now.currency_models, ["shop.Cart", "other.Order"])
        self.assertEqual(paid.currency_models, ["Order", "other.Order"])

    def test_rules_that_were_dropped(self) -> None:
        first, second = rules.ProtectAppendOnly("A"), rules.Audit("A")
        steps = self.steps(
            first, second, rules.Maintenance("x", "T-1", [rules.Unprotect(first, "x")])
        )
        self.assertEqual([step[1] for step in steps], [second])

    def test_what_is_carried_out(self) -> None:
        sql = migrations.RunSQL("SELECT paysafe.extend_audit()")
        steps = self.steps(
            migrations.RunSQL("SELECT 1"),
            sql,
            migrations.SeparateDatabaseAndState([rules.Audit("A")], [rules.Audit("B")]),
            migrations.AddField("A", "x", models.TextField()),
        )
        self.assertEqual([getattr(step[1], "model_name", step[1]) for step in steps], [sql, "A"])
