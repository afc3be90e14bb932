"""Several at a time: what waits, what deadlocks, what helps."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Optional
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shop.database import Sessions, run
from shop.ledger import post
from shop.models import LedgerEntry, Wallet
from shop.refusals import is_worth_another_try, refusal_of

ROUNDS = 50


def test_transfers_in_opposite_directions(session: Session, wallets: "list[int]") -> None:
    ann, bob, _ = wallets
    barrier = Barrier(2)

    def transfer(payer: int, payee: int) -> None:
        for _ in range(ROUNDS):
            barrier.wait(120)
            # one attempt: none of them deadlocks
            run(lambda session: post(session, {payer: Decimal(-1), payee: Decimal(1)}), attempts=1)

    with ThreadPoolExecutor(2) as threads:
        for thread in [threads.submit(transfer, ann, bob), threads.submit(transfer, bob, ann)]:
            thread.result()
    assert [session.get_one(Wallet, key).balance for key in (ann, bob)] == [0, 0]


def saves_one_by_one(wallets: "list[int]", meet: Barrier, attempts: int) -> None:
    """Row by row, in the order of the caller's: what `post` does not do."""
    meetings = [meet]

    def work(session: Session) -> None:
        transaction = uuid4()
        for wallet, amount in zip(wallets, (-1, 1)):
            session.add(
                LedgerEntry(transaction=transaction, wallet_id=wallet, amount=Decimal(amount))
            )
            session.flush()
            # at the first attempt each has one of the wallets before it asks for the other
            if meetings:
                meetings.pop().wait(120)

    run(work, attempts)


@pytest.mark.parametrize("attempts", [1, 3])
def test_single_row_saves_in_different_orders(wallets: "list[int]", attempts: int) -> None:
    """One of the two is ended by PostgreSQL; done again, it passes."""
    ann, bob, _ = wallets
    meet = Barrier(2)

    def transfer(wallets: "list[int]") -> Optional[OperationalError]:
        try:
            saves_one_by_one(wallets, meet, attempts)
        except OperationalError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as threads:
        results = [threads.submit(transfer, pair) for pair in ([ann, bob], [bob, ann])]
    errors = [error for error in (result.result() for result in results) if error]
    assert len(errors) == (1 if attempts == 1 else 0)
    for error in errors:
        assert isinstance(error.orig, psycopg.errors.DeadlockDetected)
        assert is_worth_another_try(error)
        assert refusal_of(error) is None
    with Sessions() as session:
        balances = [session.get_one(Wallet, key).balance for key in (ann, bob)]
    assert sorted(balances) == ([-1, 1] if attempts == 1 else [0, 0])
