"""Many clients on one server connection: through pgbouncer in transaction mode, and through a
pool of Django's own."""

import asyncio
import subprocess
import threading
import unittest
from contextlib import nullcontext

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connections, transaction
from shop.models import Payment

from django_paysafe import acting

from .audit import AuditedTestCase


class SharedConnection:
    alias: str

    def test_nobody_acts_under_another_name(self) -> None:
        """Half of the clients say who acts, the others do not."""
        pids = set()

        def work(name: str, named: bool) -> None:
            def write() -> None:
                for n in range(20):
                    Payment.objects.using(self.alias).create(amount=1, note=f"{name} {n} alone")
                    with transaction.atomic(using=self.alias):
                        for m in range(2):
                            Payment.objects.using(self.alias).create(
                                amount=1, note=f"{name} {n} {m}"
                            )
                        with connections[self.alias].cursor() as cursor:
                            cursor.execute("SELECT pg_backend_pid() FROM pg_class LIMIT 1")
                            pids.add(cursor.fetchone()[0])

            if named:
                with acting(name):
                    write()
            else:
                write()
            connections[self.alias].close()

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


@unittest.skipUnless("pooled" in settings.DATABASES, "pgbouncer is not here")
class PgbouncerTests(SharedConnection, AuditedTestCase):
    alias = "pooled"
    databases = {"default", "pooled"} & set(settings.DATABASES)

    @classmethod
    def tearDownClass(cls) -> None:
        """The connection that all have shared would be in the way of who removes the database."""
        super().tearDownClass()
        at = settings.DATABASES["pooled"]
        console = ["psql", "-Xq", "-h", at["HOST"], "-p", at["PORT"], "-U", at["USER"], "pgbouncer"]
        subprocess.run([*console, "-c", "RECONNECT", "-c", "WAIT_CLOSE"], check=True)

    def test_asynchronous_writes(self) -> None:
        async def act(name: str) -> None:
            with acting(name) if name else nullcontext():
                for n in range(5):
                    await Payment.objects.using("pooled").acreate(amount=1, note=f"{name} {n}")
                    await asyncio.sleep(0)

        async def all_of_them() -> None:
            await asyncio.gather(*map(act, ("alice", "", "bob")))
            await sync_to_async(lambda: connections["pooled"].close())()

        async_to_sync(all_of_them)()
        self.assertEqual(
            self.noted(),
            {f"{name} {n}": name or None for name in ("alice", "", "bob") for n in range(5)},
        )


@unittest.skipUnless("own_pool" in settings.DATABASES, "this Django has no pool")
class PoolTests(SharedConnection, AuditedTestCase):
    alias = "own_pool"
    databases = {"default", "own_pool"} & set(settings.DATABASES)

    def tearDown(self) -> None:
        connections["own_pool"].close_pool()
        super().tearDown()
