"""Rules of ledgers, entries and balances, as migration operations."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Type, Union

from django.db import models
from django.db.migrations.state import ProjectState

from .declarations import Arguments, Column, Name, Names, RuleOperation, quoted, texts


class _Entries(RuleOperation):
    """What both kinds of ledgers say of their entries."""

    rule = "ledger"

    def __init__(
        self,
        model_name: str,
        *,
        account: Names,
        amount: Name,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        direction: Optional[Name] = None,
        posting_date: Optional[Name] = None,
        credit: Optional[Name] = None,
        debits: Optional[Sequence[str]] = None,
        credits: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        zero_amounts: bool = False,
        mutable: Optional[Sequence[Name]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        mode: str = "enforce",
        replaces: Optional[RuleOperation] = None,
    ) -> None:
        """currency is a field, or leads over foreign keys to one: "document__currency";
        with currency_code all entries are in that one."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.account = account
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.direction = direction
        self.posting_date = posting_date
        self.credit = credit
        self.debits = debits
        self.credits = credits
        self.decimals = decimals
        self.zero_amounts = zero_amounts
        self.mutable = mutable
        self.rows = rows

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "amount_column": self.name(model, self.amount),
            **self.currency_of(model, self.currency, self.currency_code),
            "direction_column": self.name(model, self.direction),
            "posting_date_column": self.name(model, self.posting_date),
            "credit_column": self.name(model, self.credit),
            "debits": texts(self.debits),
            "credits": texts(self.credits),
            "decimals": (self.decimals, "int"),
            "zero_amounts": (self.zero_amounts or None, "boolean"),
            "mutable_columns": self.names(model, self.mutable),
            "rows": self.condition(model, self.rows),
        }


class ProtectLedger(_Entries):
    function = "protect_ledger"

    def __init__(
        self,
        model_name: str,
        *,
        transaction: Names,
        reverses: Optional[Names] = None,
        closed: bool = True,
        **others: Any,
    ) -> None:
        super().__init__(model_name, **others)
        self.transaction = transaction
        self.reverses = reverses
        self.closed = closed

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        transaction, account, reverses = self.keys(
            (model, self.transaction), (model, self.account), (model, self.reverses)
        )
        return {
            "transaction_column": transaction,
            "account_column": account,
            **super().arguments(model, state, app),
            "reverses_column": reverses,
            "closed": (None if self.closed else False, "boolean"),
        }


def _array(columns: Union[str, Sequence[str], None]) -> Optional[str]:
    """One column, or several as the text of an array."""
    if columns is None or isinstance(columns, str):
        return columns
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in columns)
    return "{" + ",".join(f'"{name}"' for name in quoted) + "}"


class ProtectEntries(_Entries):
    """Entries that are no transactions: gift cards, store credit; transfers that name the account
    that is debited and the one that is credited."""

    function = "protect_entries"

    def __init__(
        self,
        model_name: str,
        *,
        minimum: Optional[Any] = None,
        credited: Optional[Names] = None,
        **others: Any,
    ) -> None:
        super().__init__(model_name, **others)
        self.minimum = minimum
        self.credited = credited

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        (account, _), (credited, _) = self.keys((model, self.account), (model, self.credited))
        return {
            "account_column": (_array(account), "text"),
            **super().arguments(model, state, app),
            "credit_account_column": (_array(credited), "text"),
            "minimum": (self.minimum, "numeric"),
        }


class ProtectBalance(RuleOperation):
    function = "protect_balance"
    rule = "balance"
    relation_argument = "accounts"

    def __init__(
        self,
        model_name: str,
        *,
        balance: Name,
        ledger: str,
        key: Names = "pk",
        minimum: Optional[Name] = None,
        currency: Optional[Name] = None,
        side: Optional[Name] = None,
        maximum: Optional[Name] = None,
        status: Optional[Name] = None,
        frozen: Sequence[str] = (),
        in_only: Sequence[str] = (),
        out_only: Sequence[str] = (),
        closed: Sequence[str] = (),
        kept_by: str = "entries",
        credit: Optional[Name] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectBalance] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.balance = balance
        self.ledger = ledger
        self.key = key
        self.minimum = minimum
        self.currency = currency
        self.side = side
        self.maximum = maximum
        self.status = status
        self.frozen = frozen
        self.in_only = in_only
        self.out_only = out_only
        self.closed = closed
        self.kept_by = kept_by
        self.credit = credit

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        key_fields: Names = self.key
        if key_fields == "pk":
            # a composite key has several
            fields = getattr(model._meta, "pk_fields", None) or [model._meta.pk]
            key_fields = [Column(str(field.column)) for field in fields]
        [key] = self.keys((model, key_fields))
        ledger = self.model(state, app, self.ledger)._meta.db_table
        return {
            "key_column": key,
            "balance_column": self.name(model, self.balance),
            "ledger": (quoted(ledger), "regclass"),
            "minimum_column": self.name(model, self.minimum),
            "currency_column": self.name(model, self.currency),
            "side_column": self.name(model, self.side),
            "maximum_column": self.name(model, self.maximum),
            "status_column": self.name(model, self.status),
            "frozen": texts(self.frozen or None),
            "in_only": texts(self.in_only or None),
            "out_only": texts(self.out_only or None),
            "closed": texts(self.closed or None),
            "kept_by": (None if self.kept_by == "entries" else self.kept_by, "text"),
            "credit_column": self.name(model, self.credit),
        }
