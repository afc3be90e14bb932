"""Money moves by entries; the database moves the wallets' balances."""

from decimal import Decimal
from typing import Mapping
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from .models import LedgerEntry


def post(session: Session, amounts: Mapping[int, Decimal]) -> UUID:
    """Post a transaction: amounts by wallet, which sum to zero.

    Always in the order of the wallets.  SQLAlchemy writes all of them as one INSERT, and
    of one statement the database locks the wallets in the order of their keys by itself.
    More than a thousand, or entries that an earlier flush has written, are several
    statements, and these have an order only if the application gives them one.
    """
    transaction = uuid4()
    session.add_all(
        LedgerEntry(transaction=transaction, wallet_id=wallet, amount=amounts[wallet])
        for wallet in sorted(amounts)
    )
    session.flush()
    return transaction
