"""Rules declared by migrations, and what it takes to go back."""

import contextlib
import datetime
import inspect
import io
import json
from pathlib import Path

from django.core.management import call_command
from django.db import NotSupportedError, connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import OperationWriter
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings
from shop.models import GiftCard, Payment, Refund

from django_paysafe import acting, atomic, errors
from django_paysafe import operations as rules


def rows(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


class DeclaredTests(TestCase):
    def test_the_rules_are_those_of_the_example(self) -> None:
        """Its migration says the same in SQL."""
        declared = set(rows("SELECT relation::text, rule, definition FROM paysafe.protection"))
        path = Path(__file__).parents[4] / "examples/django/shop/migrations/0002_rules.py"
        with atomic():
            example: dict = {}
            exec(path.read_text(), example)
            # repeating a declaration with the same arguments changes nothing
            with connection.cursor() as cursor:
                cursor.execute(example["RULES"])
        again = set(rows("SELECT relation::text, rule, definition FROM paysafe.protection"))
        self.assertEqual(declared, again)
        self.assertEqual(
            {(table.partition("_")[2], rule) for table, rule, _ in declared},
            {
                ("payment", "status"),
                ("payment", "columns_once"),
                ("payment", "payment"),
                ("payment", "audit"),
                ("refund", "status"),
                ("refund", "refund"),
                ("refund", "threshold for EUR"),
                ("refund", "audit"),
                ("ledgerentry", "ledger"),
                ("ledgerentry", "audit"),
                ("wallet", "balance"),
                ("giftcard", "row_lock"),
                ("giftcard", "audit"),
            },
        )
        self.assertEqual(rows("SELECT decimals FROM paysafe.currency WHERE code = 'XPT0'"), [(3,)])

    def test_sqlmigrate(self) -> None:
        out = io.StringIO()
        call_command("sqlmigrate", "shop", "0002", stdout=out)
        self.assertRegex(
            out.getvalue(),
            r"""SELECT paysafe.protect_row_lock\(relation => '"shop_giftcard"'::regclass,"""
            r""" columns => \S*balance\S*::name\[\]\);""",
        )
        out = io.StringIO()
        call_command("sqlmigrate", "shop", "0002", backwards=True, stdout=out)
        self.assertIn("SELECT paysafe.unprotect(", out.getvalue())

    def test_nothing_to_migrate(self) -> None:
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)


class Step:
    """One operation, applied and reversed by hand."""

    def __init__(self, operation) -> None:
        self.operation = operation
        executor = MigrationExecutor(connection)
        self.state: ProjectState = executor.loader.project_state(("shop", "0002_rules"))

    def forwards(self) -> None:
        with connection.schema_editor(atomic=True) as editor:
            self.operation.database_forwards("shop", editor, self.state, self.state)

    def backwards(self) -> None:
        with connection.schema_editor(atomic=True) as editor:
            self.operation.database_backwards("shop", editor, self.state, self.state)


def approve_as_hinted(refusal, actor: str) -> None:
    """Make the call that the hint has."""
    begin, end = refusal.hint.index("paysafe.approve("), refusal.hint.index(";  then")
    with acting(actor), atomic():
        rows("SELECT " + refusal.hint[begin:end])


@contextlib.contextmanager
def production():
    """In a test database nobody is in the way: for a while it is none."""

    def be(database: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE paysafe.test_database DISABLE TRIGGER USER;"
                f"UPDATE paysafe.test_database SET database = {database};"
                "ALTER TABLE paysafe.test_database ENABLE ALWAYS TRIGGER paysafe_own,"
                " ENABLE ALWAYS TRIGGER paysafe_own_truncate"
            )

    be("0")
    try:
        yield
    finally:
        be("(SELECT oid FROM pg_database WHERE datname = current_database())")


@contextlib.contextmanager
def maintenance(table: str):
    """A window that alice opens and bob approves."""
    opening = f"SELECT paysafe.open_maintenance('a test', 'T-1', '1 hour', '{{{table}}}')"
    try:
        with acting("alice"), errors.refusals(), atomic():
            rows(opening)
    except errors.NotAllowed as refusal:
        approve_as_hinted(refusal, "bob")
    with acting("alice"), atomic():
        rows(opening)
    try:
        yield
    finally:
        with acting("alice"), atomic():
            rows("SELECT paysafe.close_maintenance()")


