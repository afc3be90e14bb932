"""Changes of protected tables that need a maintenance window, as migration operations."""

from __future__ import annotations

import datetime
from typing import List, Sequence, Tuple

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from .declarations import RuleOperation, WrittenWhole, call, need_postgresql, quoted


class Unprotect(Operation):
    """Drops the rule that an operation has declared; going back declares it again.

    Dropping takes a maintenance window, so put it into `Maintenance`; declaring the rule as
    it is to be comes after it.
    """

    def __init__(self, declared: RuleOperation, reason: str) -> None:
        self.declared = declared
        self.reason = reason

    @property
    def model_name(self) -> str:
        return self.declared.model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if self.declared._concerns(app_label, schema_editor, from_state):
            self.declared.drop(app_label, schema_editor, from_state, self.reason)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.declared.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Drops {self.declared.describe()}"

    @property
    def migration_name_fragment(self) -> str:
        return f"un{self.declared.migration_name_fragment}"


class Maintenance(WrittenWhole):
    """Operations that protected tables need a maintenance window for: a field that is renamed
    or gets fewer digits, a table that is renamed or goes.

    The window is for the tables of these operations, and of `models`, and opens when a second
    person has approved it: the first attempt is refused, its hint has the call, and the
    migration is run again within the hour.  PAYSAFE_ACT_AS in the environment of manage.py
    says who runs it.  Test databases need none.
    """

    def __init__(
        self,
        reason: str,
        ticket: str,
        operations: Sequence[Operation],
        *,
        models: Sequence[str] = (),
        duration: datetime.timedelta = datetime.timedelta(hours=1),
    ) -> None:
        self.reason = reason
        self.ticket = ticket
        self.operations = operations
        self.models = models
        self.duration = duration

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def _tables(self, app_label: str, *states: ProjectState) -> List[str]:
        """As they are called in either state."""
        names = [*self.models]
        for operation in self.operations:
            for attribute in ("model_name", "name", "old_name", "new_name"):
                name = getattr(operation, attribute, None)
                if isinstance(name, str) and (
                    attribute == "model_name" or not hasattr(operation, "model_name")
                ):
                    names.append(name)
        tables = []
        for state in states:
            for name in names:
                app, _, model = name.rpartition(".")
                found = state.models.get((app or app_label, model.lower()))
                if found is not None:
                    tables.append(state.apps.get_model(app or app_label, model)._meta.db_table)
        return sorted(set(tables))

    def _open(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *states: ProjectState
    ) -> bool:
        if schema_editor.collect_sql:
            return True
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM paysafe.test_database t JOIN pg_catalog.pg_database d"
                " ON d.oid = t.database WHERE d.datname = current_database())"
            )
            if cursor.fetchone()[0]:
                return False
            cursor.execute(
                "SELECT array_agg(t) FROM unnest(%s::text[]) t WHERE to_regclass(t) IS NOT NULL",
                [[quoted(table) for table in self._tables(app_label, *states)]],
            )
            tables = cursor.fetchone()[0]
        # a statement of its own, which is what opens a window
        call(
            schema_editor,
            "open_maintenance",
            {
                "reason": (self.reason, "text"),
                "ticket": (self.ticket, "text"),
                '"for"': (self.duration, "interval"),
                "tables": (tables, "regclass[]"),
            },
        )
        return True

    def _run(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
        steps: Sequence[Tuple[Operation, ProjectState, ProjectState]],
        backwards: bool,
    ) -> None:
        if not router.allow_migrate(schema_editor.connection.alias, app_label):
            return
        need_postgresql(schema_editor)
        opened = self._open(app_label, schema_editor, from_state, to_state)
        for operation, before, after in steps:
            if backwards:
                operation.database_backwards(app_label, schema_editor, before, after)
            else:
                operation.database_forwards(app_label, schema_editor, before, after)
        # foreign keys come back at the end of a migration: in the window, too
        deferred, schema_editor.deferred_sql[:] = list(schema_editor.deferred_sql), []
        for sql in deferred:
            schema_editor.execute(sql, None)
        if opened:
            call(schema_editor, "close_maintenance", {})

    def _states(
        self, app_label: str, state: ProjectState
    ) -> List[Tuple[Operation, ProjectState, ProjectState]]:
        steps = []
        for operation in self.operations:
            after = state.clone()
            operation.state_forwards(app_label, after)
            steps.append((operation, state, after))
            state = after
        return steps

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        steps = self._states(app_label, from_state)
        self._run(app_label, schema_editor, from_state, to_state, steps, False)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        # to_state is the one before the operations
        steps = [(op, after, before) for op, before, after in self._states(app_label, to_state)]
        self._run(app_label, schema_editor, from_state, to_state, steps[::-1], True)

    def describe(self) -> str:
        return f"In a maintenance window: {self.reason}"

    @property
    def migration_name_fragment(self) -> str:
        return "_".join(filter(None, (op.migration_name_fragment for op in self.operations)))
