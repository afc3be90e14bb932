"""In place of a payment provider's library.

Like theirs, it does once what it is asked for twice under one key.
"""

from decimal import Decimal
from uuid import uuid4


class Declined(Exception):
    """There is no such money to send, and will not be."""


class AnswerLost(Exception):
    """It may have been sent, or not."""


class Provider:
    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        self.calls = 0
        self.loses_answers = False
        self.declines = False

    def refund(self, payment: str, amount: Decimal, currency: str, idempotency_key: str) -> str:
        """Send the money back; the provider's reference."""
        self.calls += 1
        if self.declines:
            raise Declined
        reference = self.sent.setdefault(idempotency_key, f"re_{uuid4().hex}")
        if self.loses_answers:
            raise AnswerLost
        return reference
