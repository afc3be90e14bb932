"""Refusals as exceptions of their own.

PostgreSQL's error has an SQLSTATE and the name of a constraint; psycopg and
Django make an `IntegrityError` or `ProgrammingError` of it.  Here each kind is a
subclass of what Django raises, so code that catches Django's class goes on
working.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Callable, ClassVar, Dict, Iterator, Optional, Type, TypeVar, Union, overload

from django.db import (
    DatabaseError,
    Error,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    transaction,
)
from django.utils.translation import gettext_lazy as _


class Refusal(DatabaseError):
    """paysafe has refused a change.

    `message`, `detail` and `hint` are PostgreSQL's; they name tables, columns and
    keys and are for those who run the system.  `summary` and `code` are for
    anybody.  `rule` is the rule's name as in the view `paysafe.protection`.
    """

    http_status: ClassVar[int] = 409
    summary: ClassVar[Any] = _("This change is not allowed.")

    sqlstate: Optional[str] = None
    message: str = ""
    detail: Optional[str] = None
    hint: Optional[str] = None
    schema: Optional[str] = None
    table: Optional[str] = None
    column: Optional[str] = None
    constraint: Optional[str] = None

    @property
    def code(self) -> str:
        """The class's name in snake case: `illegal_transition`."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")

    @property
    def rule(self) -> Optional[str]:
        own = f"paysafe_{self.table}_"
        if self.constraint and self.constraint.startswith(own + "refund_"):
            # one of several: its name, also where an approval is missing
            return self.constraint[len(own) :].replace("_approval", "")
        for rule in _RULES:
            if self.constraint and self.constraint.endswith("_" + rule):
                return rule
        return None

    @property
    def explanation(self) -> str:
        """Message, detail and hint as one text."""
        return " ".join(text for text in (self.message, self.detail, self.hint) if text)

    @property
    def advice(self) -> str:
        """The same for those who work with what the database keeps, without its language:
        what the hint says of SQL is left out."""
        return _without_sql(self.message, self.detail, self.hint)

    def as_json(self) -> Dict[str, str]:
        return {"detail": str(self.summary), "code": self.code}


_RULES = (
    "status columns columns_once append_only ledger balance row_lock payment refund"
    " approval audit rule secret"
).split()


class StatusRefusal(Refusal, IntegrityError):
    """23T: the status machine."""


class IllegalTransition(StatusRefusal):
    summary = _("The status does not allow this.")


class IllegalInitialStatus(StatusRefusal):
    http_status = 422
    summary = _("Nothing begins in this status.")


class DeletionRefused(StatusRefusal):
    summary = _("This cannot be deleted.")


class UnknownStatus(StatusRefusal):
    http_status = 422
    summary = _("There is no such status.")


class KeyChanged(StatusRefusal):
    summary = _("The key cannot be changed.")


class LedgerRefusal(Refusal, IntegrityError):
    """23L: ledgers and append-only tables."""


class AppendOnly(LedgerRefusal):
    summary = _("What is recorded here stays as it is.")


class Unbalanced(LedgerRefusal):
    http_status = 422
    summary = _("The entries do not sum to zero.")


class BadEntry(LedgerRefusal):
    http_status = 422
    summary = _("The entry is not complete or its amount is not possible.")


class TransactionClosed(LedgerRefusal):
    summary = _("This transaction has been posted.")


class BadReversal(LedgerRefusal):
    summary = _("This does not reverse what was posted, or it has been reversed.")


class PeriodClosed(LedgerRefusal):
    summary = _("The period is closed.")


class BalanceRefusal(Refusal, IntegrityError):
    """23M: balances, reservations, lost updates."""


class InsufficientBalance(BalanceRefusal):
    summary = _("The balance does not suffice.")


class DirectBalanceWrite(BalanceRefusal):
    summary = _("A balance moves by ledger entries only.")


class BadAccount(BalanceRefusal):
    http_status = 422
    summary = _("There is no such account.")


class LostUpdate(BalanceRefusal):
    summary = _("Someone else may have changed this. Try again.")


class ReservationRefused(BalanceRefusal):
    summary = _("The reservation is not open, or not for this amount.")


class BalanceTooHigh(BalanceRefusal):
    summary = _("The balance would be too high.")


class AccountFrozen(BalanceRefusal):
    summary = _("The account is frozen.")


class AccountClosed(BalanceRefusal):
    summary = _("The account is closed.")


class PaymentRefusal(Refusal, IntegrityError):
    """23R: payments, refunds, frozen columns."""


class RefundExceedsCaptured(PaymentRefusal):
    summary = _("Refunds cannot exceed what was captured.")


class CurrencyMismatch(PaymentRefusal):
    http_status = 422
    summary = _("The currencies differ.")


class FrozenColumn(PaymentRefusal):
    summary = _("This can no longer be changed.")


