"""Rules as migration operations, in terms of models and fields.

Going back drops the rule again, which needs a maintenance window that names the
table, or declares the one that it `replaces`, which needs the approval of a
second person if that loosens it.  The refusal's hint has the call for either.
After it, run the migration again.

Put rules into a migration of their own, after the one that makes the tables.
"""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type

from django.db import NotSupportedError, models, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

Arguments = Dict[str, Tuple[Any, str]]  # name: value and SQL type

_NULL = object()  # an argument that has no default


def _call(schema_editor: BaseDatabaseSchemaEditor, function: str, arguments: Arguments) -> None:
    """SELECT paysafe.function(name => value, ...), leaving out what is None."""
    given = {name: pair for name, pair in arguments.items() if pair[0] is not None}
    text = ", ".join(f"{name} => %s::{type_}" for name, (_, type_) in given.items())
    values = [None if value is _NULL else value for value, _ in given.values()]
    schema_editor.execute(f"SELECT paysafe.{function}({text})", values)


def _postgresql(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        raise NotSupportedError(
            "paysafe's rules need PostgreSQL; keep them from other databases by a router"
        )


class _DatabaseOperation(Operation):
    """Concerns a database as a whole, and stays when the migration is reversed."""

    reduces_to_sql = True
    reversible = True

    def run(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            _postgresql(schema_editor)
            self.run(schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        pass


class InstallPaysafe(_DatabaseOperation):
    """CREATE EXTENSION, as superuser.  Going back leaves it: the audit log is in it."""

    def run(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS paysafe")

    def describe(self) -> str:
        return "Creates the extension paysafe"

    @property
    def migration_name_fragment(self) -> str:
        return "install_paysafe"


class SetCurrency(_DatabaseOperation):
    """A currency that ISO 4217 does not have.  Going back leaves it."""

    def __init__(self, code: str, decimals: int) -> None:
        self.code = code
        self.decimals = decimals

    def run(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        _call(
            schema_editor,
            "set_currency",
            {"code": (self.code, "text"), "decimals": (self.decimals, "int")},
        )

    def describe(self) -> str:
        return f"Declares the currency {self.code}"

    @property
    def migration_name_fragment(self) -> str:
        return f"set_currency_{self.code.lower()}"


class RuleOperation(Operation):
    """A rule of one model's table."""

    reduces_to_sql = True
    reversible = True
    function: str
    rule: Optional[str] = None  # its name in paysafe.protection

    def __init__(self, model_name: str, *, replaces: Optional[RuleOperation] = None) -> None:
        self.model_name = model_name
        self.replaces = replaces
        if replaces is not None and (
            type(replaces) is not type(self) or replaces.model_name.lower() != model_name.lower()
        ):
            raise ValueError("a rule replaces one of its own kind and model")

    # what a subclass says

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        """The function's arguments besides the relation."""
        raise NotImplementedError

    def rule_name(self) -> Optional[str]:
        return self.rule

    # for subclasses

    @staticmethod
    def column(model: Type[models.Model], field: Optional[str]) -> Optional[str]:
        if field is None:
            return None
        column: Optional[str] = model._meta.get_field(field).column  # type: ignore[union-attr]
        if column is None:
            raise ValueError(f"field {field!r} has no column")
        return column

    @classmethod
    def columns(cls, model: Type[models.Model], fields: Sequence[str]) -> List[Optional[str]]:
        return [cls.column(model, field) for field in fields]

    @classmethod
    def path(cls, model: Type[models.Model], field: Optional[str]) -> List[Optional[str]]:
        """The columns of "order__event__currency": each but the last is a foreign key."""
        columns = []
        *steps, last = (field or "").split("__")
        for step in steps:
            columns.append(cls.column(model, step))
            related = model._meta.get_field(step).related_model
            if related is None or isinstance(related, str):
                raise ValueError(f"field {step!r} of {field!r} refers to no other model")
            model = related
        return [*columns, cls.column(model, last)]

    @classmethod
    def condition(
        cls, model: Type[models.Model], rows: Optional[Dict[str, Any]]
    ) -> Optional[str]:
        """Which rows: for each field the values that it may have, or {"not": values}."""
        if rows is None:
            return None
        return json.dumps({str(cls.column(model, field)): rows[field] for field in rows})

    @staticmethod
    def model(state: ProjectState, app_label: str, name: str) -> Type[models.Model]:
        """A model by its name, or `app.Name` for one of another app."""
        app, _, model = name.rpartition(".")
        return state.apps.get_model(app or app_label, model)

    # Django's side

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def _declare(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> None:
        model = self.model(state, app_label, self.model_name)
        relation = schema_editor.quote_name(model._meta.db_table)
        arguments: Arguments = {self.relation_argument: (relation, "regclass")}
        arguments.update(self.arguments(model, state, app_label))
        _call(schema_editor, self.function, arguments)

    relation_argument = "relation"

    def _concerns(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> bool:
        model = self.model(state, app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return False
        _postgresql(schema_editor)
        return True

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if self._concerns(app_label, schema_editor, to_state):
            self._declare(app_label, schema_editor, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not self._concerns(app_label, schema_editor, to_state):
            return
        if self.replaces is not None:
            self.replaces._declare(app_label, schema_editor, to_state)
            return
        rule = self.rule_name()
        if rule is None:
            return
        model = self.model(to_state, app_label, self.model_name)
        _call(
            schema_editor,
            "unprotect",
            {
                "relation": (schema_editor.quote_name(model._meta.db_table), "regclass"),
                "rule": (rule, "text"),
                "reason": (f"a migration of {app_label} is reversed", "text"),
            },
        )

    def references_model(self, name: str, app_label: str) -> bool:
        return True  # rules read other tables, so nothing is moved across them

    def describe(self) -> str:
        return f"{self.function} for {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.function}_{self.model_name.rpartition('.')[2].lower()}"


class ProtectStatus(RuleOperation):
    function = "protect_status"
    rule = "status"

    def __init__(
        self,
        model_name: str,
        field: str,
        machine: str,
        *,
        deletable: Sequence[str] = (),
        recorded: Sequence[str] = (),
        replaces: Optional[ProtectStatus] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.field = field
        self.machine = machine
        self.deletable = deletable
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "status_column": (self.column(model, self.field), "name"),
            "machine": (self.machine, "text"),
            "deletable": (list(self.deletable), "text[]"),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


class ProtectColumns(RuleOperation):
    function = "protect_columns"

    def __init__(
        self,
        model_name: str,
        fields: Sequence[str],
        *,
        once_status: Optional[Sequence[str]] = None,
        replaces: Optional[ProtectColumns] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.fields = fields
        self.once_status = once_status

    def rule_name(self) -> str:
        return "columns" if self.once_status is None else "columns_once"

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "columns": (self.columns(model, self.fields), "name[]"),
            "once_status": (
                None if self.once_status is None else list(self.once_status),
                "text[]",
            ),
        }


class ProtectAppendOnly(RuleOperation):
    function = "protect_append_only"
    rule = "append_only"

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {}


class _Entries(RuleOperation):
    """What both kinds of ledgers say of their entries."""

    rule = "ledger"

    def __init__(
        self,
        model_name: str,
        *,
        account: str,
        amount: str,
        currency: Optional[str] = None,
        currency_code: Optional[str] = None,
        direction: Optional[str] = None,
        posting_date: Optional[str] = None,
        credit: Optional[str] = None,
        debits: Optional[Sequence[str]] = None,
        credits: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        zero_amounts: bool = False,
        mutable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        replaces: Optional[RuleOperation] = None,
    ) -> None:
        """currency is a field, or leads over foreign keys to one: "document__currency";
        with currency_code all entries are in that one."""
        super().__init__(model_name, replaces=replaces)
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
        led = self.currency is not None and "__" in self.currency
        return {
            "account_column": (self.column(model, self.account), "name"),
            "amount_column": (self.column(model, self.amount), "name"),
            "currency_column": (None if led else self.column(model, self.currency), "name"),
            "currency": (self.currency_code, "text"),
            "currency_path": (self.path(model, self.currency) if led else None, "name[]"),
            "direction_column": (self.column(model, self.direction), "name"),
            "posting_date_column": (self.column(model, self.posting_date), "name"),
            "credit_column": (self.column(model, self.credit), "name"),
            "debits": (None if self.debits is None else list(self.debits), "text[]"),
            "credits": (None if self.credits is None else list(self.credits), "text[]"),
            "decimals": (self.decimals, "int"),
            "zero_amounts": (self.zero_amounts or None, "boolean"),
            "mutable_columns": (
                None if self.mutable is None else self.columns(model, self.mutable),
                "name[]",
            ),
            "rows": (self.condition(model, self.rows), "jsonb"),
        }


class ProtectLedger(_Entries):
    function = "protect_ledger"

    def __init__(
        self,
        model_name: str,
        *,
        transaction: str,
        account: str,
        amount: str,
        currency: Optional[str] = None,
        currency_code: Optional[str] = None,
        direction: Optional[str] = None,
        posting_date: Optional[str] = None,
        credit: Optional[str] = None,
        debits: Optional[Sequence[str]] = None,
        credits: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        zero_amounts: bool = False,
        mutable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        reverses: Optional[str] = None,
        closed: bool = True,
        replaces: Optional[ProtectLedger] = None,
    ) -> None:
        super().__init__(
            model_name,
            account=account,
            amount=amount,
            currency=currency,
            currency_code=currency_code,
            direction=direction,
            posting_date=posting_date,
            credit=credit,
            debits=debits,
            credits=credits,
            decimals=decimals,
            zero_amounts=zero_amounts,
            mutable=mutable,
            rows=rows,
            replaces=replaces,
        )
        self.transaction = transaction
        self.reverses = reverses
        self.closed = closed

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "transaction_column": (self.column(model, self.transaction), "name"),
            **super().arguments(model, state, app),
            "reverses_column": (self.column(model, self.reverses), "name"),
            "closed": (None if self.closed else False, "boolean"),
        }


class ProtectEntries(_Entries):
    """Entries that are no transactions: gift cards, store credit."""

    function = "protect_entries"

    def __init__(
        self,
        model_name: str,
        *,
        account: str,
        amount: str,
        currency: Optional[str] = None,
        currency_code: Optional[str] = None,
        direction: Optional[str] = None,
        posting_date: Optional[str] = None,
        credit: Optional[str] = None,
        debits: Optional[Sequence[str]] = None,
        credits: Optional[Sequence[str]] = None,
        decimals: Optional[int] = None,
        zero_amounts: bool = False,
        mutable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        minimum: Optional[Any] = None,
        replaces: Optional[ProtectEntries] = None,
    ) -> None:
        super().__init__(
            model_name,
            account=account,
            amount=amount,
            currency=currency,
            currency_code=currency_code,
            direction=direction,
            posting_date=posting_date,
            credit=credit,
            debits=debits,
            credits=credits,
            decimals=decimals,
            zero_amounts=zero_amounts,
            mutable=mutable,
            rows=rows,
            replaces=replaces,
        )
        self.minimum = minimum

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        arguments = super().arguments(model, state, app)
        arguments["account_column"] = (arguments["account_column"][0], "text")
        return {**arguments, "minimum": (self.minimum, "numeric")}


class ProtectBalance(RuleOperation):
    function = "protect_balance"
    rule = "balance"
    relation_argument = "accounts"

    def __init__(
        self,
        model_name: str,
        *,
        balance: str,
        ledger: str,
        key: str = "pk",
        minimum: Optional[str] = None,
        currency: Optional[str] = None,
        side: Optional[str] = None,
        replaces: Optional[ProtectBalance] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.balance = balance
        self.ledger = ledger
        self.key = key
        self.minimum = minimum
        self.currency = currency
        self.side = side

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        pk = model._meta.pk
        key = pk.column if self.key == "pk" and pk else self.column(model, self.key)
        ledger = self.model(state, app, self.ledger)._meta.db_table
        return {
            "key_column": (key, "name"),
            "balance_column": (self.column(model, self.balance), "name"),
            "ledger": (_quoted(ledger), "regclass"),
            "minimum_column": (self.column(model, self.minimum), "name"),
            "currency_column": (self.column(model, self.currency), "name"),
            "side_column": (self.column(model, self.side), "name"),
        }


class ProtectRowLock(RuleOperation):
    function = "protect_row_lock"
    rule = "row_lock"

    def __init__(
        self,
        model_name: str,
        fields: Sequence[str],
        *,
        replaces: Optional[ProtectRowLock] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.fields = fields

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {"columns": (self.columns(model, self.fields), "name[]")}


class ProtectPayment(RuleOperation):
    function = "protect_payment"
    rule = "payment"
    relation_argument = "payment"

    def __init__(
        self,
        model_name: str,
        *,
        status: str,
        amount: str,
        captured: Sequence[str],
        captured_amount: Optional[str] = None,
        currency: Optional[str] = None,
        currency_code: Optional[str] = None,
        changes: Optional[str] = None,
        limit: Optional[str] = None,
        over_percent: Optional[Any] = None,
        adjustable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        recorded: Sequence[str] = (),
        replaces: Optional[ProtectPayment] = None,
    ) -> None:
        """currency is a field, or leads over foreign keys to one: "order__event__currency";
        with currency_code all payments are in that one."""
        super().__init__(model_name, replaces=replaces)
        self.status = status
        self.amount = amount
        self.captured_amount = captured_amount
        self.currency = currency
        self.currency_code = currency_code
        self.captured = captured
        self.changes = changes
        self.limit = limit
        self.over_percent = over_percent
        self.adjustable = adjustable
        self.rows = rows
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        led = self.currency is not None and "__" in self.currency
        return {
            "status_column": (self.column(model, self.status), "name"),
            "amount_column": (self.column(model, self.amount), "name"),
            "captured_column": (self.column(model, self.captured_amount), "name"),
            "currency_column": (None if led else self.column(model, self.currency), "name"),
            "captured": (list(self.captured), "text[]"),
            "currency": (self.currency_code, "text"),
            "currency_path": (self.path(model, self.currency) if led else None, "name[]"),
            "changes": (self.changes, "text"),
            "limit_column": (self.column(model, self.limit), "name"),
            "over_percent": (self.over_percent, "numeric"),
            "adjustable": (None if self.adjustable is None else list(self.adjustable), "text[]"),
            "rows": (self.condition(model, self.rows), "jsonb"),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


class ProtectRefund(RuleOperation):
    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        payment: str,
        amount: str,
        currency: Optional[str] = None,
        status: Optional[str] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        payment_amount: Optional[str] = None,
        payment_currency: Optional[str] = None,
        unapproved: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        recorded: Sequence[str] = (),
        replaces: Optional[ProtectRefund] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.payment = payment
        self.amount = amount
        self.currency = currency
        self.status = status
        self.gated = gated
        self.void = void
        self.payment_amount = payment_amount
        self.payment_currency = payment_currency
        self.unapproved = unapproved
        self.rows = rows
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = model._meta.get_field(self.payment).related_model
        if paid is None or isinstance(paid, str):
            raise ValueError(f"field {self.payment!r} does not refer to a payment")
        return {
            "payment": (_quoted(paid._meta.db_table), "regclass"),
            "payment_column": (self.column(model, self.payment), "name"),
            "amount_column": (self.column(model, self.amount), "name"),
            "currency_column": (self.column(model, self.currency), "name"),
            "status_column": (self.column(model, self.status), "name"),
            "gated": (None if self.gated is None else list(self.gated), "text[]"),
            "void": (None if self.void is None else list(self.void), "text[]"),
            "payment_amount_column": (self.column(paid, self.payment_amount), "name"),
            "payment_currency_column": (self.column(paid, self.payment_currency), "name"),
            "unapproved_columns": (
                None if self.unapproved is None else self.columns(model, self.unapproved),
                "name[]",
            ),
            "rows": (self.condition(model, self.rows), "jsonb"),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


class ProtectPayout(RuleOperation):
    """Payouts, store credit, adjustments: the gate of refunds without a payment.  `of` is the
    field that says to whom they go, or of which account or order they are."""

    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        of: str,
        amount: str,
        currency: Optional[str] = None,
        currency_code: Optional[str] = None,
        status: Optional[str] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        unapproved: Optional[Sequence[str]] = None,
        rows: Optional[Dict[str, Any]] = None,
        recorded: Sequence[str] = (),
        replaces: Optional[ProtectPayout] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.of = of
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.status = status
        self.gated = gated
        self.void = void
        self.unapproved = unapproved
        self.rows = rows
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "payment": (_NULL, "regclass"),
            "payment_column": (self.column(model, self.of), "name"),
            "amount_column": (self.column(model, self.amount), "name"),
            "currency_column": (self.column(model, self.currency), "name"),
            "currency": (self.currency_code, "text"),
            "status_column": (self.column(model, self.status), "name"),
            "gated": (None if self.gated is None else list(self.gated), "text[]"),
            "void": (None if self.void is None else list(self.void), "text[]"),
            "unapproved_columns": (
                None if self.unapproved is None else self.columns(model, self.unapproved),
                "name[]",
            ),
            "rows": (self.condition(model, self.rows), "jsonb"),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


class SetRefundThreshold(RuleOperation):
    """Going back sets the threshold that this one `replaces`; the first one stays,
    since without any every refund needs an approval."""

    function = "set_refund_threshold"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        currency: str,
        amount: Any,
        *,
        approvers: int = 1,
        within: datetime.timedelta = datetime.timedelta(hours=24),
        valid_for: datetime.timedelta = datetime.timedelta(hours=1),
        replaces: Optional[SetRefundThreshold] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.currency = currency
        self.amount = amount
        self.approvers = approvers
        self.within = within
        self.valid_for = valid_for

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "currency": (self.currency, "text"),
            "amount": (self.amount, "numeric"),
            "approvers": (self.approvers, "int"),
            "within": (self.within, "interval"),
            "valid_for": (self.valid_for, "interval"),
        }


class Audit(RuleOperation):
    function = "audit"
    rule = "audit"

    def __init__(
        self,
        model_name: str,
        *,
        redact: Sequence[str] = (),
        require_reason: bool = False,
        require_ticket: bool = False,
        replaces: Optional[Audit] = None,
    ) -> None:
        super().__init__(model_name, replaces=replaces)
        self.redact = redact
        self.require_reason = require_reason
        self.require_ticket = require_ticket

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "redact": (self.columns(model, self.redact), "name[]"),
            "require_reason": (self.require_reason, "boolean"),
            "require_ticket": (self.require_ticket, "boolean"),
        }


def _quoted(table: str) -> str:
    return table if table.startswith('"') else '"' + table.replace('"', '""') + '"'