class ReversedTests(TransactionTestCase):
    def go_back(self, step: Step) -> None:
        """Refused alone; done with a second person."""
        with production():
            self.go_back_in_production(step)

    def go_back_in_production(self, step: Step) -> None:
        with acting("alice"), self.assertRaises(errors.NotAllowed) as caught, errors.refusals():
            step.backwards()
        if "maintenance window" in str(caught.exception):
            with maintenance("shop_giftcard"), acting("alice"):
                step.backwards()
            return
        approve_as_hinted(caught.exception, "bob")
        with acting("alice"):
            step.backwards()

    def test_a_rule_goes_with_a_second_person(self) -> None:
        step = Step(rules.ProtectAppendOnly("GiftCard"))
        step.forwards()
        card = GiftCard.objects.create(code="x", balance=1)
        with self.assertRaises(errors.AppendOnly), atomic():
            card.delete()
        self.go_back(step)
        card.delete()
        self.assertEqual(
            rows(
                "SELECT rule FROM paysafe.protection"
                " WHERE relation = 'shop_giftcard'::regclass ORDER BY 1"
            ),
            [("audit",), ("row_lock",)],
        )

    def test_nobody_is_in_the_way_of_tests(self) -> None:
        step = Step(rules.ProtectColumns("GiftCard", ["code"]))
        step.forwards()
        GiftCard.objects.create(code="x", balance=1)
        with acting("alice"):
            step.backwards()
        self.assertNotIn(
            ("columns",),
            rows("SELECT rule FROM paysafe.protection WHERE relation = 'shop_giftcard'::regclass"),
        )

    def test_what_it_replaces_is_declared_again(self) -> None:
        GiftCard.objects.create(code="x", balance=1)
        before = rules.ProtectColumns("shop.GiftCard", ["code"])
        Step(before).forwards()
        step = Step(rules.ProtectColumns("giftcard", ["code"], replaces=None))
        step.operation.replaces, step.operation.fields = before, ["code", "id"]
        step.forwards()
        self.assertEqual(self.frozen(), ["code", "id"])
        self.go_back(step)
        self.assertEqual(self.frozen(), ["code"])
        self.go_back(Step(before))

    def frozen(self):
        [(columns,)] = rows(
            "SELECT columns FROM paysafe.protection"
            " WHERE relation = 'shop_giftcard'::regclass AND rule = 'columns'"
        )
        return sorted(columns)

    def test_threshold(self) -> None:
        Payment.objects.create(amount=1)
        step = Step(
            rules.SetRefundThreshold(
                "Refund",
                "EUR",
                400,
                approvers=2,
                within=datetime.timedelta(days=2),
                valid_for=datetime.timedelta(minutes=30),
                replaces=rules.SetRefundThreshold("Refund", "EUR", 500),
            )
        )
        step.forwards()
        threshold = "SELECT definition FROM paysafe.protection WHERE rule = 'threshold for EUR'"
        self.assertIn("above 400 EUR within 2 days need 2 approval", rows(threshold)[0][0])
        self.go_back(step)
        self.assertIn("above 500 EUR within 1 day need 1 approval", rows(threshold)[0][0])
        Step(rules.SetRefundThreshold("Refund", "EUR", 500)).backwards()
        self.assertIn("above 500 EUR", rows(threshold)[0][0])
        band = rules.SetRefundThreshold(
            "Refund",
            "EUR",
            5000,
            approvers=2,
            requester_identity="proven",
            approver_group="finance",
            band="large",
        )
        Step(band).forwards()
        self.assertEqual(
            rows(
                "SELECT band, above, approvers, approver_group, requester_identity"
                " FROM paysafe.approval_limit WHERE relation = 'shop_refund'::regclass"
                " AND band IS NOT NULL"
            ),
            [("large", 5000, 2, "finance", "proven")],
        )
        self.assertIn("above 500 EUR", rows(threshold)[0][0])


