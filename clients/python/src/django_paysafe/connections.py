"""Tells the database who acts, in the transaction that writes.

A wrapper around each connection's `execute` looks at what goes by.  Before the
first write of a transaction it calls `paysafe.act_as`, again if the claim
changes or a rollback to a savepoint has undone it; and `paysafe.act_from`, if the
address is not the one that was told last.  The claim ends with the
transaction, on the server, so it cannot reach the next user of a pooled
connection.  What the server holds is known from its transaction status and from
the savepoints that went by, not from Django's own book-keeping.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Callable, FrozenSet, Iterator, List, Optional

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .claims import Claim, current_claim
from .statements import Kind, Statement, statement
from .tokens import configuration, signer, subject_of

_ACT_AS = "SELECT paysafe.act_as(%s, %s, %s, %s, %s)"
_ACT_AS_TOKEN = "SELECT paysafe.act_as_token(%s, %s, %s, %s, %s)"
# in front, so that what is refused is from there
_FROM = " FROM paysafe.act_from(%s)"
_ACT_FROM = "SELECT paysafe.act_from(%s)"
_NOBODY = Claim()

# PQTransactionStatusType
_IDLE, _IN_TRANSACTION = 0, 2


@dataclass
class _Frame:
    """A transaction or savepoint, and what was claimed in it last, but for from where."""

    savepoint: Optional[str]
    claim: Optional[Claim] = None


class ActorWrapper:
    """For `connection.execute_wrappers`; one for each connection."""

    def __init__(self) -> None:
        self._begin()
        self._busy = False

    def _begin(self) -> None:
        """A transaction in which nothing has been told yet."""
        self._frames = [_Frame(None)]
        # the addresses of which the server may hold any: more than one where that is not known
        self._told: FrozenSet[Optional[str]] = frozenset({None})

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        connection = context["connection"]
        if self._busy or connection.connection is None:
            return execute(sql, params, many, context)
        status = int(connection.connection.info.transaction_status)
        if status == _IDLE:
            self._begin()
        what = statement(_text(sql, connection.connection))
        if what.savepoint is not None:
            result = execute(sql, params, many, context)
            self._follow(what)
            return result
        # a failed transaction or a lost connection: the statement will say so
        if what.kind is Kind.READ or status not in (_IDLE, _IN_TRANSACTION):
            return execute(sql, params, many, context)

        wanted = self._wanted()
        if not (status == _IDLE and connection.get_autocommit()):
            self._claim(connection, wanted)
            return execute(sql, params, many, context)
        if wanted == _NOBODY or what.kind is Kind.OTHER or not _is_ours(connection):
            return execute(sql, params, many, context)
        with transaction.atomic(using=connection.alias):
            self._begin()
            self._claim(connection, wanted)
            return execute(sql, params, many, context)

    def claim_now(self, connection: BaseDatabaseWrapper) -> None:
        """Claim before what this wrapper does not see, in a transaction under way."""
        if int(connection.connection.info.transaction_status) == _IDLE:
            self._begin()
        self._claim(connection, self._wanted())

    @contextmanager
    def unclaimed(self) -> Iterator[None]:
        busy, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = busy

    def _wanted(self) -> Claim:
        # finding out who is logged in may read, and even write, itself
        self._busy = True
        try:
            return current_claim() or _NOBODY
        finally:
            self._busy = False

    def _claim(self, connection: BaseDatabaseWrapper, wanted: Claim) -> None:
        held = next((f.claim for f in reversed(self._frames) if f.claim is not None), _NOBODY)
        claim = replace(wanted, origin=None)
        tells = self._told != {wanted.origin}
        # if nobody is shown, the role need not be able to name anybody
        claims = held != claim and not (
            claim.actor is None and held == _NOBODY and configuration() is not None
        )
        if not claims and not tells:
            return
        self._busy = True
        try:
            if tells:
                self._told |= {wanted.origin}  # until it is known that it has arrived
            if claims:
                self._send(connection, claim, [wanted.origin] if tells else [])
            else:
                with connection.cursor() as cursor:
                    cursor.execute(_ACT_FROM, [wanted.origin])
            self._told = frozenset({wanted.origin})
        finally:
            self._busy = False
        if claims:
            self._frames[-1].claim = claim

    def _send(
        self, connection: BaseDatabaseWrapper, claim: Claim, origin: List[Optional[str]]
    ) -> None:
        """Who acts; from where too, if that is there."""
        token = _token(claim)
        rest = [claim.reason, claim.ticket, claim.request_id, claim.business_id, *origin]
        act_from = _FROM if origin else ""
        if token is None:
            with connection.cursor() as cursor:
                cursor.execute(_ACT_AS + act_from, [claim.actor, *rest])
        else:
            # past what writes statements down, as Django does while DEBUG is on
            with connection.wrap_database_errors, connection.connection.cursor() as raw:
                raw.execute(_ACT_AS_TOKEN + act_from, [token, *rest])

    def _follow(self, what: Statement) -> None:
        """A savepoint was set, released or rolled back to."""
        if what.kind is Kind.SAVEPOINT:
            self._frames.append(_Frame(what.savepoint))
            return
        named = [i for i, frame in enumerate(self._frames) if frame.savepoint == what.savepoint]
        if not named:
            return
        ended = self._frames[named[-1] :]
        del self._frames[named[-1] :]
        if what.kind is Kind.ROLLBACK_TO:
            self._told |= {None}  # if any was told, it is told anew
            self._frames.append(_Frame(what.savepoint))
            return
        for frame in ended:
            if frame.claim is not None:
                self._frames[-1].claim = frame.claim


def _token(claim: Claim) -> Optional[str]:
    """The token that shows who acts; None: a name has to do."""
    if claim.actor is None:
        return None
    if claim.token is None:
        here = signer()
        return None if here is None else here.token(claim.actor)
    token = claim.token()
    # who is logged in and whom the token shows are one, and no name stands in for a token
    if token is None or subject_of(token) != claim.actor:
        raise PermissionDenied("no token shows who is logged in")
    return token


def _text(sql: Any, connection: Any) -> str:
    """The statement as text; psycopg also takes bytes and objects of its own."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    if hasattr(sql, "as_string"):
        return str(sql.as_string(connection))
    return str(sql)


