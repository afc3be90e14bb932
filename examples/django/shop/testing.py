"""Tests that commit (TransactionTestCase) end with a TRUNCATE of all tables."""

from django.db import connections
from django.test.runner import DiscoverRunner


class Runner(DiscoverRunner):
    def setup_databases(self, **kwargs):
        databases = super().setup_databases(**kwargs)
        for connection in connections.all():
            with connection.cursor() as cursor:
                cursor.execute("SELECT paysafe.declare_test_database()")
        return databases