class OperationTests(SimpleTestCase):
    OPERATIONS = (
        rules.InstallPaysafe(),
        rules.SetCurrency("XYZ", 2),
        rules.ProtectStatus("Payment", "status", "[*] --> a", deletable=["a"]),
        rules.ProtectColumns("Payment", ["note"], once_status=["a"]),
        rules.ProtectAppendOnly("Payment"),
        rules.ProtectRowLock(
            "Payment", ["amount"], replaces=rules.ProtectRowLock("payment", ["note"])
        ),
        rules.Audit("Payment", redact=["note"], require_reason=True),
        rules.ProtectLedger(
            "LedgerEntry",
            transaction="transaction",
            account="wallet",
            amount="amount",
            currency="currency",
            mutable=["currency"],
            closed=False,
            rows={"currency": ["EUR"]},
        ),
        rules.ProtectEntries(
            "LedgerEntry", account="wallet", amount="amount", currency_code="EUR", minimum="0"
        ),
        rules.ProtectPayout(
            "Refund", of="provider_reference", amount="amount", currency="currency"
        ),
    )

    def test_written_and_read_again(self) -> None:
        for operation in self.OPERATIONS:
            name, args, kwargs = operation.deconstruct()
            with self.subTest(name):
                text, imports = OperationWriter(operation, indentation=0).serialize()
                scope: dict = {}
                exec("\n".join(sorted(imports | {"import django_paysafe.operations"})), scope)
                again = eval(text.rstrip().rstrip(","), scope)
                self.assertEqual(type(again), type(operation))
                for argument in kwargs:
                    self.assertIn(f"{argument}=", text)
                self.assertEqual(OperationWriter(again, indentation=0).serialize()[0], text)
                self.assertTrue(operation.reversible and operation.describe())
                self.assertTrue(operation.migration_name_fragment.isidentifier())

    def test_a_rule_replaces_its_own_kind(self) -> None:
        for other in (
            rules.ProtectAppendOnly("Payment"),
            rules.ProtectRowLock("Refund", ["amount"]),
        ):
            with self.assertRaises(ValueError):
                rules.ProtectRowLock("Payment", ["amount"], replaces=other)

    def test_optimizing_moves_nothing_across_a_rule(self) -> None:
        from django.db.migrations.optimizer import MigrationOptimizer

        steps = [
            migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))]),
            rules.ProtectAppendOnly("Thing"),
            migrations.AddField("Thing", "name", models.TextField(null=True)),
        ]
        self.assertEqual(MigrationOptimizer().optimize(steps, "shop"), steps)


class RouterTests(TransactionTestCase):
    @override_settings(DATABASE_ROUTERS=["cases.test_operations.Nowhere"])
    def test_a_database_that_does_not_have_the_model(self) -> None:
        before = rows("SELECT count(*) FROM paysafe.rule")
        for operation in (rules.ProtectAppendOnly("Payment"), rules.SetCurrency("XQQ", 2)):
            step = Step(operation)
            step.forwards()
            step.backwards()
        self.assertEqual(rows("SELECT count(*) FROM paysafe.rule"), before)
        self.assertEqual(rows("SELECT 1 FROM paysafe.currency WHERE code = 'XQQ'"), [])

    def test_another_database_system(self) -> None:
        class Editor:
            class connection:
                vendor, alias = "sqlite", "default"

        with self.assertRaises(NotSupportedError):
            rules.ProtectAppendOnly("Payment").database_forwards(
                "shop", Editor, None, Step(rules.InstallPaysafe()).state
            )


class Nowhere:
    def allow_migrate(self, db, app_label, **hints):
        return False


