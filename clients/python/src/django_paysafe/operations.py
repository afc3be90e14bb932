"""Rules as migration operations, in terms of models and fields.

Going back drops the rule again, which needs a maintenance window that names the
table, or declares the one that it `replaces`, which needs the approval of a
second person if that loosens it.  The refusal's hint has the call for either.
After it, run the migration again.

Put rules into a migration of their own, after the one that makes the tables.

Every rule takes `mode="observe"`: nothing is refused, what would be is on record.
"""

from __future__ import annotations

import datetime
import inspect
import json
from contextvars import ContextVar
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from django.db import NotSupportedError, models, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.deconstruct import deconstructible

Arguments = Dict[str, Tuple[Any, str]]  # name: value and SQL type

_NULL = object()  # an argument that has no default

# (app, model, field as an operation has it): what it is called now, where rules are
# declared on tables as they are by now (django_paysafe.testing)
renamed: ContextVar[Optional[Mapping[Tuple[str, str, str], str]]] = ContextVar(
    "django_paysafe_renamed", default=None
)


@deconstructible(path="django_paysafe.operations.Column")
class Column:
    """In place of a field's name: a column that only the database has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Column({self.name!r})"


Name = Union[str, Column]  # of a field, or of a column
Names = Union[Name, Sequence[Name]]  # where a key may have several


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


def _positional(parameter: inspect.Parameter) -> inspect.Parameter:
    if parameter.kind != inspect.Parameter.KEYWORD_ONLY:
        return parameter
    return parameter.replace(
        kind=inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None if parameter.default is parameter.empty else parameter.default,
    )


class WrittenWhole(Operation):
    """Has arguments that must be named, and are written into migrations like the others:
    older versions of Django leave them out of the files that they write, so that a squashed
    migration would declare less than the ones that it replaces."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            signature = inspect.signature(cls.__init__)
            cls.__init__.__signature__ = signature.replace(  # type: ignore[attr-defined]
                parameters=[_positional(one) for one in signature.parameters.values()]
            )


class RuleOperation(WrittenWhole):
    """A rule of one model's table."""

    reduces_to_sql = True
    reversible = True
    function: str
    rule: Optional[str] = None  # its name in paysafe.protection

    def __init__(
        self,
        model_name: str,
        *,
        mode: str = "enforce",
        replaces: Optional[RuleOperation] = None,
    ) -> None:
        if mode not in ("enforce", "observe"):
            raise ValueError("mode is 'enforce' or 'observe'")
        self.model_name = model_name
        self.mode = mode
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
    def field_of(model: Type[models.Model], name: str) -> Any:
        opts = model._meta
        now = (renamed.get() or {}).get((opts.app_label, str(opts.model_name), name), name)
        return opts.get_field(now)

    @classmethod
    def column(cls, model: Type[models.Model], field: Optional[Name]) -> Optional[str]:
        if field is None or isinstance(field, Column):
            return None if field is None else field.name
        column: Optional[str] = getattr(cls.field_of(model, field), "column", None)
        if column is None:
            raise ValueError(f"field {field!r} has no column")
        return column

    @classmethod
    def columns(cls, model: Type[models.Model], fields: Sequence[Name]) -> List[Optional[str]]:
        return [cls.column(model, field) for field in fields]

    @classmethod
    def keys(cls, *keys: Tuple[Type[models.Model], Optional[Names]]) -> List[Tuple[Any, str]]:
        """The same for keys of one declaration: as soon as one has several, all are lists."""
        names = [(model, [f] if isinstance(f, (str, Column)) else f) for model, f in keys]
        if all(fields is None or len(fields) == 1 for _, fields in names):
            return [(fields and cls.column(model, fields[0]), "name") for model, fields in names]
        return [(fields and cls.columns(model, fields), "name[]") for model, fields in names]

    @classmethod
    def path(cls, model: Type[models.Model], field: Optional[str]) -> List[Optional[str]]:
        """The columns of "order__event__currency": each but the last is a foreign key."""
        columns = []
        *steps, last = (field or "").split("__")
        for step in steps:
            columns.append(cls.column(model, step))
            related = cls.field_of(model, step).related_model
            if related is None or isinstance(related, str):
                raise ValueError(f"field {step!r} of {field!r} refers to no other model")
            model = related
        return [*columns, cls.column(model, last)]

    @classmethod
    def condition(
        cls, model: Type[models.Model], rows: Optional[Mapping[Any, Any]]
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
        if self.mode != "enforce":
            arguments["mode"] = (self.mode, "text")
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
        self.drop(app_label, schema_editor, to_state, f"a migration of {app_label} is reversed")

    def drop(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        state: ProjectState,
        reason: str,
    ) -> None:
        rule = self.rule_name()
        if rule is None:
            return
        model = self.model(state, app_label, self.model_name)
        _call(
            schema_editor,
            "unprotect",
            {
                "relation": (schema_editor.quote_name(model._meta.db_table), "regclass"),
                "rule": (rule, "text"),
                "reason": (reason, "text"),
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
        field: Name,
        machine: str,
        *,
        deletable: Sequence[str] = (),
        recorded: Sequence[str] = (),
        mode: str = "enforce",
        replaces: Optional[ProtectStatus] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
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
        fields: Sequence[Name],
        *,
        once_status: Optional[Sequence[str]] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectColumns] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
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
        led = isinstance(self.currency, str) and "__" in self.currency
        return {
            "amount_column": (self.column(model, self.amount), "name"),
            "currency_column": (None if led else self.column(model, self.currency), "name"),
            "currency": (self.currency_code, "text"),
            "currency_path": (self.path(model, str(self.currency)) if led else None, "name[]"),
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
        transaction: Names,
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
        reverses: Optional[Names] = None,
        closed: bool = True,
        mode: str = "enforce",
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
            mode=mode,
            replaces=replaces,
        )
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


class ProtectEntries(_Entries):
    """Entries that are no transactions: gift cards, store credit."""

    function = "protect_entries"

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
        minimum: Optional[Any] = None,
        mode: str = "enforce",
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
            mode=mode,
            replaces=replaces,
        )
        self.minimum = minimum

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        ((account, _),) = self.keys((model, self.account))
        if not isinstance(account, str):
            quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in account)
            account = "{" + ",".join(f'"{name}"' for name in quoted) + "}"
        return {
            "account_column": (account, "text"),
            **super().arguments(model, state, app),
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
            "balance_column": (self.column(model, self.balance), "name"),
            "ledger": (_quoted(ledger), "regclass"),
            "minimum_column": (self.column(model, self.minimum), "name"),
            "currency_column": (self.column(model, self.currency), "name"),
            "side_column": (self.column(model, self.side), "name"),
            "maximum_column": (self.column(model, self.maximum), "name"),
            "status_column": (self.column(model, self.status), "name"),
            "frozen": (list(self.frozen) or None, "text[]"),
            "in_only": (list(self.in_only) or None, "text[]"),
            "out_only": (list(self.out_only) or None, "text[]"),
            "closed": (list(self.closed) or None, "text[]"),
        }


