"""`manage.py check --deploy` says what is not in force."""

import contextlib
from unittest import mock

from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from shop.models import GiftCard

from django_paysafe import acting, checks, errors

from .test_operations import maintenance, production


def found(*ids):
    """The messages of this package at a deployment; without `ids`, the unexpected ones."""
    messages = [
        m
        for m in run_checks(include_deployment_checks=True, databases=["default"])
        if m.id.startswith("paysafe.")
    ]
    if ids:
        return [m for m in messages if m.id in ids]
    # this is a test database, the tests run as superuser, and nothing is preloaded
    usual = ("paysafe.E005", "paysafe.W002", "paysafe.W005")
    # and some tests drop tables of their own, which have rules
    gone = "a table with this OID is gone"
    return [m for m in messages if m.id not in usual and gone not in m.msg]


@contextlib.contextmanager
def temporarily(do, undo):
    with connection.cursor() as cursor:
        cursor.execute(do)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(undo)


class DatabaseTests(TransactionTestCase):
    def test_as_declared(self) -> None:
        self.assertEqual(found(), [])

    def test_only_at_deployments(self) -> None:
        messages = run_checks(databases=["default"])
        self.assertEqual([m for m in messages if m.id.startswith("paysafe.")], [])
        self.assertEqual(checks.check_databases(None), [])
        call_command("check", databases=["default"])

    def test_the_extension_is_missing(self) -> None:
        with temporarily(
            "UPDATE pg_extension SET extname = 'other' WHERE extname = 'paysafe'",
            "UPDATE pg_extension SET extname = 'paysafe' WHERE extname = 'other'",
        ):
            self.assertEqual([m.id for m in found()], ["paysafe.E001"])

    def test_a_trigger_is_disabled_or_gone(self) -> None:
        with temporarily(
            "ALTER TABLE shop_payment DISABLE TRIGGER paysafe",
            "ALTER TABLE shop_payment ENABLE ALWAYS TRIGGER paysafe",
        ):
            [message] = found()
            self.assertEqual(message.id, "paysafe.E002")
            self.assertIn("shop_payment: row_trigger is not in force", message.msg)
        with temporarily(
            "ALTER TABLE shop_refund ENABLE TRIGGER paysafe_statement",
            "ALTER TABLE shop_refund ENABLE ALWAYS TRIGGER paysafe_statement",
        ):
            self.assertIn("shop_refund: statement_trigger is not in force", found()[0].msg)
        with temporarily(
            "DROP TRIGGER paysafe ON shop_wallet",
            "SELECT paysafe.protect_balance('shop_wallet', 'id', 'balance',"
            " 'shop_ledgerentry', 'minimum')",
        ):
            self.assertIn("shop_wallet: row_trigger is not in force", found()[0].msg)

    def test_a_partition_without_triggers(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE part_root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
                "CREATE TABLE part_1 PARTITION OF part_root FOR VALUES FROM (0) TO (9);"
                "SELECT paysafe.protect_append_only('part_root');"
                "ALTER TABLE part_1 DISABLE TRIGGER paysafe"
            )
            try:
                self.assertIn("part_1: row_trigger is not in force", found()[0].msg)
            finally:
                cursor.execute("DROP TABLE part_root")

    def test_a_rule_was_dropped(self) -> None:
        drop = "SELECT paysafe.unprotect('shop_giftcard', 'audit', 'in the way')"
        GiftCard.objects.create(code="x", balance=1)
        with connection.cursor() as cursor:
            with production():
                with acting("alice"), self.assertRaises(errors.NotAllowed), errors.refusals():
                    cursor.execute(drop)
                with maintenance("shop_giftcard"), acting("alice"):
                    cursor.execute(drop)
            try:
                [message] = found()
                self.assertEqual(message.id, "paysafe.E003")
                self.assertIn("'audit' of shop.GiftCard", message.msg)
            finally:
                cursor.execute("SELECT paysafe.audit('shop_giftcard', '{code}')")
        self.assertEqual(found(), [])

    def test_the_role(self) -> None:
        self.assertEqual(len(found("paysafe.W002")), 1)
        with (
            temporarily("CREATE ROLE regress_client BYPASSRLS", "DROP ROLE regress_client"),
            temporarily(
                "GRANT SELECT ON django_migrations TO regress_client",
                "REVOKE ALL ON django_migrations FROM regress_client",
            ),
        ):
            with temporarily("SET ROLE regress_client", "RESET ROLE"):
                self.assertEqual([m.id for m in found()], ["paysafe.E004", "paysafe.W004"])
            with (
                temporarily(
                    "ALTER TABLE shop_wallet OWNER TO regress_client",
                    "ALTER TABLE shop_wallet OWNER TO CURRENT_USER",
                ),
                temporarily(
                    "GRANT EXECUTE ON FUNCTION paysafe.act_as TO regress_client",
                    "REVOKE EXECUTE ON FUNCTION paysafe.act_as FROM regress_client",
                ),
                temporarily("SET ROLE regress_client", "RESET ROLE"),
            ):
                messages = found()
                self.assertEqual([m.id for m in messages], ["paysafe.W003", "paysafe.W004"])
                self.assertIn("shop_wallet.", messages[0].msg)

    def test_a_test_database(self) -> None:
        self.assertEqual(len(found("paysafe.E005")), 1)

    def test_the_audit_log_ends(self) -> None:
        in_two_years = checks._AUDIT_MONTHS_AHEAD.replace("now()", "(now() + interval '24 months')")
        with mock.patch.object(checks, "_AUDIT_MONTHS_AHEAD", in_two_years):
            self.assertEqual([m.id for m in found()], ["paysafe.W006"])

    def test_preloaded(self) -> None:
        said = " ".join(message.msg for message in found("paysafe.W005"))
        self.assertIn("library: library_preloaded is not in force", said)
        # whoever may not call paysafe.check()
        with (
            temporarily(
                "CREATE ROLE regress_client; GRANT pg_read_all_settings TO regress_client;"
                " GRANT SELECT ON django_migrations TO regress_client",
                "DROP OWNED BY regress_client; DROP ROLE regress_client",
            ),
            temporarily("SET ROLE regress_client", "RESET ROLE"),
        ):
            [message] = found("paysafe.W005")
            self.assertIn("paysafe is not preloaded", message.msg)

    @override_settings(PAYSAFE_DATABASES=["another"])
    def test_databases_that_are_not_wanted(self) -> None:
        self.assertEqual(found("paysafe.E005"), [])


class SettingsTests(SimpleTestCase):
    def test_nobody_says_who_acts(self) -> None:
        self.assertEqual(checks.check_settings(None), [])
        with override_settings(MIDDLEWARE=[]):
            self.assertEqual([m.id for m in checks.check_settings(None)], ["paysafe.W001"])
