"""A second person before the money leaves, and the money leaves once."""

from decimal import Decimal
from typing import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from shop import refunds
from shop.database import acting, run
from shop.models import Refund, RefundStatus
from shop.provider import AnswerLost, Provider

from .refused import refused

Captured = Callable[[int], int]
APPROVAL = "paysafe_refund_approval"
APPROVER = "paysafe_approval_record_approval"


def requested(captured: Captured, amount: int = 900) -> int:
    return refunds.request(captured(2000), Decimal(amount), "user:17", "arrived broken")


def status(refund: int) -> RefundStatus:
    return run(lambda session: session.get_one(Refund, refund).status)


def test_below_the_threshold(captured: Captured, provider: Provider) -> None:
    answer = refunds.pay(requested(captured, 500), provider)
    assert answer["status"] == "paid"


def test_the_gate_is_before_the_provider(captured: Captured, provider: Provider) -> None:
    refund = requested(captured)
    with refused(ProgrammingError, "42501", APPROVAL) as found:
        refunds.pay(refund, provider)
    assert "paysafe.approve" in found.refusal.hint
    assert provider.calls == 0
    assert status(refund) == RefundStatus.REQUESTED


def test_not_by_who_requested_it(captured: Captured) -> None:
    refund = requested(captured)
    with refused(ProgrammingError, "42501", APPROVER):
        refunds.approve(refund, "User:17", "it is fine")


def test_approved_by_somebody_else(captured: Captured, provider: Provider) -> None:
    refund = requested(captured)
    with pytest.raises(ProgrammingError):
        refunds.pay(refund, provider)
    refunds.approve(refund, "user:23", "photo checked")
    answer = refunds.pay(refund, provider)
    assert answer["status"] == "paid"
    assert refunds.pay(refund, provider) == answer
    assert provider.calls == 1
    assert status(refund) == RefundStatus.PAID


def test_an_answer_is_lost(captured: Captured, provider: Provider) -> None:
    refund = requested(captured, 100)
    provider.loses_answers = True
    with pytest.raises(AnswerLost):
        refunds.pay(refund, provider)
    assert status(refund) == RefundStatus.EXECUTING
    provider.loses_answers = False
    answer = refunds.pay(refund, provider)
    assert provider.sent == {f"refund-{refund}": answer["reference"]}


def test_declined(captured: Captured, provider: Provider) -> None:
    refund = requested(captured, 100)
    provider.declines = True
    assert refunds.pay(refund, provider)["status"] == "failed"
    provider.declines = False
    assert refunds.pay(refund, provider)["status"] == "failed"
    assert provider.sent == {}


def test_rejected(captured: Captured, provider: Provider) -> None:
    refund = requested(captured)
    run(
        lambda session: setattr(session.get_one(Refund, refund), "status", RefundStatus.REJECTED),
        **acting("user:23"),
    )
    with pytest.raises(refunds.NotOpen):
        refunds.pay(refund, provider)
    assert provider.calls == 0


def test_the_claim_ends_with_the_transaction(captured: Captured) -> None:
    """The next user of the pooled connection is not user:23."""
    refund = requested(captured)
    run(lambda session: session.scalar(select(1)), **acting("user:23"))

    def approve(session: Session) -> None:
        session.execute(text("SELECT paysafe.approve('refund', :key, 'me?')"), {"key": str(refund)})

    with refused(ProgrammingError, "42501", APPROVER):
        run(approve)
