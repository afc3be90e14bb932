"""manage.py paysafe suggest|check|diagram"""

import io
from unittest import mock

from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, migrations, models
from django.test import TransactionTestCase
from shop.models import GiftCard, LedgerEntry, Payment, Refund, Wallet

from django_paysafe import operations as rules
from django_paysafe import suggest
from django_paysafe.management.commands import paysafe


def paysafe_says(*args: str, **options: object) -> str:
    out = io.StringIO()
    call_command("paysafe", *args, stdout=out, **options)
    return out.getvalue()


def proposal(model, rule, declaration, confidence="high"):
    return suggest.Proposal(model, rule, declaration, "because", confidence)


class SuggestTests(TransactionTestCase):
    def test_an_app(self) -> None:
        """Tables that have no rules yet; what comes is a migration that can be read."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT rule FROM paysafe.suggest('auth_user')")
            self.assertIn(("audit",), cursor.fetchall())
        text = paysafe_says("suggest", "auth.User")
        scope: dict = {}
        exec(text, scope)
        self.assertEqual(scope["Migration"].dependencies[0][0], "auth")
        [audit] = [op for op in scope["Migration"].operations if isinstance(op, rules.Audit)]
        self.assertEqual((audit.model_name, audit.redact), ("User", ["password", "email"]))
        sql = paysafe_says("suggest", "auth.User", "--sql")
        self.assertIn("SELECT paysafe.audit('public.auth_user', '{password,email}');", sql)

    def test_what_paysafe_says_of_a_shop(self) -> None:
        """Every proposal for tables of a shop becomes an operation, not SQL."""
        operations = (
            migrations.CreateModel(
                "Sale",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("state", models.CharField(max_length=10, default="open")),
                    ("amount", models.DecimalField(max_digits=9, decimal_places=2)),
                    ("captured", models.DecimalField(max_digits=9, decimal_places=2)),
                    ("currency", models.CharField(max_length=3, db_column="ccy")),
                ],
            ),
            migrations.CreateModel(
                "SaleRefund",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("sale", models.ForeignKey("shop.Sale", models.CASCADE)),
                    ("state", models.CharField(max_length=10, default="open")),
                    ("amount", models.DecimalField(max_digits=9, decimal_places=2)),
                    ("currency", models.CharField(max_length=3)),
                ],
            ),
        )
        from .test_operations import Step

        state = Step(operations[0]).state
        with connection.schema_editor() as editor:
            for operation in operations:
                before = state.clone()
                operation.state_forwards("shop", state)
                operation.database_forwards("shop", editor, before, state)
        sale = state.apps.get_model("shop.Sale")
        refund = state.apps.get_model("shop.SaleRefund")
        paid = sale.objects.create(state="captured", amount=1, captured=1, currency="EUR")
        refund.objects.create(sale=paid, state="sent", amount=1, currency="EUR")
        try:
            found = suggest.proposals([refund, sale], "default")
            with mock.patch.object(
                suggest,
                "_tables",
                lambda using: {"public.shop_sale": sale, "public.shop_salerefund": refund},
            ):
                text = suggest.migration("shop", found, "default")
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(refund)
                editor.delete_model(sale)
        self.assertIn(("shop", "0002_rules"), self.executed(text).dependencies)
        self.assertNotIn("RunSQL", text)
        self.assertIn('currency="currency"'.replace('"', "'"), text)
        self.assertIn("rules.ProtectStatus(", text)
        self.assertIn("rules.ProtectPayment(", text)
        self.assertIn("rules.ProtectRefund(", text)
        self.assertIn("mode='observe'", text)
        # payments come before their refunds
        self.assertLess(text.index("ProtectPayment("), text.index("ProtectRefund("))

    def executed(self, text: str):
        scope: dict = {}
        exec(text, scope)
        return scope["Migration"]

    def test_each_function(self) -> None:
        """What a declaration says, an operation says: the same arguments reach the database."""
        declarations = (
            proposal(Payment, "audit", "SELECT paysafe.audit('shop_payment', '{note}');"),
            proposal(
                Payment,
                "status",
                "SELECT paysafe.protect_status('shop_payment', 'status',"
                " E'[*] --> a\n\ta --> ''b\\\\''', mode => 'observe');",
            ),
            proposal(
                Payment,
                "columns",
                "SELECT paysafe.protect_columns('shop_payment', '{note,\"odd one\"}');",
            ),
            proposal(Payment, "append_only", "SELECT paysafe.protect_append_only('shop_payment');"),
            proposal(
                Payment,
                "payment",
                "SELECT paysafe.protect_payment('shop_payment', 'status', 'amount', 'captured',"
                " NULL, captured => '{\"a, b\",c}', currency => 'EUR',"
                " decimals => 4, mode => 'observe');",
            ),
            proposal(
                Refund,
                "refund",
                "SELECT paysafe.protect_refund('public.shop_refund', 'public.shop_payment',"
                " 'payment_id', 'amount', status_column => 'status', gated => '{x}', void => '{}',"
                " payment_amount_column => 'captured');",
            ),
            proposal(
                Refund,
                "captures",
                "SELECT paysafe.protect_captures('shop_refund', 'public.shop_payment',"
                " 'payment_id', 'amount', currency_path => '{payment_id,currency}',"
                " status_column => 'status', counted => '{x}', limit_column => 'captured');",
            ),
            proposal(
                Refund,
                "captures",
                "SELECT paysafe.protect_captures('shop_refund', 'public.shop_payment',"
                " 'payment_id', 'amount', currency_path => '{status,currency}');",
            ),
            proposal(
                LedgerEntry,
                "ledger",
                "SELECT paysafe.protect_ledger('shop_ledgerentry', 'transaction', 'wallet_id',"
                " 'amount', 'currency');",
            ),
            proposal(
                Wallet,
                "balance",
                "SELECT paysafe.protect_balance('shop_wallet', 'id', 'balance',"
                " 'public.shop_ledgerentry', 'minimum');",
            ),
            proposal(
                GiftCard,
                "row_lock",
                "SELECT paysafe.protect_row_lock('shop_giftcard', '{balance}', mode => 'observe');",
                "low",
            ),
            proposal(Payment, "new", "SELECT paysafe.protect_new('shop_payment', 1);"),
            proposal(Payment, "status", "SELECT paysafe.protect_status('shop_payment', x());"),
        )
        text = suggest.migration("shop", list(declarations), "default")
        audit, status, columns, append_only, payment, refund, *others = self.executed(
            text
        ).operations
        captures, loose, ledger, balance, new, odd = others
        self.assertEqual(audit.redact, ["note"])
        self.assertEqual((status.field, status.mode), ("status", "observe"))
        self.assertEqual(
            [line.strip() for line in status.machine.strip().splitlines()],
            ["[*] --> a", "a --> 'b\\'"],
        )
        self.assertEqual(columns.fields, ["note", rules.Column("odd one")])
        self.assertEqual(append_only.mode, "enforce")
        self.assertEqual(
            (payment.captured, payment.currency, payment.currency_code, payment.decimals),
            (["a, b", "c"], None, "EUR", 4),
        )
        self.assertEqual(
            (refund.payment, refund.payment_model, refund.gated, refund.void),
            ("payment", None, ["x"], []),
        )
        self.assertEqual(refund.payment_amount, "captured")
        self.assertEqual((ledger.transaction, ledger.account), ("transaction", "wallet"))
        self.assertEqual((balance.key, balance.ledger), ("pk", "LedgerEntry"))
        self.assertEqual(
            (captures.currency, captures.counted, captures.limit, captures.payment_model),
            ("payment__currency", ["x"], "captured", None),
        )
        for operation in (loose, new, odd):
            self.assertIsInstance(operation, migrations.RunSQL)
        self.assertIn("# rules.ProtectRowLock(", text)
        from .test_operations import Step

        for operation in (status, payment, refund, ledger, balance):
            model = operation.model(Step(operation).state, "shop", operation.model_name)
            self.assertTrue(operation.arguments(model, Step(operation).state, "shop"))

    def test_nothing_to_propose(self) -> None:
        with mock.patch.object(paysafe, "proposals", return_value=[]):
            self.assertEqual(
                paysafe_says("suggest", "shop.Payment"), "# shop: nothing to propose\n"
            )
        for label in ("nowhere", "shop.Nothing"):
            with self.assertRaises(CommandError):
                paysafe_says("suggest", label)


class CheckTests(TransactionTestCase):
    def answer(self, rows, **options):
        """Exit status and text for what paysafe.check() says."""
        out = io.StringIO()
        cursor = mock.MagicMock()
        cursor.__enter__.return_value.fetchall.return_value = rows
        with mock.patch.object(connection, "cursor", return_value=cursor):
            command = paysafe.Command(stdout=out)
            status = command.check_rules("default", False, options.get("verbosity", 1))
        return status, out.getvalue().splitlines()

    def test_as_nagios_reads_it(self) -> None:
        fine, off = ("t", "row_trigger", True, ""), ("t", "row_trigger", False, "gone")
        observes = ("t", "mode", False, "status only observes")
        self.assertEqual(self.answer([fine]), (0, ["PAYSAFE OK: every promise is in force"]))
        self.assertEqual(
            self.answer([fine], verbosity=2)[1][1:],
            ["ok: t: row_trigger: "],
        )
        self.assertEqual(
            self.answer([fine, observes]),
            (
                1,
                [
                    "PAYSAFE WARNING: 1 rules only observe",
                    "observes: t: mode: status only observes",
                ],
            ),
        )
        self.assertEqual(
            self.answer([off, observes]),
            (
                2,
                [
                    "PAYSAFE CRITICAL: 1 not in force",
                    "NOT OK: t: row_trigger: gone",
                    "observes: t: mode: status only observes",
                ],
            ),
        )

    def test_of_the_database(self) -> None:
        """The tests' own is declared to be one for tests."""
        for options in ([], ["--reconcile"]):
            with self.assertRaises(SystemExit) as caught:
                paysafe_says("check", *options)
            self.assertEqual(caught.exception.code, 2)

    def test_nobody_knows(self) -> None:
        with mock.patch.object(connection, "cursor", side_effect=DatabaseError("gone")):
            out = io.StringIO()
            with self.assertRaises(SystemExit) as caught:
                call_command("paysafe", "check", stdout=out)
        self.assertEqual(caught.exception.code, 3)
        self.assertEqual(out.getvalue(), "PAYSAFE UNKNOWN: gone\n")


class DiagramTests(TransactionTestCase):
    def test_as_declared(self) -> None:
        text = paysafe_says("diagram", "shop.Payment")
        self.assertIn("authorized --> captured", text)

    def test_as_seen(self) -> None:
        payment = Payment.objects.create(amount=1)
        Payment.objects.filter(pk=payment.pk).update(status="cancelled")
        self.assertRegex(
            paysafe_says("diagram", "shop.Payment", "--seen", "status"),
            r"authorized --> cancelled : \d",
        )

    def test_what_has_none(self) -> None:
        for args in (["shop.Wallet"], ["shop"], ["shop.Payment", "--seen", "nothing"]):
            with self.subTest(args), self.assertRaises(CommandError):
                paysafe_says("diagram", *args)