class BadAmount(PaymentRefusal):
    http_status = 422
    summary = _("The amount or the currency is not possible.")


class CaptureRefused(PaymentRefusal):
    summary = _("The captured amount changes by a capture only.")


class NoSuchPayment(PaymentRefusal):
    http_status = 422
    summary = _("There is no such payment.")


class PaymentInUse(PaymentRefusal):
    summary = _("This cannot be deleted.")


class TenantRefusal(Refusal, IntegrityError):
    """23N: rows of tenants."""

    summary = _("This belongs to somebody else.")


class OtherTenant(TenantRefusal):
    http_status = 403


class NoTenant(TenantRefusal):
    summary = _("Nobody has said for whom this is.")


class TooManyRows(TenantRefusal):
    summary = _("This would change too much at once.")


class OwnerRefusal(Refusal, IntegrityError):
    """23J: rows that belong to who acts."""

    http_status = 403
    summary = _("This belongs to somebody else.")


class OtherOwner(OwnerRefusal):
    pass


class UnknownOwner(OwnerRefusal):
    summary = _("Nobody has said who acts.")


class TooFast(Refusal, IntegrityError):
    """23V01: more of one key within a time than there may be."""

    http_status = 429
    summary = _("This is too much in so short a time.")


class IdempotencyRefusal(Refusal, IntegrityError):
    """23I: idempotency keys."""

    http_status = 422


class KeyReused(IdempotencyRefusal):
    summary = _("The idempotency key was used for another request.")


class KeyExpired(IdempotencyRefusal):
    summary = _("The idempotency key is too old.")


class RequestUnfinished(IdempotencyRefusal):
    http_status = 500
    summary = _("The request was not executed.")


class SecretRefusal(Refusal, IntegrityError):
    """23K: secrets at rest."""

    http_status = 422


class BadSchedule(Refusal, IntegrityError):
    """23G01: a job that runs too often, of no tier, or no task that there is."""

    http_status = 422
    summary = _("The job cannot be scheduled so.")


class TooManyJobs(Refusal, IntegrityError):
    """23G02: an owner has as many jobs as the tier allows."""

    http_status = 409
    summary = _("There are as many jobs as you may have.")


class BadPayload(Refusal, IntegrityError):
    """23H01: JSON that does not fit the schema of its column."""

    http_status = 422
    summary = _("The data is not in the agreed form.")


class NotSealed(SecretRefusal):
    summary = _("The value is not encrypted for this place.")


class NotAllowed(Refusal, ProgrammingError):
    """42501: not for this person, or not without another one."""

    http_status = 403
    summary = _("You may not do this.")


class ApprovalNeeded(NotAllowed):
    summary = _("This needs the approval of another person.")


class ReasonNeeded(NotAllowed):
    summary = _("This needs a reason or a ticket.")


class ConcurrentChange(Refusal, OperationalError):
    """40001: another transaction was faster.  Try again."""

    summary = _("Someone else has changed this. Try again.")


class InProgress(Refusal, OperationalError):
    """55P03: somebody else is at it.  Try again."""

    summary = _("This is in progress. Try again.")


_CLASSES: Dict[str, Type[Refusal]] = {
    # made from errcodes.txt by "make errcodes": do not edit
    "23T01": IllegalTransition,
    "23T02": IllegalInitialStatus,
    "23T03": DeletionRefused,
    "23T04": UnknownStatus,
    "23T05": KeyChanged,
    "23L01": AppendOnly,
    "23L02": Unbalanced,
    "23L03": BadEntry,
    "23L04": TransactionClosed,
    "23L05": BadReversal,
    "23L06": PeriodClosed,
    "23M01": InsufficientBalance,
    "23M02": DirectBalanceWrite,
    "23M03": BadAccount,
    "23M04": LostUpdate,
    "23M05": ReservationRefused,
    "23M06": BalanceTooHigh,
    "23M07": AccountFrozen,
    "23M08": AccountClosed,
    "23R01": RefundExceedsCaptured,
    "23R02": CurrencyMismatch,
    "23R03": FrozenColumn,
    "23R04": BadAmount,
    "23R05": CaptureRefused,
    "23R06": NoSuchPayment,
    "23R07": PaymentInUse,
    "23N01": OtherTenant,
    "23N02": NoTenant,
    "23N03": TooManyRows,
    "23J01": OtherOwner,
    "23J02": UnknownOwner,
    "23V01": TooFast,
    "23G01": BadSchedule,
    "23G02": TooManyJobs,
    "23H01": BadPayload,
    "23K01": NotSealed,
    "23I01": KeyReused,
    "23I02": KeyExpired,
    "23I03": RequestUnfinished,
    # end of what is made
    "40001": ConcurrentChange,
    "42501": NotAllowed,
    "55P03": InProgress,
}

