"""The shop's tables, as they are without paysafe."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Optional
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Numeric, String, func
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class PaymentStatus(str, Enum):
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    CANCELLED = "cancelled"


class RefundStatus(str, Enum):
    REQUESTED = "requested"
    REJECTED = "rejected"
    EXECUTING = "executing"
    PAID = "paid"
    FAILED = "failed"


def labels(statuses: "type[Enum]") -> "list[str]":
    return [status.value for status in statuses]


class Base(DeclarativeBase):
    type_annotation_map = {Decimal: Numeric(12, 2)}


class Payment(Base):
    __tablename__ = "payment"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    provider_id: Mapped[str] = mapped_column(String(100), unique=True)
    status: Mapped[PaymentStatus] = mapped_column(
        EnumType(PaymentStatus, name="payment_status", values_callable=labels),
        default=PaymentStatus.AUTHORIZED,
    )
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    amount: Mapped[Decimal]
    captured: Mapped[Decimal] = mapped_column(default=Decimal(0))
    note: Mapped[Optional[str]] = mapped_column(String(200))
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    version: Mapped[int] = mapped_column()
    refunds: Mapped[list["Refund"]] = relationship(back_populates="payment")

    __mapper_args__ = {"version_id_col": version}


class Refund(Base):
    __tablename__ = "refund"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    status: Mapped[RefundStatus] = mapped_column(
        EnumType(RefundStatus, name="refund_status", values_callable=labels),
        default=RefundStatus.REQUESTED,
    )
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    amount: Mapped[Decimal]
    provider_reference: Mapped[Optional[str]] = mapped_column(String(100), unique=True)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    version: Mapped[int] = mapped_column()
    payment: Mapped[Payment] = relationship(back_populates="refunds")

    __mapper_args__ = {"version_id_col": version}


class Wallet(Base):
    __tablename__ = "wallet"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    balance: Mapped[Decimal] = mapped_column(default=Decimal(0))
    minimum: Mapped[Optional[Decimal]] = mapped_column(default=Decimal(0))


class LedgerEntry(Base):
    __tablename__ = "ledger_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    transaction: Mapped[UUID] = mapped_column(index=True)
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"))
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    amount: Mapped[Decimal]


class GiftCard(Base):
    __tablename__ = "gift_card"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    balance: Mapped[Decimal]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}