class ShapesTests(SimpleTestCase):
    """Where the currency stands, what is captured, which rows: in terms of fields."""

    def arguments(self, **given):
        operation = rules.ProtectPayment(
            "Refund", status="status", amount="amount", captured=["paid"], **given
        )
        return {
            name: value
            for name, (value, _) in operation.arguments(Refund, ProjectState(), "shop").items()
            if value is not None
        }

    def test_a_currency_of_another_row(self) -> None:
        arguments = self.arguments(currency="payment__currency")
        self.assertEqual(arguments["currency_path"], ["payment_id", "currency"])
        self.assertNotIn("currency_column", arguments)
        self.assertNotIn("captured_column", arguments)

    def test_a_path_leads_over_foreign_keys(self) -> None:
        with self.assertRaisesMessage(ValueError, "refers to no other model"):
            self.arguments(currency="amount__currency")

    def test_one_currency(self) -> None:
        self.assertEqual(self.arguments(currency_code="EUR")["currency"], "EUR")

    def test_which_rows(self) -> None:
        arguments = self.arguments(
            currency="currency", rows={"status": ["paid", None], "payment": {"not": [None]}}
        )
        self.assertEqual(
            json.loads(arguments["rows"]),
            {"status": ["paid", None], "payment_id": {"not": [None]}},
        )

    def test_payouts_have_no_payment(self) -> None:
        operation = rules.ProtectPayout(
            "Refund", of="provider_reference", amount="amount", currency_code="EUR"
        )
        given = operation.arguments(Refund, ProjectState(), "shop")
        self.assertEqual(given["payment_column"], ("provider_reference", "name"))
        self.assertIsNotNone(given["payment"][0])  # is sent, as NULL

    def test_entries(self) -> None:
        operation = rules.ProtectEntries(
            "Refund", account="payment", amount="amount", currency="payment__currency", minimum=0
        )
        given = operation.arguments(Refund, ProjectState(), "shop")
        self.assertEqual(given["account_column"], ("payment_id", "text"))
        self.assertEqual(given["currency_path"][0], ["payment_id", "currency"])
        self.assertEqual(given["minimum"][0], 0)

    def test_refunds_follow_the_payment(self) -> None:
        operation = rules.ProtectRefund("Refund", payment="payment", amount="amount")
        given = {
            name
            for name, (value, _) in operation.arguments(Refund, ProjectState(), "shop").items()
            if value is not None
        }
        self.assertEqual(given, {"payment", "payment_column", "amount_column"})


class ColumnTests(SimpleTestCase):
    """Columns that only the database has, and keys of several."""

    def test_in_place_of_a_field(self) -> None:
        operation = rules.ProtectPayment(
            "Payment",
            status=rules.Column("state"),
            amount="amount",
            captured=["a"],
            currency=rules.Column("ccy__x"),
            rows={rules.Column("kind"): ["sale"]},
        )
        arguments = operation.arguments(Payment, ProjectState(), "shop")
        self.assertEqual(arguments["status_column"], ("state", "name"))
        self.assertEqual(arguments["currency_column"], ("ccy__x", "name"))
        self.assertEqual(json.loads(arguments["rows"][0]), {"kind": ["sale"]})
        frozen = rules.ProtectColumns("Payment", ["note", rules.Column("old")])
        self.assertEqual(
            frozen.arguments(Payment, ProjectState(), "shop")["columns"],
            (["note", "old"], "name[]"),
        )
        text, imports = OperationWriter(frozen, indentation=0).serialize()
        scope: dict = {}
        exec("import django_paysafe.operations\n" + "\n".join(imports), scope)
        self.assertEqual(eval(text.rstrip().rstrip(","), scope).fields, frozen.fields)

    def test_keys_of_several_columns(self) -> None:
        ledger = rules.ProtectLedger(
            "LedgerEntry",
            transaction=[rules.Column("tenant"), "transaction"],
            account="wallet",
            amount="amount",
            currency="currency",
        )
        from shop.models import LedgerEntry, Wallet

        arguments = ledger.arguments(LedgerEntry, ProjectState(), "shop")
        self.assertEqual(arguments["transaction_column"], (["tenant", "transaction"], "name[]"))
        self.assertEqual(arguments["account_column"], (["wallet_id"], "name[]"))
        self.assertIsNone(arguments["reverses_column"][0])
        balance = rules.ProtectBalance("Wallet", balance="balance", ledger="x", key=["id", "owner"])
        with self.assertRaises(LookupError):
            balance.arguments(Wallet, ProjectState(), "shop")

    def test_a_payment_that_no_foreign_key_names(self) -> None:
        state = ProjectState()
        state.add_model(ModelState.from_model(Payment))
        operation = rules.ProtectRefund(
            "Refund",
            payment=rules.Column("paid"),
            payment_model="Payment",
            payment_key="id",
            amount="amount",
        )
        arguments = operation.arguments(Refund, state, "shop")
        self.assertEqual(arguments["payment"], ('"shop_payment"', "regclass"))
        self.assertEqual(arguments["payment_column"], ("paid", "name"))
        self.assertEqual(arguments["payment_key"], ("id", "name"))
        operation.payment_model = None
        with self.assertRaisesMessage(ValueError, "payment_model?"):
            operation.arguments(Refund, state, "shop")

    def test_mode(self) -> None:
        with self.assertRaises(ValueError):
            rules.Audit("Payment", mode="off")