# codes of an area that are newer than this package
_AREAS: Dict[str, Type[Refusal]] = {
    "23T": StatusRefusal,
    "23L": LedgerRefusal,
    "23M": BalanceRefusal,
    "23R": PaymentRefusal,
    "23N": TenantRefusal,
    "23I": IdempotencyRefusal,
    "23K": SecretRefusal,
}


def _diagnosis(error: BaseException) -> Any:
    """What PostgreSQL says of an exception of Django or of psycopg, or None."""
    return getattr(error.__cause__ if isinstance(error, Error) else error, "diag", None)


def sqlstate_of(error: BaseException) -> str:
    """The SQLSTATE of an exception of Django or of psycopg, or "" where it has none."""
    return getattr(_diagnosis(error), "sqlstate", None) or ""


def explanation_of(error: BaseException) -> str:
    """Message, detail and hint of a refusal, or of any exception of Django or of psycopg."""
    if isinstance(error, Refusal):
        return error.explanation
    found = _diagnosis(error)
    texts = (getattr(found, f"message_{name}", None) for name in ("primary", "detail", "hint"))
    return " ".join(text for text in texts if text) or str(error)


def advice_of(error: BaseException) -> str:
    """The same without SQL: see `Refusal.advice`."""
    if isinstance(error, Refusal):
        return error.advice
    found = _diagnosis(error)
    texts = (getattr(found, f"message_{name}", None) for name in ("primary", "detail", "hint"))
    return _without_sql(*texts) or str(error)


_CALL = re.compile(r":?\s*\bSELECT\s+paysafe\..*", re.DOTALL)
_SQL = re.compile(r"\bpaysafe\.|\b(?:SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|GRANT|SET)\b")


def _without_sql(message: Optional[str], detail: Optional[str], hint: Optional[str]) -> str:
    sentences = []
    for sentence in re.split(r"(?<=\.)\s+", _CALL.sub(".", hint or "").strip(". ")):
        if sentence and not _SQL.search(sentence):
            sentences.append(sentence if sentence.endswith(".") else sentence + ".")
    if message and (detail or sentences):
        message = message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
    return " ".join(text for text in (message, detail, *sentences) if text)


def constraint_of(error: BaseException) -> str:
    """The constraint that an exception of Django or of psycopg names, or ""."""
    return getattr(_diagnosis(error), "constraint_name", None) or ""


def refusal_of(error: Optional[BaseException]) -> Optional[Refusal]:
    """The refusal that an exception of Django or of psycopg stands for, or None."""
    if error is None or isinstance(error, Refusal):
        return error
    diag = _diagnosis(error)
    sqlstate, constraint = sqlstate_of(error), constraint_of(error)
    if not constraint.startswith("paysafe_"):
        return None
    cls = _CLASSES.get(sqlstate) or _AREAS.get(sqlstate[:3])
    if cls is None:
        return None
    if cls is NotAllowed and constraint.endswith("_approval"):
        cls = ApprovalNeeded
    elif cls is NotAllowed and constraint.endswith("_audit"):
        cls = ReasonNeeded
    refusal = cls(str(error))
    refusal.sqlstate = sqlstate
    refusal.message = diag.message_primary or ""
    refusal.detail = diag.message_detail
    refusal.hint = diag.message_hint
    refusal.schema = diag.schema_name
    refusal.table = diag.table_name
    refusal.column = diag.column_name
    refusal.constraint = constraint
    refusal.__cause__ = error.__cause__ if isinstance(error, Error) else error
    return refusal


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Refusals of what is done inside are raised as their own classes.

    Also a decorator.  Around `transaction.atomic()`, or use `atomic` below: what
    is checked at COMMIT arises when that is left.
    """
    try:
        yield
    except Error as error:
        refusal = refusal_of(error)
        if refusal is None or refusal is error:
            raise
        raise refusal from refusal.__cause__


class _Atomic(transaction.Atomic):
    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        with refusals():
            super().__exit__(exc_type, exc_value, traceback)
            # raised inside: the transaction is rolled back by now
            refusal = refusal_of(exc_value) if isinstance(exc_value, Error) else None
            if refusal is not None and refusal is not exc_value:
                raise refusal from refusal.__cause__


_F = TypeVar("_F", bound=Callable[..., Any])


@overload
def atomic(using: _F) -> _F: ...


@overload
def atomic(
    using: Optional[str] = None, savepoint: bool = True, durable: bool = False
) -> _Atomic: ...


def atomic(
    using: Union[str, Callable[..., Any], None] = None,
    savepoint: bool = True,
    durable: bool = False,
) -> Any:
    """`django.db.transaction.atomic`, and refusals come as their own classes."""
    if callable(using):
        return _Atomic(None, savepoint, durable)(using)
    return _Atomic(using, savepoint, durable)