class ProtectRowLock(RuleOperation):
    function = "protect_row_lock"
    rule = "row_lock"

    def __init__(
        self,
        model_name: str,
        fields: Sequence[Name],
        *,
        mode: str = "enforce",
        replaces: Optional[ProtectRowLock] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
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
        status: Name,
        amount: Name,
        captured: Sequence[str],
        captured_amount: Optional[Name] = None,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        changes: Optional[str] = None,
        limit: Optional[Name] = None,
        over_percent: Optional[Any] = None,
        adjustable: Optional[Sequence[str]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        units: Optional[str] = None,
        status_path: Optional[Sequence[str]] = None,
        recorded: Sequence[str] = (),
        mode: str = "enforce",
        replaces: Optional[ProtectPayment] = None,
    ) -> None:
        """currency is a field, or leads over foreign keys to one: "order__event__currency";
        with currency_code all payments are in that one."""
        super().__init__(model_name, mode=mode, replaces=replaces)
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
        self.units = units
        self.status_path = status_path
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        led = self.currency if isinstance(self.currency, str) and "__" in self.currency else None
        return {
            "status_column": (self.column(model, self.status), "name"),
            "amount_column": (self.column(model, self.amount), "name"),
            "captured_column": (self.column(model, self.captured_amount), "name"),
            "currency_column": (None if led else self.column(model, self.currency), "name"),
            "captured": (list(self.captured), "text[]"),
            "currency": (self.currency_code, "text"),
            "currency_path": (self.path(model, led) if led else None, "name[]"),
            "changes": (self.changes, "text"),
            "limit_column": (self.column(model, self.limit), "name"),
            "over_percent": (self.over_percent, "numeric"),
            "adjustable": (None if self.adjustable is None else list(self.adjustable), "text[]"),
            "rows": (self.condition(model, self.rows), "jsonb"),
            "units": (self.units, "text"),
            "status_path": (
                None if self.status_path is None else list(self.status_path),
                "text[]",
            ),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


def _paid(operation: Any, model: Type[models.Model], state: ProjectState, app: str) -> Any:
    """The model of the payments that an operation's field refers to."""
    if operation.payment_model is not None:
        return operation.model(state, app, operation.payment_model)
    paid = None
    if isinstance(operation.payment, str):
        paid = operation.field_of(model, operation.payment).related_model
    if paid is None or isinstance(paid, str):
        raise ValueError(f"field {operation.payment!r} does not refer to a payment: payment_model?")
    return paid


class ProtectCaptures(RuleOperation):
    """A table of captures: what they sum to is what a payment has captured."""

    function = "protect_captures"
    rule = "captures"
    relation_argument = "captures"

    def __init__(
        self,
        model_name: str,
        *,
        payment: Names,
        amount: Name,
        payment_model: Optional[str] = None,
        payment_key: Optional[Names] = None,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        status: Optional[Name] = None,
        counted: Optional[Sequence[str]] = None,
        limit: Optional[Name] = None,
        over_percent: Optional[Any] = None,
        recorded: Sequence[str] = (),
        deletable: bool = False,
        rows: Optional[Dict[Any, Any]] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectCaptures] = None,
    ) -> None:
        """limit is a field of the payment; the others are the capture's."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.payment = payment
        self.payment_model = payment_model
        self.payment_key = payment_key
        self.amount = amount
        self.currency = currency
        self.currency_code = currency_code
        self.status = status
        self.counted = counted
        self.limit = limit
        self.over_percent = over_percent
        self.recorded = recorded
        self.deletable = deletable
        self.rows = rows

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = _paid(self, model, state, app)
        payment, payment_key = self.keys((model, self.payment), (paid, self.payment_key))
        led = self.currency if isinstance(self.currency, str) and "__" in self.currency else None
        return {
            "payment": (_quoted(paid._meta.db_table), "regclass"),
            "payment_column": payment,
            "payment_key": payment_key,
            "amount_column": (self.column(model, self.amount), "name"),
            "currency_column": (None if led else self.column(model, self.currency), "name"),
            "currency": (self.currency_code, "text"),
            "currency_path": (self.path(model, led) if led else None, "name[]"),
            "status_column": (self.column(model, self.status), "name"),
            "counted": (None if self.counted is None else list(self.counted), "text[]"),
            "limit_column": (self.column(paid, self.limit), "name"),
            "over_percent": (self.over_percent, "numeric"),
            "recorded": (list(self.recorded) or None, "text[]"),
            "deletable": (self.deletable or None, "boolean"),
            "rows": (self.condition(model, self.rows), "jsonb"),
        }


class ProtectRefund(RuleOperation):
    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        payment: Names,
        amount: Name,
        payment_model: Optional[str] = None,
        payment_key: Optional[Names] = None,
        currency: Optional[Name] = None,
        status: Optional[Name] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        payment_amount: Optional[Name] = None,
        payment_currency: Optional[Name] = None,
        unapproved: Optional[Sequence[Name]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        amounts: Optional[str] = None,
        units: Optional[str] = None,
        deletable: bool = False,
        status_path: Optional[Sequence[str]] = None,
        recorded: Sequence[str] = (),
        mode: str = "enforce",
        replaces: Optional[ProtectRefund] = None,
    ) -> None:
        """payment is a foreign key, or names the columns of one; then payment_model says
        whose, and payment_key which of its columns they mean."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.payment = payment
        self.payment_model = payment_model
        self.payment_key = payment_key
        self.amount = amount
        self.currency = currency
        self.status = status
        self.gated = gated
        self.void = void
        self.payment_amount = payment_amount
        self.payment_currency = payment_currency
        self.unapproved = unapproved
        self.rows = rows
        self.amounts = amounts
        self.units = units
        self.deletable = deletable
        self.status_path = status_path
        self.recorded = recorded

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        paid = _paid(self, model, state, app)
        payment, payment_key = self.keys((model, self.payment), (paid, self.payment_key))
        return {
            "payment": (_quoted(paid._meta.db_table), "regclass"),
            "payment_column": payment,
            "payment_key": payment_key,
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
            "amounts": (self.amounts, "text"),
            "units": (self.units, "text"),
            "deletable": (self.deletable or None, "boolean"),
            "status_path": (
                None if self.status_path is None else list(self.status_path),
                "text[]",
            ),
            "recorded": (list(self.recorded) or None, "text[]"),
        }


class ProtectPayout(RuleOperation):
    """Payouts, store credit, adjustments: the gate of refunds without a payment.  `of` says
    to whom they go, or of which account or order they are."""

    function = "protect_refund"
    rule = "refund"
    relation_argument = "refund"

    def __init__(
        self,
        model_name: str,
        *,
        of: Names,
        amount: Name,
        currency: Optional[Name] = None,
        currency_code: Optional[str] = None,
        status: Optional[Name] = None,
        gated: Optional[Sequence[str]] = None,
        void: Optional[Sequence[str]] = None,
        unapproved: Optional[Sequence[Name]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        recorded: Sequence[str] = (),
        mode: str = "enforce",
        replaces: Optional[ProtectPayout] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
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
        (of,) = self.keys((model, self.of))
        return {
            "payment": (_NULL, "regclass"),
            "payment_column": of,
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
        redact: Sequence[Name] = (),
        require_reason: bool = False,
        require_ticket: bool = False,
        mode: str = "enforce",
        replaces: Optional[Audit] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
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


from .maintenance import Maintenance, Unprotect  # noqa: E402  (which stand on these)

__all__ = [
    "Audit",
    "Column",
    "InstallPaysafe",
    "Maintenance",
    "ProtectAppendOnly",
    "ProtectBalance",
    "ProtectCaptures",
    "ProtectColumns",
    "ProtectLedger",
    "ProtectPayment",
    "ProtectRefund",
    "ProtectRowLock",
    "ProtectStatus",
    "RuleOperation",
    "SetCurrency",
    "SetRefundThreshold",
    "Unprotect",
]
