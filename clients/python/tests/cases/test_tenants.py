"""`for_tenant`: a transaction works for one tenant."""

import uuid

from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test import TransactionTestCase

from django_paysafe import for_tenant, refusal_of
from django_paysafe.errors import NoTenant, OtherTenant, TooManyRows, refusals


class TenantTests(TransactionTestCase):
    def setUp(self) -> None:
        self.table = f"tenant_{uuid.uuid4().hex[:8]}"
        self.run_sql(
            f"CREATE TABLE {self.table} (id int PRIMARY KEY, tenant_id int NOT NULL, note text)"
        )
        self.run_sql(f"SELECT paysafe.protect_tenant('{self.table}', 'tenant_id', 2)")

    def run_sql(self, sql: str, *params: object) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []

    def add(self, *rows: tuple[int, int]) -> None:
        values = ", ".join(f"({id}, {tenant})" for id, tenant in rows)
        self.run_sql(f"INSERT INTO {self.table} (id, tenant_id) VALUES {values}")

    def test_rows_of_the_tenant_are_written(self) -> None:
        with transaction.atomic():
            for_tenant(7, reason="their order")
            self.add((1, 7), (2, 7))
            self.assertEqual(self.run_sql("SELECT paysafe.current_tenant_int4()"), [(7,)])
        self.assertEqual(self.run_sql("SELECT paysafe.current_tenant_int4()"), [(None,)])

    def test_what_is_refused_has_a_name(self) -> None:
        for expected, tenant, rows in (
            (OtherTenant, 7, [(3, 8)]),
            (TooManyRows, 7, [(3, 7), (4, 7), (5, 7)]),
            (NoTenant, None, [(3, 7)]),
        ):
            with self.subTest(expected.__name__), self.assertRaises(expected):
                with refusals(), transaction.atomic():
                    if tenant is not None:
                        for_tenant(tenant)
                    self.add(*rows)

    def test_another_tenant_takes_another_transaction(self) -> None:
        with self.assertRaises(Exception) as caught:
            with transaction.atomic():
                for_tenant(7)
                self.add((1, 7))
                for_tenant(8)
        refusal = refusal_of(caught.exception)
        self.assertIsNotNone(refusal)
        with transaction.atomic():
            for_tenant("8")
            self.add((1, 8))

    def test_outside_of_a_transaction_it_is_refused(self) -> None:
        with self.assertRaises(TransactionManagementError):
            for_tenant(7)