def _is_ours(connection: BaseDatabaseWrapper) -> bool:
    """Would `transaction.atomic` find this very connection?"""
    return connection.alias in connections.settings and connections[connection.alias] is connection


def _is_wanted(connection: BaseDatabaseWrapper) -> bool:
    databases: Optional[List[str]] = getattr(settings, "PAYSAFE_DATABASES", None)
    return connection.vendor == "postgresql" and (
        databases is None or connection.alias in databases
    )


def _wrapper_of(connection: BaseDatabaseWrapper) -> Optional[ActorWrapper]:
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, ActorWrapper):
            return wrapper
    return None


def install(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Watch this connection, if it is one of `PAYSAFE_DATABASES` (default: all)."""
    if _is_wanted(connection) and _wrapper_of(connection) is None:
        # first in the list: connection.execute_wrapper() removes the last one
        connection.execute_wrappers.insert(0, ActorWrapper())


def install_everywhere() -> None:
    """Watch all connections of all threads, those to come included."""
    connection_created.connect(install, dispatch_uid="django_paysafe")
    for connection in connections.all(initialized_only=True):
        install(connection)


@contextmanager
def unclaimed(using: str) -> Iterator[None]:
    """In this block, statements are for finding out who acts: nobody does yet."""
    connection = connections[using]
    connection.ensure_connection()
    wrapper = _wrapper_of(connection)
    if wrapper is None:
        yield
        return
    with wrapper.unclaimed():
        yield


def claim(using: str = DEFAULT_DB_ALIAS) -> None:
    """Tell the database now who acts, inside `atomic()`.

    Only needed before a write that does not show: `cursor.copy()`,
    `cursor.callproc()`, a query over a table's rows that calls a function of
    yours which writes, a driver's cursor that Django does not know of.
    """
    connection = connections[using]
    connection.ensure_connection()
    wrapper = _wrapper_of(connection)
    if wrapper is None:
        raise ValueError(f"database {using!r} is not one of PAYSAFE_DATABASES")
    if connection.get_autocommit():
        raise transaction.TransactionManagementError("claim() is for use inside atomic()")
    wrapper.claim_now(connection)
