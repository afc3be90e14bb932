"""What is wrong is refused, and arrives as an exception of SQLAlchemy's."""

from decimal import Decimal
from typing import Callable
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from shop.database import run
from shop.models import GiftCard, LedgerEntry, Payment, PaymentStatus, Refund, Wallet
from shop.refusals import refusal_of

from .refused import refused

Captured = Callable[[int], int]
STATUS = "paysafe_payment_status"
LEDGER = "paysafe_ledger_entry_ledger"
BALANCE = "paysafe_wallet_balance"


def entry(wallet: int, amount: int, transaction: object = None) -> LedgerEntry:
    return LedgerEntry(transaction=transaction or uuid4(), wallet_id=wallet, amount=Decimal(amount))


def test_status_set_back(session: Session, captured: Captured) -> None:
    payment = session.get_one(Payment, captured(100))
    payment.status = PaymentStatus.AUTHORIZED
    with refused(IntegrityError, "23T01", STATUS) as found:
        session.commit()
    assert found.refusal.column == "status"
    assert 'from "captured" to "authorized"' in found.refusal.message
    assert "paysafe.status_diagram" in found.refusal.hint


def test_status_set_back_by_a_statement(session: Session, captured: Captured) -> None:
    key = captured(100)
    with refused(IntegrityError, "23T01", STATUS):
        session.execute(
            update(Payment).where(Payment.id == key).values(status=PaymentStatus.CANCELLED)
        )


def test_status_set_back_by_an_upsert(session: Session, captured: Captured) -> None:
    payment = session.get_one(Payment, captured(100))
    row = upsert(Payment).values(provider_id=payment.provider_id, amount=Decimal(100), version=1)
    with refused(IntegrityError, "23T01", STATUS):
        session.execute(
            row.on_conflict_do_update(
                index_elements=[Payment.provider_id], set_={"status": row.excluded.status}
            )
        )


def test_first_status(session: Session) -> None:
    session.add(
        Payment(
            provider_id="pi_first",
            amount=Decimal(5),
            captured=Decimal(5),
            status=PaymentStatus.CAPTURED,
        )
    )
    with refused(IntegrityError, "23T02", STATUS):
        session.flush()


def test_delete(session: Session, captured: Captured) -> None:
    session.delete(session.get_one(Payment, captured(100)))
    with refused(IntegrityError, "23T03", STATUS):
        session.flush()


def test_amount_of_a_captured_payment(session: Session, captured: Captured) -> None:
    session.get_one(Payment, captured(100)).amount = Decimal(9000)
    with refused(IntegrityError, "23R03", "paysafe_payment_payment"):
        session.flush()


def test_more_refunds_than_captured(session: Session, captured: Captured) -> None:
    payment = session.get_one(Payment, captured(100))
    payment.refunds += [Refund(amount=Decimal(80)), Refund(amount=Decimal(21))]
    with refused(IntegrityError, "23R01", "paysafe_refund_refund"):
        session.flush()


def test_unbalanced_entries_at_commit(session: Session, wallets: "list[int]") -> None:
    session.add(entry(wallets[0], 5))
    session.flush()
    with refused(IntegrityError, "23L02", LEDGER):
        session.commit()


def test_posted_already(session: Session, wallets: "list[int]") -> None:
    transaction = uuid4()
    for again in (False, True):
        session.add_all(entry(wallets[n], amount, transaction) for n, amount in ((0, -5), (1, 5)))
        if not again:
            session.commit()
    with refused(IntegrityError, "23L04", LEDGER):
        session.commit()


def test_entry_changed_or_deleted(session: Session, wallets: "list[int]") -> None:
    transaction = uuid4()
    session.add_all(entry(wallets[n], amount, transaction) for n, amount in ((0, -5), (1, 5)))
    session.commit()
    row = session.scalars(select(LedgerEntry).filter_by(transaction=transaction).limit(1)).one()
    row.amount = Decimal(1)
    with refused(IntegrityError, "23L01", LEDGER):
        session.flush()
    session.rollback()
    with refused(IntegrityError, "23L01", LEDGER):
        session.execute(delete(LedgerEntry).where(LedgerEntry.transaction == transaction))


def test_overdraft(session: Session, wallets: "list[int]") -> None:
    transaction = uuid4()
    session.add_all(entry(wallets[n], amount, transaction) for n, amount in ((0, -1001), (2, 1001)))
    with refused(IntegrityError, "23M01", BALANCE) as found:
        session.flush()
    assert found.refusal.table == "wallet"


def test_balance_by_hand(session: Session, wallets: "list[int]") -> None:
    session.get_one(Wallet, wallets[0]).balance += 1
    with refused(IntegrityError, "23M02", BALANCE):
        session.flush()


def test_stale_version_is_sqlalchemys(session: Session, card: int) -> None:
    """Two have read the card: the second one learns of it from SQLAlchemy, not from paysafe."""
    row = session.get_one(GiftCard, card)
    run(lambda other: setattr(other.get_one(GiftCard, card), "balance", Decimal(70)))
    row.balance -= 30
    with pytest.raises(StaleDataError):
        session.flush()


def test_lost_update_of_a_statement(session: Session, card: int) -> None:
    """No version, no lock: what was read earlier is written back."""
    balance = session.scalar(select(GiftCard.balance).where(GiftCard.id == card))
    assert balance is not None
    with refused(IntegrityError, "23M04", "paysafe_gift_card_row_lock") as found:
        session.execute(update(GiftCard).where(GiftCard.id == card).values(balance=balance - 30))
    assert "FOR UPDATE" in found.refusal.hint


def test_refund_that_nobody_has_approved(session: Session, captured: Captured) -> None:
    payment = session.get_one(Payment, captured(2000))
    refund = Refund(payment=payment, amount=Decimal(900))
    session.add(refund)
    session.commit()
    move = text("UPDATE refund SET status = 'executing' WHERE id = :id")
    with refused(ProgrammingError, "42501", "paysafe_refund_approval") as found:
        session.execute(move, {"id": refund.id})
    assert "paysafe.act_as" in found.refusal.hint


def test_another_error_is_no_refusal(session: Session, captured: Captured) -> None:
    known = session.get_one(Payment, captured(1)).provider_id
    session.add(Payment(provider_id=known, amount=Decimal(1)))
    with pytest.raises(IntegrityError) as raised:
        session.flush()
    assert refusal_of(raised.value) is None
