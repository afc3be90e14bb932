"""Many clients on one server connection, in transaction mode."""

import threading
import unittest

from django.conf import settings
from django.db import connections, transaction
from shop.models import Payment

from django_paysafe import acting

from .audit import AuditedTestCase


@unittest.skipUnless("pooled" in settings.DATABASES, "pgbouncer is not here")
class PgbouncerTests(AuditedTestCase):
    databases = {"default", "pooled"} & set(settings.DATABASES)

    def test_nobody_acts_under_another_name(self) -> None:
        """Half of the clients say who acts, the others do not."""
        pids = set()

        def work(name: str, named: bool) -> None:
            def write() -> None:
                for n in range(20):
                    Payment.objects.using("pooled").create(amount=1, note=f"{name} {n} alone")
                    with transaction.atomic(using="pooled"):
                        for m in range(2):
                            Payment.objects.using("pooled").create(amount=1, note=f"{name} {n} {m}")
                        with connections["pooled"].cursor() as cursor:
                            cursor.execute("SELECT pg_backend_pid() FROM pg_class LIMIT 1")
                            pids.add(cursor.fetchone()[0])

            if named:
                with acting(name):
                    write()
            else:
                write()
            connections["pooled"].close()

        threads = [threading.Thread(target=work, args=[f"c{n}", n % 2 == 0]) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(pids), 1)  # they did share it
        self.assertEqual(
            self.noted(),
            {
                f"c{c} {n} {part}": f"c{c}" if c % 2 == 0 else None
                for c in range(6)
                for n in range(20)
                for part in ("alone", 0, 1)
            },
        )
