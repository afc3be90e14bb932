"""Every way in which SQLAlchemy writes: what is right passes."""

from decimal import Decimal
from typing import Callable
from uuid import uuid4

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shop.database import Sessions, run
from shop.models import GiftCard, LedgerEntry, Payment, PaymentStatus, Refund, RefundStatus, Wallet

Captured = Callable[[int], int]


def test_unit_of_work(session: Session) -> None:
    payment = Payment(provider_id="pi_unit", amount=Decimal(100))
    session.add(payment)
    session.commit()
    payment.status, payment.captured = PaymentStatus.CAPTURED, Decimal(100)
    payment.note = "called the customer"
    payment.refunds.append(Refund(amount=Decimal(30)))
    session.commit()
    assert [refund.status for refund in payment.refunds] == [RefundStatus.REQUESTED]
    assert payment.version == 2


def test_merge_writes_a_whole_row(session: Session, captured: Captured) -> None:
    key = captured(100)
    known = session.get_one(Payment, key)
    session.expunge(known)
    columns = {c.key: getattr(known, c.key) for c in Payment.__mapper__.column_attrs}
    session.merge(Payment(**{**columns, "note": "from a form"}))
    session.commit()
    assert session.get_one(Payment, key).note == "from a form"


def test_add_all(session: Session, wallets: "list[int]") -> None:
    ann, bob, _ = wallets
    transaction = uuid4()
    amounts = [Decimal(n) for n in range(1, 501)]
    session.add_all(
        LedgerEntry(transaction=transaction, wallet_id=wallet, amount=sign * amount)
        for amount in amounts
        for wallet, sign in ((ann, -1), (bob, 1))
        if amount <= 40
    )
    session.commit()
    assert session.get_one(Wallet, ann).balance == -820
    assert session.get_one(Wallet, bob).balance == 820


def test_bulk_insert(session: Session, wallets: "list[int]") -> None:
    ann, bob, fees = wallets
    rows = [
        {"transaction": transaction, "wallet_id": wallet, "amount": amount}
        for transaction in (uuid4() for _ in range(700))
        for wallet, amount in ((ann, -1), (bob, Decimal("0.75")), (fees, Decimal("0.25")))
    ]
    session.execute(insert(LedgerEntry), rows)
    session.commit()
    assert session.get_one(Wallet, ann).balance == -700
    balance = text("SELECT paysafe.balance(:key)")
    assert session.scalar(balance, {"key": str(fees)}) == 175


def test_bulk_update_by_key(session: Session, captured: Captured) -> None:
    keys = [captured(10), captured(20)]
    known = {
        payment.id: payment.version
        for payment in session.scalars(select(Payment).where(Payment.id.in_(keys)))
    }
    session.execute(
        update(Payment), [{"id": key, "version": known[key], "note": "checked"} for key in keys]
    )
    session.commit()
    notes = session.scalars(select(Payment.note).where(Payment.id.in_(keys))).all()
    assert notes == ["checked", "checked"]


def test_upsert_by_the_providers_key(session: Session) -> None:
    """What a webhook says, whether the payment is known already or not."""

    def said(note: str) -> int:
        row = upsert(Payment).values(
            provider_id="pi_hook", amount=Decimal(50), note=note, version=1
        )
        return session.scalars(
            row.on_conflict_do_update(
                index_elements=[Payment.provider_id],
                set_={"note": row.excluded.note, "version": Payment.version + 1},
            ).returning(Payment.id)
        ).one()

    first = said("created")
    session.commit()
    assert said("card ok") == first
    session.commit()
    payment = session.get_one(Payment, first)
    assert (payment.note, payment.version) == ("card ok", 2)


def test_upsert_captures(session: Session) -> None:
    for status, captured in ((PaymentStatus.AUTHORIZED, 0), (PaymentStatus.CAPTURED, 50)):
        row = upsert(Payment).values(
            provider_id="pi_capture",
            amount=Decimal(50),
            status=status,
            captured=captured,
            version=1,
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=[Payment.provider_id],
                set_={"status": row.excluded.status, "captured": row.excluded.captured},
            )
        )
        session.commit()
    payment = session.scalars(select(Payment).filter_by(provider_id="pi_capture")).one()
    assert payment.status == PaymentStatus.CAPTURED


def test_upsert_adds_to_a_card(session: Session, card: int) -> None:
    code = session.get_one(GiftCard, card).code
    row = upsert(GiftCard).values(code=code, balance=Decimal(25), version=1)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[GiftCard.code],
            set_={
                "balance": GiftCard.balance + row.excluded.balance,
                "version": GiftCard.version + 1,
            },
        )
    )
    session.commit()
    assert session.get_one(GiftCard, card).balance == 125


def test_optimistic_locking(session: Session, card: int) -> None:
    """Read, compute, write: `version_id_col` compares, and that is a guard for the balance."""
    row = session.get_one(GiftCard, card)
    row.balance -= 30
    session.commit()
    assert (row.balance, row.version) == (Decimal(70), 2)


def test_locked_row(session: Session, card: int) -> None:
    row = session.get_one(GiftCard, card, with_for_update=True)
    new = row.balance + 50
    session.execute(update(GiftCard).where(GiftCard.id == card).values(balance=new))
    session.commit()
    assert session.get_one(GiftCard, card).balance == 150


def test_computed_by_the_database(session: Session, card: int) -> None:
    row = session.get_one(GiftCard, card)
    row.balance = GiftCard.balance + 50
    session.commit()
    assert row.balance == 150
    session.execute(
        update(GiftCard).where(GiftCard.id == card).values(balance=GiftCard.balance - 10)
    )
    session.commit()
    session.refresh(row)
    assert row.balance == 140


def test_another_column_of_a_wallet(session: Session, wallets: "list[int]") -> None:
    ann, bob, _ = wallets
    row = session.get_one(Wallet, ann)

    def pay(other: Session) -> None:
        transaction = uuid4()
        for wallet, amount in ((ann, -5), (bob, 5)):
            other.add(
                LedgerEntry(transaction=transaction, wallet_id=wallet, amount=Decimal(amount))
            )

    run(pay)
    row.owner = "Ann"
    session.commit()
    assert (row.owner, row.balance) == ("Ann", Decimal(-5))


def test_delete_of_what_may_go(session: Session) -> None:
    session.add(Payment(provider_id="pi_gone", amount=Decimal(1)))
    session.commit()
    session.delete(session.scalars(select(Payment).filter_by(provider_id="pi_gone")).one())
    session.commit()


def test_the_transaction_goes_on_after_a_savepoint(captured: Captured) -> None:
    key = captured(100)
    with Sessions.begin() as session:
        payment = session.get_one(Payment, key)
        try:
            with session.begin_nested():
                session.add(Refund(payment=payment, amount=Decimal(101)))
        except Exception:
            session.add(Refund(payment=payment, amount=Decimal(100)))
    with Sessions() as session:
        total = select(func.sum(Refund.amount)).where(Refund.payment_id == key)
        assert session.scalar(total) == 100
