"""Migrations of protected tables where the guard is there: in a test database, and in another."""

from django.core.management import call_command
from django.db import connection, connections, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.test import TransactionTestCase

from django_paysafe import acting, atomic, errors
from django_paysafe import operations as rules

from . import test_operations


class Old:
    """A model of an app's that has grown: its key becomes a BigAutoField."""

    RULE = rules.ProtectColumns("Old", ["number"])
    ALTER = (
        migrations.AlterField("Old", "id", models.BigIntegerField(primary_key=True)),
        migrations.AlterField("Old", "number", models.BigIntegerField()),
    )

    @staticmethod
    def model() -> migrations.CreateModel:
        return migrations.CreateModel(
            "Old",
            [
                ("id", models.IntegerField(primary_key=True)),
                ("number", models.IntegerField()),
            ],
        )


class GuardedTests(TransactionTestCase):
    def setUp(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW shared_preload_libraries")
            if "paysafe" not in cursor.fetchone()[0]:
                self.skipTest("the server does not preload paysafe")

    def run_on(self, database, *operations, backwards=False) -> None:
        """One migration after shop's."""
        state = MigrationExecutor(database).loader.project_state(("shop", "0002_rules"))
        with database.schema_editor(atomic=True) as editor:
            for operation in operations:
                before = state.clone()
                operation.state_forwards("shop", state)
                operation.database_forwards("shop", editor, before, state)

    def test_a_test_database_needs_no_window(self) -> None:
        """Its rules are there from the beginning, and every migration after them runs."""
        maintenance = test_operations.MaintenanceTests("test_in_a_test_database")
        maintenance.run_it()
        maintenance.run_it(backwards=True)
        self.run_on(connection, Old.model(), Old.RULE, *Old.ALTER, migrations.DeleteModel("Old"))

    def test_elsewhere(self) -> None:
        """Everyday changes pass; what needs a window is refused, and done in one."""
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS guarded")
            cursor.execute("CREATE DATABASE guarded")
        connections.settings["guarded"] = {**connection.settings_dict, "NAME": "guarded"}
        database = connections["guarded"]
        mine = type(self)
        mine.databases = {"default", "guarded"}
        try:
            call_command("migrate", database="guarded", verbosity=0)
            self.changes(database)
        finally:
            mine.databases = {"default"}
            database.close()
            del connections["guarded"], connections.settings["guarded"]
            with connection.cursor() as cursor:
                cursor.execute("DROP DATABASE guarded")

    def changes(self, database) -> None:
        self.run_on(database, Old.model(), Old.RULE)
        with database.cursor() as cursor:
            cursor.execute("INSERT INTO shop_old VALUES (1, 7)")
            cursor.execute(
                "INSERT INTO shop_payment (status, currency, amount, captured, note)"
                " VALUES ('authorized', 'EUR', 1, 0, '')"
            )
        text, money = models.CharField, models.DecimalField
        for operation in (
            migrations.AlterField("Payment", "status", text(max_length=40)),
            migrations.AlterField("Payment", "note", models.TextField()),
            migrations.AlterField("Refund", "currency", text(max_length=10, db_index=True)),
            migrations.AlterField("Payment", "amount", money(max_digits=15, decimal_places=2)),
            migrations.AlterField("Wallet", "balance", money(max_digits=15, decimal_places=2)),
            migrations.AddField("Refund", "reason", models.TextField(null=True)),
        ):
            with self.subTest(operation.describe()):
                self.run_on(database, operation)

        for operation in (
            Old.ALTER[0],
            Old.ALTER[1],
            migrations.AlterField("Payment", "amount", money(max_digits=19, decimal_places=4)),
        ):
            with self.subTest(operation.describe()):
                steps = [Old.model()] if operation.model_name == "Old" else []
                with self.assertRaises(errors.NotAllowed) as caught, errors.refusals():
                    self.run_on(database, *(Faked(step) for step in steps), operation)
                self.assertIn("maintenance window", caught.exception.hint)
                steps = [
                    *(Faked(step) for step in steps),
                    rules.Maintenance("room to grow", f"OPS-{operation.name}", [operation]),
                ]
                with acting("alice"), self.assertRaises(errors.NotAllowed) as caught:
                    with errors.refusals():
                        self.run_on(database, *steps)
                hint = caught.exception.hint
                call = hint[hint.index("paysafe.approve(") : hint.index(";  then")]
                with acting("bob"), atomic(using="guarded"), database.cursor() as cursor:
                    cursor.execute("SELECT " + call)
                with acting("alice"):
                    self.run_on(database, *steps)


class Faked(migrations.SeparateDatabaseAndState):
    """What the database has already."""

    def __init__(self, operation) -> None:
        super().__init__(state_operations=[operation])
