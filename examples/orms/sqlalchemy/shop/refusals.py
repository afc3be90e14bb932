"""What arrives when the database refuses."""

from dataclasses import dataclass
from typing import Optional

import psycopg
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True)
class Refusal:
    """What paysafe has refused, for an answer of 409 or 422 instead of 500."""

    sqlstate: str
    constraint: str
    table: Optional[str]
    column: Optional[str]
    message: Optional[str]
    detail: Optional[str]
    hint: Optional[str]


def refusal_of(error: BaseException) -> Optional[Refusal]:
    """None for any other error: psycopg has all fields of it in `diag`."""
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, psycopg.Error):
        return None
    diag = error.orig.diag
    name = diag.constraint_name or ""
    if not name.startswith("paysafe_"):
        return None
    return Refusal(
        diag.sqlstate or "",
        name,
        diag.table_name,
        diag.column_name,
        diag.message_primary,
        diag.message_detail,
        diag.message_hint,
    )


def is_worth_another_try(error: BaseException) -> bool:
    """A deadlock, or a row that somebody else has changed meanwhile: 40P01, 40001."""
    return (
        isinstance(error, DBAPIError)
        and isinstance(error.orig, psycopg.Error)
        and (error.orig.sqlstate or "").startswith("40")
    )