class ObservedTests(TransactionTestCase):
    def test_nothing_is_refused(self) -> None:
        """Declared by a migration, in the words of models."""
        step = Step(rules.ProtectColumns("GiftCard", ["code"], mode="observe"))
        step.forwards()
        card = GiftCard.objects.create(code="x", balance=1)
        GiftCard.objects.filter(pk=card.pk).update(code="y")
        self.assertEqual(
            rows("SELECT mode FROM paysafe.protection WHERE rule = 'columns' AND mode = 'observe'"),
            [("observe",)],
        )
        from .test_checks import found

        [message] = found("paysafe.W007")
        self.assertIn("shop_giftcard only observes", message.msg)
        step.backwards()
        self.assertEqual(found("paysafe.W007"), [])


class MaintenanceTests(TransactionTestCase):
    """What protected tables need a window for."""

    OPERATION = rules.Maintenance(
        "notes are memos",
        "OPS-7",
        [
            rules.Unprotect(
                rules.ProtectColumns("Payment", ["note"], once_status=["captured"]), "renamed"
            ),
            migrations.RenameField("Payment", "note", "memo"),
            rules.ProtectColumns("Payment", ["memo"], once_status=["captured"]),
            migrations.RenameModel("GiftCard", "Card"),
        ],
        models=["Wallet"],
    )

    def moved(self):
        executor = MigrationExecutor(connection)
        before = executor.loader.project_state(("shop", "0002_rules"))
        after = before.clone()
        self.OPERATION.state_forwards("shop", after)
        return before, after

    def run_it(self, backwards: bool = False) -> None:
        before, after = self.moved()
        with connection.schema_editor(atomic=True) as editor:
            if backwards:
                self.OPERATION.database_backwards("shop", editor, after, before)
            else:
                self.OPERATION.database_forwards("shop", editor, before, after)

    def frozen(self):
        return rows(
            "SELECT columns FROM paysafe.protection"
            " WHERE relation = 'shop_payment'::regclass AND rule = 'columns_once'"
        )

    def columns(self):
        found = connection.introspection.get_table_description
        with connection.cursor() as cursor:
            return {column.name for column in found(cursor, "shop_payment")} & {"note", "memo"}

    def test_in_a_test_database(self) -> None:
        windows = rows("SELECT count(*) FROM paysafe.maintenance_record")
        self.run_it()
        self.assertEqual(self.columns(), {"memo"})
        self.assertEqual(self.frozen(), [(["memo"],)])
        self.run_it(backwards=True)
        self.assertEqual(self.frozen(), [(["note"],)])
        self.assertEqual(self.columns(), {"note"})
        self.assertEqual(rows("SELECT count(*) FROM paysafe.maintenance_record"), windows)

    def test_elsewhere_with_a_second_person(self) -> None:
        with production():
            for backwards in (False, True):
                before = self.columns()
                with acting("alice"), self.assertRaises(errors.NotAllowed) as caught:
                    with errors.refusals():
                        self.run_it(backwards)
                self.assertEqual(self.columns(), before)
                approve_as_hinted(caught.exception, "bob")
                with acting("alice"):
                    self.run_it(backwards)
                self.assertNotEqual(self.columns(), before)
        [(tables,)] = rows(
            "SELECT tables::text FROM paysafe.maintenance_record WHERE reason = 'notes are memos'"
            " ORDER BY at DESC LIMIT 1"
        )
        for table in ("shop_payment", "shop_giftcard", "shop_wallet"):
            self.assertIn(table, tables)

    def test_written_and_read_again(self) -> None:
        text, imports = OperationWriter(self.OPERATION, indentation=0).serialize()
        scope: dict = {"migrations": migrations}
        exec("\n".join(sorted(imports | {"import django_paysafe.operations"})), scope)
        again = eval(text.rstrip().rstrip(","), scope)
        self.assertEqual(
            [op.describe() for op in again.operations],
            [op.describe() for op in self.OPERATION.operations],
        )
        self.assertTrue(again.migration_name_fragment.isidentifier())
        self.assertIn("notes are memos", again.describe())


class CapturesTests(TransactionTestCase):
    def test_arguments(self) -> None:
        """In terms of fields; what is left out is left to the database."""
        operation = rules.ProtectCaptures(
            "Refund",
            payment="payment",
            amount="amount",
            currency="payment__currency",
            status="status",
            counted=["paid"],
            limit="amount",
            deletable=True,
        )
        given = {
            name: value
            for name, (value, _) in operation.arguments(Refund, ProjectState(), "shop").items()
            if value is not None
        }
        self.assertEqual(
            given,
            {
                "payment": '"shop_payment"',
                "payment_column": "payment_id",
                "amount_column": "amount",
                "currency_path": ["payment_id", "currency"],
                "status_column": "status",
                "counted": ["paid"],
                "limit_column": "amount",
                "deletable": True,
            },
        )


