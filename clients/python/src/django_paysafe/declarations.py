"""What migration operations for rules stand on."""

from __future__ import annotations

import inspect
import json
from contextvars import ContextVar
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from django.db import NotSupportedError, models, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils.deconstruct import deconstructible

Argument = Tuple[Any, str]  # value and SQL type; None is left out
Arguments = Dict[str, Argument]

NULL = object()  # an argument that has no default

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


def texts(values: Optional[Sequence[str]]) -> Argument:
    return None if values is None else list(values), "text[]"


def quoted(table: str) -> str:
    return table if table.startswith('"') else '"' + table.replace('"', '""') + '"'


def call(schema_editor: BaseDatabaseSchemaEditor, function: str, arguments: Arguments) -> None:
    """SELECT paysafe.function(name => value, ...), leaving out what is None."""
    given = {name: pair for name, pair in arguments.items() if pair[0] is not None}
    text = ", ".join(f"{name} => %s::{type_}" for name, (_, type_) in given.items())
    values = [None if value is NULL else value for value, _ in given.values()]
    schema_editor.execute(f"SELECT paysafe.{function}({text})", values)


def need_postgresql(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        raise NotSupportedError(
            "paysafe's rules need PostgreSQL; keep them from other databases by a router"
        )


class DatabaseOperation(Operation):
    """Concerns a database as a whole, and stays when the migration is reversed."""

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
            need_postgresql(schema_editor)
            self.run(schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        pass


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
    migration would declare less than the ones that it replaces.

    A class whose `__init__` hands `**others` on has the arguments of the one it is made from."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" not in cls.__dict__:
            return
        signature = inspect.signature(cls.__init__)
        known = dict(signature.parameters)
        if known.pop("others", None) is not None:
            inherited = inspect.signature(super(cls, cls).__init__).parameters
            known.update({name: one for name, one in inherited.items() if name not in known})
        cls.__init__.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[_positional(one) for one in known.values()]
        )


class RuleOperation(WrittenWhole):
    """A rule of one model's table."""

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

    def rule_names(self) -> Sequence[str]:
        """What there is to drop."""
        name = self.rule_name()
        return [] if name is None else [name]

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
    def name(cls, model: Type[models.Model], field: Optional[Name]) -> Argument:
        return cls.column(model, field), "name"

    @classmethod
    def names(cls, model: Type[models.Model], fields: Optional[Sequence[Name]]) -> Argument:
        return None if fields is None else cls.columns(model, fields), "name[]"

    @classmethod
    def keys(cls, *keys: Tuple[Type[models.Model], Optional[Names]]) -> List[Argument]:
        """The same for keys of one declaration: as soon as one has several, all are lists."""
        names = [(model, [f] if isinstance(f, (str, Column)) else f) for model, f in keys]
        if all(fields is None or len(fields) == 1 for _, fields in names):
            return [(fields and cls.column(model, fields[0]), "name") for model, fields in names]
        return [(fields and cls.columns(model, fields), "name[]") for model, fields in names]

    @classmethod
    def currency_of(
        cls,
        model: Type[models.Model],
        field: Optional[Name],
        code: Optional[str],
        others: Sequence[Type[models.Model]] = (),
    ) -> Arguments:
        """Where the currency stands: a field, one that "order__event__currency" leads to, or
        one for all rows.  The steps are foreign keys, or refer to these others in their order,
        whose tables are then named."""
        if not isinstance(field, str) or "__" not in field:
            return {"currency_column": cls.name(model, field), "currency": (code, "text")}
        columns, tables = [], []
        *steps, last = field.split("__")
        constrained = not others
        for number, step in enumerate(steps):
            columns.append(cls.column(model, step))
            found = cls.field_of(model, step)
            related = others[number] if number < len(others) else found.related_model
            if related is None or isinstance(related, str):
                raise ValueError(f"field {step!r} of {field!r} refers to no other model")
            constrained = constrained and getattr(found, "db_constraint", True)
            model = related
            tables.append(quoted(model._meta.db_table))
        columns.append(cls.column(model, last))
        arguments: Arguments = {"currency": (code, "text"), "currency_path": (columns, "name[]")}
        if not constrained:
            arguments["currency_tables"] = (tables, "regclass[]")
        return arguments

    @classmethod
    def condition(cls, model: Type[models.Model], rows: Optional[Mapping[Any, Any]]) -> Argument:
        """Which rows: for each field the values that it may have, or {"not": values}."""
        if rows is None:
            return None, "jsonb"
        return json.dumps({str(cls.column(model, field)): rows[field] for field in rows}), "jsonb"

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
        call(schema_editor, self.function, arguments)

    relation_argument = "relation"

    def _concerns(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> bool:
        model = self.model(state, app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return False
        need_postgresql(schema_editor)
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
        model = self.model(state, app_label, self.model_name)
        for rule in self.rule_names():
            call(
                schema_editor,
                "unprotect",
                {
                    "relation": (schema_editor.quote_name(model._meta.db_table), "regclass"),
                    "rule": (rule, "text"),
                    "reason": (reason, "text"),
                },
            )

    def describe(self) -> str:
        return f"{self.function} for {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.function}_{self.model_name.rpartition('.')[2].lower()}"
