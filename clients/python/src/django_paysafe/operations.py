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
import decimal
import json
from typing import Any, Dict, Mapping, Optional, Sequence, Type, Union

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

from .declarations import (
    Arguments,
    Column,
    DatabaseOperation,
    Name,
    Names,
    RuleOperation,
    call,
    quoted,
    texts,
)
from .ledgers import ProtectBalance, ProtectEntries, ProtectLedger
from .maintenance import Maintenance, Unprotect
from .payments import (
    ProtectCaptures,
    ProtectMovements,
    ProtectPayment,
    ProtectPayout,
    ProtectRefund,
    SetRefundThreshold,
)

__all__ = [
    "Audit",
    "Column",
    "InstallPaysafe",
    "Maintenance",
    "ProtectAppendOnly",
    "ProtectBalance",
    "ProtectCaptures",
    "ProtectColumns",
    "ProtectEntries",
    "ProtectLedger",
    "ProtectMovements",
    "ProtectOwner",
    "ProtectPayload",
    "ProtectPayment",
    "ProtectPayout",
    "ProtectRefund",
    "ProtectSchedule",
    "ProtectRowLock",
    "ProtectSecret",
    "ProtectStatus",
    "ProtectTenant",
    "ProtectTestRows",
    "ProtectVelocity",
    "RuleOperation",
    "SetCurrency",
    "SetRefundThreshold",
    "Unprotect",
]


class InstallPaysafe(DatabaseOperation):
    """CREATE EXTENSION, as superuser.  Going back leaves it: the audit log is in it."""

    def run(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS paysafe")

    def describe(self) -> str:
        return "Creates the extension paysafe"

    @property
    def migration_name_fragment(self) -> str:
        return "install_paysafe"


class SetCurrency(DatabaseOperation):
    """A currency that ISO 4217 does not have.  Going back leaves it."""

    def __init__(self, code: str, decimals: int) -> None:
        self.code = code
        self.decimals = decimals

    def run(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        call(
            schema_editor,
            "set_currency",
            {"code": (self.code, "text"), "decimals": (self.decimals, "int")},
        )

    def describe(self) -> str:
        return f"Declares the currency {self.code}"

    @property
    def migration_name_fragment(self) -> str:
        return f"set_currency_{self.code.lower()}"


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
        status_path: Optional[Sequence[str]] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectStatus] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.field = field
        self.machine = machine
        self.deletable = deletable
        self.recorded = recorded
        self.status_path = status_path

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "status_column": self.name(model, self.field),
            "machine": (self.machine, "text"),
            "deletable": texts(self.deletable),
            "recorded": texts(self.recorded or None),
            "status_path": texts(self.status_path),
        }


class ProtectTestRows(RuleOperation):
    """Which rows are only a test, and may be deleted: where a field, or one of a row that it
    refers to, has one of these values: "testmode", "order__testmode"."""

    function = "protect_test_rows"
    rule = "test_rows"

    def __init__(
        self,
        model_name: str,
        field: Name,
        *,
        values: Sequence[str] = ("true",),
        related_model: Optional[str] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectTestRows] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.field = field
        self.values = values
        self.related_model = related_model

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        steps: Sequence[Name] = (
            self.field.split("__") if isinstance(self.field, str) else [self.field]
        )
        if len(steps) == 1:
            return {"test_path": self.names(model, steps), "test_values": texts(self.values)}
        step, field = steps
        found = self.field_of(model, str(step))
        related = found.related_model
        if self.related_model is not None:
            related = self.model(state, app, self.related_model)
        if related is None or isinstance(related, str):
            raise ValueError(f"field {step!r} refers to no other model: related_model?")
        named = self.related_model is not None or not getattr(found, "db_constraint", True)
        return {
            "test_path": ([self.column(model, step), self.column(related, field)], "name[]"),
            "test_values": texts(self.values),
            "parent": (quoted(related._meta.db_table) if named else None, "regclass"),
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
            "columns": self.names(model, self.fields),
            "once_status": texts(self.once_status),
        }


class ProtectAppendOnly(RuleOperation):
    function = "protect_append_only"
    rule = "append_only"

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {}


class _OfColumns(RuleOperation):
    """A rule that is told columns, and nothing else."""

    def __init__(
        self,
        model_name: str,
        fields: Sequence[Name],
        *,
        mode: str = "enforce",
        replaces: Optional[RuleOperation] = None,
    ) -> None:
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.fields = fields

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {"columns": self.names(model, self.fields)}


class ProtectRowLock(_OfColumns):
    function = "protect_row_lock"
    rule = "row_lock"


class ProtectSecret(_OfColumns):
    function = "protect_secret"
    rule = "secret"