ENTRIES = dict(
    account="wallet",
    amount="amount",
    currency="wallet__owner",
    currency_code="EUR",
    direction="currency",
    posting_date="id",
    credit="amount",
    debits=["D"],
    credits=["C"],
    decimals=2,
    zero_amounts=True,
    mutable=["currency"],
    rows={"amount": {"not": [0]}},
)
REFERENCE = dict(payment="payment", payment_model="Payment", payment_key="id")
GATE = dict(gated=["paid"], void=["failed"], unapproved=["status"], rows={"status": ["paid"]})
PATH = dict(
    currency="payment__currency", currency_code="EUR", currency_models=["Payment"], status="status"
)
# Each operation with all that it can be told
WHOLE = [
    rules.ProtectStatus(
        "Refund",
        "status",
        "[*] --> a",
        deletable=["a"],
        recorded=["a"],
        status_path=["name"],
    ),
    rules.ProtectColumns("Refund", ["status"], once_status=["paid"]),
    rules.ProtectAppendOnly("Refund"),
    rules.ProtectTestRows("Refund", "payment__currency", values=["XTS"], related_model="Payment"),
    rules.ProtectRowLock("Refund", ["status"]),
    rules.ProtectSecret("Refund", ["status"]),
    rules.ProtectLedger(
        "LedgerEntry", transaction="transaction", reverses="id", closed=False, **ENTRIES
    ),
    rules.ProtectEntries("LedgerEntry", minimum=0, credited="transaction", **ENTRIES),
    rules.ProtectBalance(
        "Wallet",
        balance="balance",
        ledger="LedgerEntry",
        key="pk",
        minimum="minimum",
        currency="owner",
        side="owner",
        maximum="balance",
        status="owner",
        frozen=["f"],
        in_only=["i"],
        out_only=["o"],
        closed=["c"],
        kept_by="application",
        credit="balance",
    ),
    rules.ProtectPayment(
        "Refund",
        decimals=4,
        amount="amount",
        captured=["paid"],
        captured_amount="amount",
        changes="once",
        limit="amount",
        over_percent=5,
        adjustable=["requested"],
        rows={"status": ["paid"]},
        units="major",
        status_path=["status"],
        recorded=["paid"],
        **PATH,
    ),
    rules.ProtectCaptures(
        "Refund",
        status_path=["status"],
        decimals=4,
        amount="amount",
        counted=["paid"],
        limit="amount",
        over_percent=5,
        recorded=["paid"],
        deletable=True,
        rows={"status": ["paid"]},
        **PATH,
        **REFERENCE,
    ),
    rules.ProtectMovements(
        "Refund",
        status_path=["status"],
        decimals=4,
        type="status",
        amount="amount",
        currency="currency",
        authorize=["a"],
        capture=["c"],
        cancel=["v"],
        refund=["r"],
        chargeback=["b"],
        status="status",
        counted=["paid"],
        over_percent=5,
        recorded=["paid"],
        **REFERENCE,
        **GATE,
    ),
    rules.ProtectRefund(
        "Refund",
        rule="refund_deposit",
        beneficiary="status",
        decimals=4,
        amount="amount",
        currency="currency",
        currency_code="EUR",
        status="status",
        payment_amount="captured",
        payment_currency="currency",
        amounts="negative",
        units="minor",
        deletable=True,
        status_path=["status"],
        recorded=["paid"],
        **REFERENCE,
        **GATE,
    ),
    rules.ProtectPayout(
        "Refund",
        rule="refund_payout",
        beneficiary="status",
        decimals=4,
        of="payment",
        amount="amount",
        currency="currency",
        currency_code="EUR",
        status="status",
        recorded=["paid"],
        **GATE,
    ),
    rules.SetRefundThreshold(
        "Refund",
        "EUR",
        5,
        of_rule="refund_deposit",
        approver_identity="passkey",
        requester_identity="proven",
        approver_group="finance",
        band="large",
        per="requester",
        approved_during="Mon-Fri 08:00-20:00 UTC",
        escalation_after=datetime.timedelta(hours=4),
        escalation_group="board",
    ),
    rules.ProtectTenant("Refund", "payment", max_rows=2),
    rules.ProtectOwner("Refund", "payment", group="support", identity="proven"),
    rules.ProtectVelocity(
        "Refund",
        "payment",
        100,
        datetime.timedelta(days=1),
        counts="amount",
        counted="amount",
        amount_from=1,
        amount_below=50,
        rows={"status": ["sent"]},
        rule="velocity_small",
        mode="refuse",
    ),
    rules.ProtectSchedule(
        "Refund",
        "payment",
        {"small": {"least": "1 hour", "rows": 3}},
        tier="status",
        interval="amount",
        cron="currency",
        task="status",
        tasks=["report"],
    ),
    rules.ProtectPayload("Refund", "status", {"enum": ["paid"]}, column="status"),
    rules.ProtectFirstSeen(
        "Refund",
        "status",
        scope="payment",
        kind="status",
        learning=datetime.timedelta(days=30),
    ),
    rules.Audit("Refund", redact=["amount"], require_reason=True, require_ticket=True),
]


