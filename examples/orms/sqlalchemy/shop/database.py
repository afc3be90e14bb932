"""Sessions that say who acts, and transactions that are tried again."""

from typing import Any, Callable, Optional, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from .refusals import is_worth_another_try

T = TypeVar("T")

Sessions = sessionmaker()


def acting(
    actor: str, reason: Optional[str] = None, ticket: Optional[str] = None
) -> "dict[str, Any]":
    """For a session of somebody's: `Sessions(**acting("user:17", reason="arrived broken"))`."""
    return {"info": {"actor": {"actor": actor, "reason": reason, "ticket": ticket}}}


@event.listens_for(Sessions, "after_begin")
def say_who_acts(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """The claim ends with the transaction, so that none is left on a pooled connection."""
    if "actor" in session.info and not transaction.nested:
        connection.execute(
            text("SELECT paysafe.act_as(:actor, reason => :reason, ticket => :ticket)"),
            session.info["actor"],
        )


def run(work: Callable[[Session], T], attempts: int = 3, **session: Any) -> T:
    """Do it in one transaction; all of it again, with a new session, where that may help."""
    for attempt in range(1, attempts + 1):
        try:
            with Sessions(**session) as opened, opened.begin():
                return work(opened)
        except Exception as error:
            if attempt == attempts or not is_worth_another_try(error):
                raise
    raise AssertionError("no attempt was made")
