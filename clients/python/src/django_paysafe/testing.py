"""For tests that commit: `TEST_RUNNER = "django_paysafe.testing.PaysafeRunner"`.

`TransactionTestCase` empties all tables by TRUNCATE, which rules refuse, unless a
superuser has declared the database to be one for tests.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.test.runner import DiscoverRunner


def declare_test_databases() -> None:
    """Declare every test database that has paysafe to be one; as superuser."""
    for connection in connections.all():
        if connection.vendor != "postgresql":
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regprocedure('paysafe.declare_test_database()') IS NOT NULL")
            if cursor.fetchone()[0]:
                cursor.execute("SELECT paysafe.declare_test_database()")


class PaysafeRunner(DiscoverRunner):
    def setup_databases(self, **kwargs: Any) -> Any:
        databases = super().setup_databases(**kwargs)
        declare_test_databases()
        return databases