class ArgumentsTests(TestCase):
    """Operations say all that the database's functions can be told, and nothing else."""

    def setUp(self) -> None:
        self.state = MigrationExecutor(connection).loader.project_state(("shop", "0002_rules"))

    def arguments(self, operation):
        model = operation.model(self.state, "shop", operation.model_name)
        given = {
            name: type_
            for name, (value, type_) in operation.arguments(model, self.state, "shop").items()
            if value is not None
        }
        return {**given, operation.relation_argument: "regclass"}

    def functions(self):
        """Of each function that declares something of a table: its variants' arguments."""
        known: dict = {}
        for name, arguments in rows(
            "SELECT p.proname, (SELECT jsonb_object_agg(a.name, format_type(a.type, NULL))"
            " FROM unnest(p.proargnames, p.proargtypes::oid[]) a(name, type))"
            " FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace"
            " AND (p.proname LIKE 'protect\\_%%' OR p.proname IN ('audit', 'set_refund_threshold'))"
        ):
            arguments = arguments if isinstance(arguments, dict) else json.loads(arguments)
            known.setdefault(name, []).append(arguments)
        return known

    def test_each_argument_of_each_function(self) -> None:
        """One that is new in sql/ is to be usable from a migration as well."""
        said: dict = {}
        for operation in WHOLE:
            said.setdefault(operation.function, {"mode"}).update(self.arguments(operation))
        said["set_refund_threshold"].discard("mode")
        # a currency has a column or a path of its own
        for function in (
            "protect_payment",
            "protect_captures",
            "protect_ledger",
            "protect_entries",
        ):
            said[function].add("currency_column")
        functions = self.functions()
        self.assertEqual(set(said), set(functions))
        for function, variants in functions.items():
            with self.subTest(function):
                self.assertEqual(said[function], set().union(*variants))

    def test_as_the_type_that_it_has(self) -> None:
        functions = self.functions()
        same = {"int": "integer", "boolean": "boolean"}
        for operation in WHOLE:
            given = {name: same.get(t, t) for name, t in self.arguments(operation).items()}
            fits = [
                all(
                    variant.get(name) in (type_, "text" if type_ == "name" else type_)
                    for name, type_ in given.items()
                )
                for variant in functions[operation.function]
            ]
            with self.subTest(type(operation).__name__):
                self.assertTrue(any(fits), (given, functions[operation.function]))

    def test_the_examples_are_whole(self) -> None:
        """Each argument of each operation is in them, or the comparison says little."""
        self.assertEqual(
            {type(operation).__name__ for operation in WHOLE},
            {
                name
                for name, one in vars(rules).items()
                if name in rules.__all__
                and isinstance(one, type)
                and issubclass(one, rules.RuleOperation)
                and one is not rules.RuleOperation
            },
        )
        for operation in WHOLE:
            _, args, kwargs = operation.deconstruct()
            taken = list(inspect.signature(type(operation).__init__).parameters)[1:]
            given = {*taken[: len(args)], *kwargs}
            left_out = {"mode", "replaces", "approvers", "within", "valid_for"}
            with self.subTest(type(operation).__name__):
                self.assertEqual(set(taken) - left_out, given - left_out)

    def test_those_of_a_proposal(self) -> None:
        """Without names they come in the function's order."""
        from django_paysafe.suggest import _FUNCTIONS

        for function, (_, order, words) in _FUNCTIONS.items():
            *own, mode = order.split()
            [(names, *_)] = rows(
                "SELECT proargnames FROM pg_proc WHERE pronamespace = 'paysafe'::regnamespace"
                " AND proname = %s LIMIT 1",
                function,
            )
            with self.subTest(function):
                self.assertEqual(own, names[: len(own)])
                self.assertEqual(mode, "mode")
                self.assertLessEqual(set(words), set(own))

    def test_squashed(self) -> None:
        """Written into a migration and read again, each says the same."""
        for operation in WHOLE:
            text, imports = OperationWriter(operation, indentation=0).serialize()
            scope: dict = {"migrations": migrations, "datetime": datetime}
            exec("\n".join(sorted(imports)), scope)
            again = eval(text.rstrip().rstrip(","), scope)
            with self.subTest(type(operation).__name__):
                model = operation.model(self.state, "shop", operation.model_name)
                self.assertEqual(
                    again.arguments(model, self.state, "shop"),
                    operation.arguments(model, self.state, "shop"),
                )