class ProtectTenant(RuleOperation):
    """Rows of many tenants: a transaction reads and writes those of its own, see `for_tenant`."""

    function = "protect_tenant"
    rule = "tenant"

    def __init__(
        self,
        model_name: str,
        field: Name,
        *,
        max_rows: Optional[int] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectTenant] = None,
    ) -> None:
        """field: of which tenant a row is.  max_rows: how many one statement may change."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.field = field
        self.max_rows = max_rows

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "tenant_column": self.name(model, self.field),
            "max_rows": (self.max_rows, "int"),
        }


class ProtectOwner(RuleOperation):
    """Rows have an owner: whoever acts writes their own."""

    function = "protect_owner"
    rule = "owner"

    def __init__(
        self,
        model_name: str,
        field: Name,
        *,
        group: Optional[str] = None,
        identity: str = "claimed",
        mode: str = "enforce",
        replaces: Optional[ProtectOwner] = None,
    ) -> None:
        """field: who owns a row, by the name that acts.  group: who may write everybody's."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.field = field
        self.group = group
        self.identity = identity

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "owner_column": self.name(model, self.field),
            "owner_group": (self.group, "text"),
            "identity": (self.identity, "text"),
        }


class ProtectPayload(RuleOperation):
    """The JSON in a field fits a JSON Schema; another schema takes a second person."""

    function = "protect_payload"

    def __init__(
        self,
        model_name: str,
        field: str,
        schema: Union[Mapping[str, Any], str],
        *,
        column: Optional[str] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectPayload] = None,
    ) -> None:
        """schema: as text, where numbers are to stay as written.  column: its name, if not the field's."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.field = field
        self.schema = schema
        self.column_name = column

    def rule_name(self) -> str:
        return f"payload_{self.column_name or self.field}"

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "payload_column": self.name(model, self.field),
            "schema": (
                self.schema if isinstance(self.schema, str) else json.dumps(self.schema),
                "paysafe.payload",
            ),
        }


class ProtectSchedule(RuleOperation):
    """Jobs of users: how often they run, how many an owner has, and which tasks there are."""

    function = "protect_schedule"
    rule = "schedule"

    def __init__(
        self,
        model_name: str,
        owner: Name,
        tiers: Mapping[str, Mapping[str, Union[str, int]]],
        *,
        tier: Optional[Name] = None,
        interval: Optional[Name] = None,
        cron: Optional[Name] = None,
        task: Optional[Name] = None,
        tasks: Optional[Sequence[str]] = None,
        mode: str = "enforce",
        replaces: Optional[ProtectSchedule] = None,
    ) -> None:
        """tiers: {"free": {"least": "1 hour", "rows": 3}}; without a field for the tier, "default"."""
        super().__init__(model_name, mode=mode, replaces=replaces)
        self.owner = owner
        self.tiers = tiers
        self.fields = {"tier": tier, "interval": interval, "cron": cron, "task": task}
        self.tasks = tasks

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        return {
            "owner_column": self.name(model, self.owner),
            "tiers": (json.dumps(self.tiers), "jsonb"),
            **{
                f"{part}_column": self.name(model, field)
                for part, field in self.fields.items()
            },
            "tasks": texts(self.tasks),
        }


class ProtectVelocity(RuleOperation):
    """At most so many rows, so large an amount or so many different values of one key within a
    time: a signal, or with mode="refuse" an error."""

    function = "protect_velocity"
    rule = "velocity"

    def __init__(
        self,
        model_name: str,
        key: Names,
        maximum: Union[int, decimal.Decimal],
        within: datetime.timedelta,
        *,
        counts: str = "rows",
        counted: Optional[Name] = None,
        amount_from: Optional[Union[int, decimal.Decimal]] = None,
        amount_below: Optional[Union[int, decimal.Decimal]] = None,
        rows: Optional[Dict[Any, Any]] = None,
        rule: Optional[str] = None,
        mode: str = "observe",
        replaces: Optional[ProtectVelocity] = None,
    ) -> None:
        """counts: "rows", or of the field `counted` its "amount" or different "values"."""
        super().__init__(
            model_name, mode="enforce" if mode == "refuse" else mode, replaces=replaces
        )
        self.rule = rule or self.rule
        self.key = key
        self.maximum = maximum
        self.within = within
        self.counts = counts
        self.counted = counted
        self.amount_from = amount_from
        self.amount_below = amount_below
        self.rows = rows

    def arguments(self, model: Type[models.Model], state: ProjectState, app: str) -> Arguments:
        (key,) = self.keys((model, self.key))
        return {
            "key_columns": key,
            "maximum": (self.maximum, "numeric"),
            "within": (self.within, "interval"),
            "counts": (self.counts, "text"),
            "counted_column": self.name(model, self.counted),
            "amount_from": (self.amount_from, "numeric"),
            "amount_below": (self.amount_below, "numeric"),
            "rows": self.condition(model, self.rows),
            "rule": (None if self.rule == "velocity" else self.rule, "text"),
            "mode": (self.mode, "text"),
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
            "redact": self.names(model, self.redact),
            "require_reason": (self.require_reason, "boolean"),
            "require_ticket": (self.require_ticket, "boolean"),
        }
