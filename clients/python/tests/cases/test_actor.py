"""Who acts: from the request, or from the code, into the audit log."""

import asyncio
import io
import re
import threading
from contextlib import suppress
from typing import List

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest
from django.test import AsyncClient, Client, override_settings

try:
    from psycopg import sql
except ImportError:
    from psycopg2 import sql
from shop.models import Payment

from django_paysafe import acting, claim, current_claim
from django_paysafe.connections import ActorWrapper, install

from .audit import AuditedTestCase, Claims


def address_of(request: HttpRequest) -> str:
    return request.headers["X-From"]


def pay(note: str) -> Payment:
    return Payment.objects.create(amount=10, note=note)


class RequestTests(AuditedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = User.objects.create_user("alice")
        self.actor = f"user:{self.user.pk}"

    def test_a_read_says_nothing(self) -> None:
        with Claims() as claims:
            response = self.client.get("/read/", headers={"X-Request-ID": "r-1"})
        self.assertEqual(response.json(), {"payments": 0})
        self.assertEqual(len(claims.captured_queries), 1)  # neither user nor session are read

    def test_writes_in_autocommit(self) -> None:
        self.client.force_login(self.user)
        with Claims() as claims:
            self.client.post("/autocommit/", headers={"X-Request-ID": "r-1"})
        self.assertEqual(claims.count, 2)
        self.assertEqual(
            self.recorded("after ->> 'note'", "actor", "actor_claimed", "request_id"),
            [("first", self.actor, True, "r-1"), ("second", self.actor, True, "r-1")],
        )
        self.assertTrue(connection.get_autocommit())

    def test_one_call_per_block(self) -> None:
        self.client.force_login(self.user)
        with Claims() as claims:
            self.client.post("/block/")
        self.assertEqual(claims.count, 1)
        self.assertEqual(self.noted(), {f"block {n}": self.actor for n in range(3)})

    def test_from_where(self) -> None:
        self.client.force_login(self.user)
        with override_settings(PAYSAFE_ORIGIN="cases.test_actor.address_of"):
            client = Client()
            client.force_login(self.user)
            with Claims() as claims:
                client.post("/block/", headers={"X-From": "192.0.2.7"})
        told = [q["sql"] for q in claims.captured_queries if "act_from" in q["sql"]]
        self.assertEqual((claims.count, len(told)), (1, 1))
        self.assertIn("FROM paysafe.act_from('192.0.2.7')", told[0])
        self.assertEqual(self.noted(), {f"block {n}": self.actor for n in range(3)})
        with acting("ann", origin="192.0.2.8"), acting(reason="why"):
            self.assertEqual(current_claim().origin, "192.0.2.8")

    def sent(self, claims: Claims) -> List[str]:
        """ann from 192.0.2.7: `ann 7`; from nowhere: `ann -`; what was not told is not there."""
        result = []
        for query in claims.captured_queries:
            sql = query["sql"] or ""  # of what has failed there may be none
            actor = re.search(r"act_as\('?(\w+)", sql)
            origin = re.search(r"act_from\((?:'192\.0\.2\.(\d)'|NULL)", sql)
            if actor or origin:
                words = [actor[1]] if actor else []
                result.append(" ".join(words + ([origin[1] or "-"] if origin else [])))
        return result

    def test_from_where_else(self) -> None:
        """The server keeps the newest address, over rollbacks to savepoints too."""
        seven, eight = "192.0.2.7", "192.0.2.8"
        with Claims() as claims, transaction.atomic(), acting("ann", origin=seven):
            pay("a")
            with suppress(ZeroDivisionError), transaction.atomic():
                with acting("bob", origin=eight):
                    pay("b")
                raise ZeroDivisionError
            pay("c")
            pay("d")
            with suppress(ZeroDivisionError), transaction.atomic(), acting(origin=eight):
                pay("e")
                raise ZeroDivisionError
            pay("f")
        self.assertEqual(self.sent(claims), ["ann 7", "bob 8", "7", "8", "7"])
        # one that was not told is no reason to tell anything
        with Claims() as claims, transaction.atomic(), acting("ann"):
            pay("a")
            with suppress(ZeroDivisionError), transaction.atomic(), acting("bob"):
                pay("b")
                raise ZeroDivisionError
            pay("c")
        self.assertEqual(self.sent(claims), ["ann", "bob"])

    def test_from_nowhere_after_somewhere(self) -> None:
        with Claims() as claims, transaction.atomic():
            with acting("ann", origin="192.0.2.7"):
                pay("a")
            with acting("ann"):
                pay("b")
            with acting("ann", origin="192.0.2.7"):
                pay("c")
            pay("d")
        self.assertEqual(self.sent(claims), ["ann 7", "-", "7", "NULL -"])
        with Claims() as claims, transaction.atomic(), acting("ann"):
            pay("e")
        self.assertEqual(self.sent(claims), ["ann"])

    def test_a_claim_that_fails_may_have_told(self) -> None:
        with Claims() as claims, transaction.atomic(), acting("ann", origin="192.0.2.7"):
            pay("a")
            with suppress(DatabaseError), transaction.atomic():
                with acting("x" * 5000, origin="192.0.2.8"):
                    pay("b")
            pay("c")
        sent = self.sent(claims)
        self.assertEqual([sent[0], sent[-1]], ["ann 7", "7"])

    def test_nobody_is_logged_in(self) -> None:
        self.client.post("/autocommit/", headers={"X-Request-ID": "r-2"})
        self.assertEqual(
            self.recorded("actor_claimed", "request_id"), [(False, "r-2"), (False, "r-2")]
        )

    def test_the_id_comes_back(self) -> None:
        response = self.client.get("/read/", headers={"X-Request-ID": "r-3"})
        self.assertEqual(response.headers["X-Request-ID"], "r-3")
        for bad in ("", "two words", "x" * 129, "a\tb"):
            with self.subTest(bad):
                response = self.client.get("/read/", headers={"X-Request-ID": bad})
                self.assertRegex(response.headers["X-Request-ID"], r"^[0-9a-f-]{36}$")

    @override_settings(
        PAYSAFE_ACTOR="cases.test_actor.by_name", PAYSAFE_REQUEST_ID_HEADER="X-Trace"
    )
    def test_settings(self) -> None:
        self.client.force_login(self.user)
        response = self.client.post("/autocommit/", headers={"X-Trace": "t-1"})
        self.assertEqual(response.headers["X-Trace"], "t-1")
        self.assertEqual(self.recorded("actor", "request_id"), [("alice", "t-1")] * 2)

    def test_stream(self) -> None:
        self.client.force_login(self.user)
        response = self.client.get("/stream/")
        self.assertEqual(b"".join(response.streaming_content), b"01")
        self.assertEqual(self.noted(), {"stream 0": self.actor, "stream 1": self.actor})

    def test_async(self) -> None:
        async def ask() -> None:
            client = AsyncClient()
            client.cookies.update(self.client.cookies)
            await client.get("/async/", headers={"X-Request-ID": "r-4"})

        self.client.force_login(self.user)
        async_to_sync(ask)()
        self.assertEqual(
            self.recorded("after ->> 'note'", "actor", "reason", "request_id"),
            [
                ("async", self.actor, None, "r-4"),
                ("thread", self.actor, "in a thread", "r-4"),
            ],
        )

    def test_requests_at_the_same_time(self) -> None:
        """Two async requests take turns in one thread and do not mix."""

        async def act(name: str) -> None:
            with acting(name):
                for n in range(5):
                    await Payment.objects.acreate(amount=1, note=f"{name} {n}")
                    await asyncio.sleep(0)

        async def both() -> None:
            await asyncio.gather(act("alice"), act("bob"))

        async_to_sync(both)()
        self.assertEqual(
            self.noted(), {f"{name} {n}": name for name in ("alice", "bob") for n in range(5)}
        )

    def test_async_stream(self) -> None:
        async def ask() -> bytes:
            client = AsyncClient()
            client.cookies.update(self.client.cookies)
            response = await client.get("/async-stream/")
            return b"".join([chunk async for chunk in response.streaming_content])

        self.client.force_login(self.user)
        self.assertEqual(async_to_sync(ask)(), b"01")
        self.assertEqual(self.noted(), {"async stream 0": self.actor, "async stream 1": self.actor})


def by_name(request):
    return request.user.get_username()


class ActingTests(AuditedTestCase):
    def test_nesting(self) -> None:
        with acting("alice", reason="month end", ticket="T-1", business_id="b-1"):
            pay("alice")
            with acting(reason="corrected"):
                pay("corrected")
            with acting("bob", request_id="r-1"):
                pay("bob")
        pay("nobody")
        self.assertEqual(
            self.recorded(
                "CASE WHEN actor_claimed THEN actor END",
                "reason",
                "ticket",
                "request_id",
                "business_id",
            ),
            [
                ("alice", "month end", "T-1", None, "b-1"),
                ("alice", "corrected", "T-1", None, "b-1"),
                ("bob", "month end", "T-1", "r-1", "b-1"),
                (None, None, None, None, None),
            ],
        )

    def test_changes_within_a_transaction(self) -> None:
        with transaction.atomic(), Claims() as claims:
            pay("nobody")
            with acting("alice"):
                pay("alice")
                pay("alice again")
            with acting("bob"):
                pay("bob")
            pay("nobody again")
        self.assertEqual(
            self.noted(),
            {
                "nobody": None,
                "alice": "alice",
                "alice again": "alice",
                "bob": "bob",
                "nobody again": None,
            },
        )
        self.assertEqual(claims.count, 3)

    def test_savepoints(self) -> None:
        with acting("alice"), transaction.atomic():
            try:
                with transaction.atomic():
                    pay("undone")
                    raise DatabaseError
            except DatabaseError:
                pass
            pay("after a rollback")
            with transaction.atomic():
                with acting("bob"):
                    pay("inside")
                sid = transaction.savepoint()
                with acting("carol"):
                    pay("undone, too")
                transaction.savepoint_rollback(sid)
                with acting("bob"), Claims() as claims:
                    pay("bob's claim is in force")
                self.assertEqual(claims.count, 0)
            pay("released")
        self.assertEqual(
            self.noted(),
            {
                "after a rollback": "alice",
                "inside": "bob",
                "bob's claim is in force": "bob",
                "released": "alice",
            },
        )

    def test_a_savepoint_outlives_a_rollback_to_it(self) -> None:
        with transaction.atomic(), acting("alice"):
            pay("before")
            sid = transaction.savepoint()
            for name in ("bob", "carol"):
                with acting(name):
                    pay(name)
                transaction.savepoint_rollback(sid)
            with acting("carol"):
                pay("after")
        self.assertEqual(self.noted(), {"before": "alice", "after": "carol"})

    def test_the_next_transaction_begins_with_nobody(self) -> None:
        with acting("alice"), transaction.atomic():
            pay("alice")
        with transaction.atomic():
            pay("nobody")
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            with acting("bob"):
                cursor.execute(
                    "INSERT INTO shop_payment (status, currency, amount, captured, note)"
                    " VALUES ('authorized', 'EUR', 1, 0, 'by hand')"
                )
            cursor.execute("COMMIT")
        self.assertEqual(self.noted(), {"alice": "alice", "nobody": None, "by hand": "bob"})

    def test_manual_commit(self) -> None:
        transaction.set_autocommit(False)
        try:
            with acting("alice"):
                pay("committed by hand")
            transaction.commit()
            with acting("bob"):
                pay("another")
            transaction.commit()
        finally:
            transaction.set_autocommit(True)
        self.assertEqual(self.noted(), {"committed by hand": "alice", "another": "bob"})

    def test_reconnecting(self) -> None:
        with acting("alice"):
            pay("before")
            connection.close()
            pay("after")
        self.assertEqual(self.noted(), {"before": "alice", "after": "alice"})

    def test_threads(self) -> None:
        def work(name: str) -> None:
            with acting(name):
                for n in range(10):
                    with transaction.atomic():
                        pay(f"{name} {n}")
            connection.close()

        threads = [threading.Thread(target=work, args=[f"t{n}"]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.noted(), {f"t{t} {n}": f"t{t}" for t in range(4) for n in range(10)})

    def test_what_the_orm_writes(self) -> None:
        with acting("alice"):
            payment = pay("save")
            Payment.objects.filter(pk=payment.pk).update(note="update")
            payment.note = "bulk_update"
            Payment.objects.bulk_update([payment], ["note"])
            Payment.objects.bulk_create([Payment(amount=1, note="bulk_create")])
            payment.delete()
        self.assertEqual(set(self.recorded("actor")), {("alice",)})
        self.assertEqual(len(self.recorded("op")), 5)

    def test_raw_cursors(self) -> None:
        insert = (
            "INSERT INTO shop_payment (status, currency, amount, captured, note)"
            " VALUES ('authorized', 'EUR', 1, 0, {})"
        )
        with acting("alice"), connection.cursor() as cursor:
            cursor.execute(insert.format("%s"), ["text"])
            cursor.execute(sql.SQL(insert).format(sql.Literal("composed")))
            cursor.execute(insert.format("'bytes'").encode())
            cursor.executemany(insert.format("%s"), [["many 1"], ["many 2"]])
            cursor.execute("WITH x AS (" + insert.format("'cte'") + " RETURNING id) TABLE x")
            self.assertEqual(len(cursor.fetchall()), 1)
            cursor.execute("COMMENT ON TABLE shop_giftcard IS 'outside of a transaction'")
        notes = ["text", "composed", "bytes", "many 1", "many 2", "cte"]
        self.assertEqual(self.noted(), dict.fromkeys(notes, "alice"))

    def test_copy(self) -> None:
        copy = "COPY shop_payment (status, currency, amount, captured, note) FROM STDIN"
        line = "authorized\tEUR\t1\t0\tcopied\n"
        with acting("alice"), transaction.atomic(), connection.cursor() as cursor:
            claim()
            if hasattr(cursor, "copy_expert"):  # psycopg 2
                cursor.copy_expert(copy, io.StringIO(line))
            else:
                with cursor.copy(copy) as stream:
                    stream.write(line)
        self.assertEqual(self.noted(), {"copied": "alice"})

    def test_claim_wants_a_transaction(self) -> None:
        with self.assertRaises(transaction.TransactionManagementError):
            claim()
        with override_settings(PAYSAFE_DATABASES=[]):
            wrappers, connection.execute_wrappers = connection.execute_wrappers, []
            try:
                install(connection)
                self.assertEqual(connection.execute_wrappers, [])
                with transaction.atomic(), self.assertRaises(ValueError):
                    claim()
            finally:
                connection.execute_wrappers = wrappers

    def test_statements_that_no_transaction_may_have(self) -> None:
        with acting("alice"), connection.cursor() as cursor:
            cursor.execute("VACUUM shop_payment")
            self.assertTrue(connection.get_autocommit())

    def test_a_failed_transaction_stays_one(self) -> None:
        with self.assertRaises(transaction.TransactionManagementError), acting("alice"):
            with transaction.atomic():
                try:
                    pay("x" * 201)
                except DatabaseError:
                    pay("not any more")
        pay("later")
        self.assertEqual(self.noted(), {"later": None})

    def test_an_impossible_name_stops_the_write(self) -> None:
        with acting("two\nlines"), self.assertRaises(DatabaseError):
            pay("refused")
        self.assertEqual(self.noted(), {})

    def test_wrappers_of_others(self) -> None:
        """A connection that is made inside execute_wrapper() keeps ours."""
        connection.close()
        connection.execute_wrappers.clear()
        with connection.execute_wrapper(lambda execute, *args: execute(*args)):
            Payment.objects.count()
        self.assertEqual([type(w) for w in connection.execute_wrappers], [ActorWrapper])

    def test_current_claim(self) -> None:
        self.assertIsNone(current_claim())
        with acting(lambda: "late"):
            self.assertEqual(current_claim().actor, "late")
        self.assertIsNone(current_claim())

    def test_finding_out_may_write(self) -> None:
        """As a session that ends is deleted while the user is looked up."""

        def actor() -> str:
            pay("while finding out")
            return "alice"

        with acting(actor):
            pay("found out")
        self.assertEqual(self.noted(), {"while finding out": None, "found out": "alice"})