class MovementsTests(TransactionTestCase):
    def test_two_rules_that_come_and_go(self) -> None:
        step = Step(
            rules.ProtectMovements(
                "LedgerEntry",
                payment="transaction",
                type="currency",
                amount="amount",
                currency="currency",
                capture=["XXX"],
                refund=["EUR"],
            )
        )

        def declared():
            found = rows(
                "SELECT rule FROM paysafe.protection"
                " WHERE relation = 'shop_ledgerentry'::regclass AND rule <> 'audit' ORDER BY 1"
            )
            return [rule for (rule,) in found]

        before = declared()
        step.forwards()
        self.assertEqual(declared(), sorted([*before, "captures", "refund"]))
        step.backwards()
        self.assertEqual(declared(), before)

    def test_whose_they_are(self) -> None:
        from shop.models import LedgerEntry

        def payment(**given):
            operation = rules.ProtectMovements(
                "LedgerEntry", type="currency", amount="amount", currency="currency", **given
            )
            return operation.arguments(LedgerEntry, ProjectState(), "shop")["payment"][0]

        self.assertEqual(payment(payment="wallet"), '"shop_wallet"')
        # the rows that have the same are one payment
        self.assertNotEqual(payment(payment="transaction"), None)
        self.assertEqual(payment(payment="transaction"), payment(payment=rules.Column("intent")))


class CurrencyTests(SimpleTestCase):
    """Where a path leads without foreign keys, its tables are named."""

    def setUp(self) -> None:
        self.state = ProjectState()
        ids = {"id": models.BigAutoField(primary_key=True)}
        loose = models.ForeignKey("Event", models.CASCADE, db_constraint=False)
        for name, fields in (
            ("Event", {"currency": models.TextField()}),
            ("Order", {"event": loose, "event_number": models.BigIntegerField()}),
            ("Paid", {"order": models.ForeignKey("Order", models.CASCADE)}),
        ):
            fields = [*ids.items(), *fields.items()]
            self.state.add_model(ModelState("shop", name, [(n, f.clone()) for n, f in fields]))

    def currency(self, currency: str, **given):
        operation = rules.ProtectCaptures(
            "Paid", payment="order", amount="id", currency=currency, **given
        )
        model = self.state.apps.get_model("shop", "Paid")
        found = operation.arguments(model, self.state, "shop")
        return found["currency_path"][0], found.get("currency_tables", (None,))[0]

    def test_of_keys_without_constraints(self) -> None:
        self.assertEqual(
            self.currency("order__event__currency"),
            (["order_id", "event_id", "currency"], ['"shop_order"', '"shop_event"']),
        )

    def test_of_columns_that_are_no_keys(self) -> None:
        self.assertEqual(
            self.currency("order__event_number__currency", currency_models=["Order", "Event"]),
            (["order_id", "event_number", "currency"], ['"shop_order"', '"shop_event"']),
        )
        with self.assertRaisesMessage(ValueError, "refers to no other model"):
            self.currency("order__event_number__currency")

    def test_of_foreign_keys(self) -> None:
        self.assertEqual(self.currency("order__id"), (["order_id", "id"], None))
