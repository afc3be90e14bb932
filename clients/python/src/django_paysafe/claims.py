"""Who acts, and why: what the application says of the change it is making.

The claim lives in a context variable.  It is told to the database by
`django_paysafe.connections`, once per transaction that writes.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Callable, Iterator, Optional, Union

# a function is asked at the first write, so that a request that only reads
# need not find out who is logged in
Actor = Union[str, Callable[[], Optional[str]], None]
# gives a signed token each time that the database is told
Token = Callable[[], Optional[str]]


@dataclass(frozen=True)
class Claim:
    """The arguments of `paysafe.act_as`, as text; None: not said.

    With `token`, the actor is shown by what that returns, instead of named.  `origin` is the
    address of `paysafe.act_from`.
    """

    actor: Optional[str] = None
    reason: Optional[str] = None
    ticket: Optional[str] = None
    request_id: Optional[str] = None
    business_id: Optional[str] = None
    token: Optional[Token] = field(default=None, repr=False)
    origin: Optional[str] = None


@dataclass(frozen=True)
class _Pending:
    """A claim whose actor may not be known yet."""

    actor: Actor
    rest: Claim

    def settle(self) -> Claim:
        actor = self.actor() if callable(self.actor) else self.actor
        return replace(self.rest, actor=actor, token=self.rest.token if actor else None)


_current: ContextVar[Optional[_Pending]] = ContextVar("django_paysafe", default=None)


class _Unset:
    pass


_UNSET = _Unset()


@contextlib.contextmanager
def acting(
    actor: Union[Actor, _Unset] = _UNSET,
    *,
    reason: Optional[str] = None,
    ticket: Optional[str] = None,
    request_id: Optional[str] = None,
    business_id: Optional[str] = None,
    token: Optional[Token] = None,
    origin: Optional[str] = None,
) -> Iterator[None]:
    """What is written inside is recorded under this actor, reason and so on.

    Arguments that are not given are those of the surrounding `acting` or
    request.  Works in sync and async code, and as a decorator of functions.
    Nothing is sent to the database until something is written.  `token`, where others
    than this process sign who acts, gives the token that shows the actor.  `origin`: from which
    address that comes, for limits of failed attempts.
    """
    outer = _current.get() or _Pending(None, Claim())
    rest = Claim(
        reason=outer.rest.reason if reason is None else reason,
        ticket=outer.rest.ticket if ticket is None else ticket,
        request_id=outer.rest.request_id if request_id is None else request_id,
        business_id=outer.rest.business_id if business_id is None else business_id,
        # that of the surrounding one shows nobody else
        token=outer.rest.token if isinstance(actor, _Unset) else token,
        origin=outer.rest.origin if origin is None else origin,
    )
    before = _current.set(_Pending(outer.actor if isinstance(actor, _Unset) else actor, rest))
    try:
        yield
    finally:
        _current.reset(before)


def act_as_process(actor: str) -> None:
    """What this process writes outside of any `acting` is recorded under this actor."""
    _current.set(_Pending(actor, Claim()))


def current_claim() -> Optional[Claim]:
    """What a write would be recorded under now; None outside of any `acting`."""
    pending = _current.get()
    return pending.settle() if pending else None
