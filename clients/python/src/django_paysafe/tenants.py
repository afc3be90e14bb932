"""For whom a transaction works, where tables belong to tenants."""

from __future__ import annotations

from typing import Optional

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import TransactionManagementError


def for_tenant(
    tenant: object, *, reason: Optional[str] = None, using: Optional[str] = None
) -> None:
    """The open transaction reads and writes this tenant's rows, and no other's.

    `tenant` is a primary key, a UUID or a name: its text.  Ends with the transaction, so
    it is refused outside of `atomic`, where that would be at once.
    """
    connection = connections[using or DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        raise TransactionManagementError(
            "for_tenant works until the end of the transaction: call it inside of atomic()"
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT paysafe.act_for_tenant(%s, %s)", [str(tenant), reason])
