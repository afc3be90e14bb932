"""The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say; the database must be
empty, the role a superuser, who creates the extension, and `shop_app` a login."""

from decimal import Decimal
from pathlib import Path
from typing import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from shop.database import Sessions, run
from shop.models import Base, GiftCard, Payment, PaymentStatus, Wallet
from shop.provider import Provider


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    owner = create_engine("postgresql+psycopg://")
    Base.metadata.create_all(owner)
    owner.dispose()
    with psycopg.connect() as connection:
        connection.execute(Path("../rules.sql").read_bytes())
    # a lock is waited for, but not for ever
    engine = create_engine(
        "postgresql+psycopg://shop_app@", connect_args={"options": "-c lock_timeout=20s"}
    )
    Sessions.configure(bind=engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Sessions() as session:
        yield session


@pytest.fixture
def provider() -> Provider:
    return Provider()


count = iter(range(1, 1_000_000))


@pytest.fixture
def captured(engine: Engine) -> Callable[[int], int]:
    """A payment of this amount, captured; its key."""

    def create(amount: int) -> int:
        def work(session: Session) -> int:
            payment = Payment(provider_id=f"pi_{next(count)}", amount=Decimal(amount))
            session.add(payment)
            session.flush()
            payment.status = PaymentStatus.CAPTURED
            payment.captured = payment.amount
            session.flush()
            return payment.id

        return run(work)

    return create


@pytest.fixture
def wallets(engine: Engine) -> "list[int]":
    """Two wallets with nothing in them and a minimum of -1000, and one without any."""

    def work(session: Session) -> "list[int]":
        rows = [
            Wallet(owner=owner, minimum=None if owner == "fees" else Decimal(-1000))
            for owner in ("ann", "bob", "fees")
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]

    return run(work)


@pytest.fixture
def card(engine: Engine) -> int:
    """A gift card of 100."""

    def work(session: Session) -> int:
        row = GiftCard(code=f"GC-{next(count)}", balance=Decimal(100))
        session.add(row)
        session.flush()
        return row.id

    return run(work)
