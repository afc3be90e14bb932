"""Asynchronous views: what is refused there, who acts, and what is left of one that is
cancelled."""

import asyncio
from typing import Any, List

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.test import AsyncClient
from shop.models import Payment

from django_paysafe import acting, atomic
from django_paysafe.errors import IllegalTransition

from .audit import AuditedTestCase


class AsyncTests(AuditedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice = User.objects.create_user("alice", is_staff=True)
        self.bob = User.objects.create_user("bob", is_staff=True)
        payment = Payment.objects.create(amount=10)
        Payment.objects.filter(pk=payment.pk).update(status="captured", captured=10)

    def actors(self, note: str) -> List[Any]:
        """Who wrote the payments whose note begins so; None: nobody was named."""
        rows = self.recorded("after ->> 'note'", "CASE WHEN actor_claimed THEN actor END")
        return [actor for noted, actor in rows if noted.startswith(note)]

    async def client_of(self, user: User) -> AsyncClient:
        client = AsyncClient()
        await sync_to_async(client.force_login)(user)
        return client

    def test_refusal_for_a_program(self) -> None:
        async def ask() -> Any:
            client = await self.client_of(self.alice)
            return await client.post("/async-uncapture/", headers={"Accept": "application/json"})

        response = async_to_sync(ask)()
        self.assertEqual(response.status_code, 409)
        self.assertEqual(response.json()["code"], "illegal_transition")

    def test_refusal_on_a_page_of_staff(self) -> None:
        async def ask() -> Any:
            client = await self.client_of(self.alice)
            headers = {"Accept": "text/html", "Referer": "http://testserver/read/"}
            return await client.post("/async-uncapture/", headers=headers)

        response = async_to_sync(ask)()
        self.assertRedirects(response, "http://testserver/read/", fetch_redirect_response=False)

    def test_refusal_where_it_is_caught(self) -> None:
        async def uncapture() -> None:
            await Payment.objects.filter(status="captured").aupdate(status="authorized")

        def in_a_block() -> None:
            with atomic():
                Payment.objects.filter(status="captured").update(status="authorized")

        with self.assertRaises(IllegalTransition):
            async_to_sync(sync_to_async(in_a_block))()
        with self.assertRaisesMessage(Exception, "cannot change from"):
            async_to_sync(uncapture)()

    def test_many_at_once(self) -> None:
        """Requests of two people, side by side, each under its own name."""

        async def ask() -> None:
            clients = [await self.client_of(user) for user in (self.alice, self.bob)]
            streams = [client.get("/async-stream/") for client in clients * 3]
            for response in await asyncio.gather(*streams):
                async for _ in response.streaming_content:
                    await asyncio.sleep(0)

        async_to_sync(ask)()
        actors = self.actors("async stream")
        expected = [f"user:{user.pk}" for user in (self.alice, self.bob) for _ in range(6)]
        self.assertEqual(sorted(actors), sorted(expected))

    def test_cancelled(self) -> None:
        """A client that goes away leaves no name to whoever comes next."""

        async def ask() -> None:
            client = await self.client_of(self.alice)
            task = asyncio.ensure_future(client.get("/async-slow/"))
            while not await Payment.objects.filter(note="before").aexists():
                await asyncio.sleep(0.01)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await Payment.objects.acreate(amount=1, note="next")

        async_to_sync(ask)()
        self.assertEqual(self.actors("before"), [f"user:{self.alice.pk}"])
        self.assertEqual(self.actors("next"), [None])
        self.assertFalse(Payment.objects.filter(note="after").exists())

    def test_a_transaction_in_a_thread(self) -> None:
        """One claim for all of it."""

        @transaction.atomic
        def work() -> None:
            for _ in range(2):
                Payment.objects.create(amount=1, note="in a thread")

        async def act() -> None:
            with acting("job:nightly", reason="because"):
                await sync_to_async(work)()

        async_to_sync(act)()
        self.assertEqual(self.actors("in a thread"), ["job:nightly", "job:nightly"])
