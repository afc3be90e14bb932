"""For tests: `TEST_RUNNER = "django_paysafe.testing.PaysafeRunner"`.

`TransactionTestCase` empties all tables by TRUNCATE, which rules refuse, unless a
superuser has declared the database to be one for tests.  There, `fixtures()` adds rows
in any state.
"""

from __future__ import annotations

import contextlib
import copy
import re
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Tuple

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, migrations, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.signals import pre_migrate
from django.test import override_settings
from django.test.runner import DiscoverRunner

from .declarations import DatabaseOperation, RuleOperation, renamed
from .maintenance import Maintenance, Unprotect


@contextlib.contextmanager
def fixtures(reason: str = "fixtures", using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """What is written inside is there whatever the rules say: a captured payment at once,
    for instance.  In a test database.  Also a decorator.

    What follows is judged, in the same transaction, too; balances always are.  The block
    is an `atomic()`.
    """
    connection: Any = connections[using]
    depth = getattr(connection, "paysafe_fixtures", 0)
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute("SELECT paysafe.begin_fixtures(%s)", [reason])
        connection.paysafe_fixtures = depth + 1
        try:
            yield
        finally:
            connection.paysafe_fixtures = depth
        # one in another ends with that
        if depth == 0:
            with connection.cursor() as cursor:
                cursor.execute("SELECT paysafe.end_fixtures()")


def _has_paysafe(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('paysafe.declare_test_database()') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def declare_test_databases(clones: int = 0) -> None:
    """Declare every test database that has paysafe to be one; as superuser.

    A copy of a database is not what that was: `clones` says how many there are of each,
    for tests in several processes.
    """
    for alias in _databases():
        for database in _copies(connections[alias], clones):
            if _has_paysafe(database):
                with database.cursor() as cursor:
                    cursor.execute("SELECT paysafe.declare_test_database()")


def _databases() -> Iterator[str]:
    """The aliases of test databases.  Others mirror one: a connection there would keep it in use."""
    for alias in connections:
        if not connections[alias].settings_dict.get("TEST", {}).get("MIRROR"):
            yield alias


def _copies(connection: BaseDatabaseWrapper, clones: int) -> Iterator[BaseDatabaseWrapper]:
    """A test database, and its clones for tests in several processes."""
    yield connection
    for number in range(clones):
        clone: BaseDatabaseWrapper = connection.copy()
        settings = connection.creation.get_test_db_clone_settings(str(number + 1))
        # a pool is of the alias, and so of the database that was there first
        options = {k: v for k, v in settings.get("OPTIONS", {}).items() if k != "pool"}
        clone.settings_dict = {**settings, "OPTIONS": options}
        try:
            yield clone
        finally:
            clone.close()


@contextlib.contextmanager
def declaring() -> Iterator[None]:
    """While test databases are made, each is declared to be one as soon as it has paysafe: so
    that migrations which need a maintenance window elsewhere need none here."""

    def declare(connection: BaseDatabaseWrapper) -> None:
        # tables that have rows by then are for declare_test_databases() to tell of
        with contextlib.suppress(DatabaseError), transaction.atomic(using=connection.alias):
            if _has_paysafe(connection):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT paysafe.declare_test_database()")

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if _CREATES.search(str(sql)):
            declare(context["connection"])
        return result

    def begin(using: str, **kwargs: Any) -> None:
        declare(connections[using])

    with contextlib.ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(watch))
        pre_migrate.connect(begin, dispatch_uid="django_paysafe.declaring", weak=False)
        stack.callback(pre_migrate.disconnect, dispatch_uid="django_paysafe.declaring")
        yield


_CREATES = re.compile(r"\bCREATE\s+EXTENSION\b[^;]*\bpaysafe\b", re.IGNORECASE)


def declare_rules(
    *app_labels: str,
    using: str = DEFAULT_DB_ALIAS,
    modules: Optional[Mapping[str, str]] = None,
    clones: int = 0,
) -> int:
    """Declare the rules of these apps' migrations on tables that were made without them, as
    with `MIGRATION_MODULES = {...: None}` or pytest's `--nomigrations`; how many there were.

    Without names, of all apps whose migrations are not run.  Operations of this package are
    carried out in their order, and RunSQL that mentions paysafe, with models and fields as
    they are called by now.  `modules`: where the migrations are, if that is not
    `<app>.migrations`.  `clones`: for tests in several processes, how many copies of the
    database there are already.  As superuser, if the extension is yet to be made.
    """
    known: Any = settings.MIGRATION_MODULES
    elsewhere = {k: v for k, v in known.items() if v} if isinstance(known, dict) else {}
    with override_settings(MIGRATION_MODULES={**elsewhere, **(modules or {})}):
        loader = MigrationLoader(None)
    labels = set(app_labels) or _without_migrations() & loader.migrated_apps
    steps = _Steps(loader, labels).steps
    state = ProjectState.from_apps(apps)
    for database in _copies(connections[using], clones):
        with database.schema_editor(atomic=True) as editor:
            for app_label, operation, names in steps:
                token = renamed.set(names)
                try:
                    operation.database_forwards(app_label, editor, state, state)
                finally:
                    renamed.reset(token)
    return len(steps)


def _without_migrations() -> set[str]:
    """Apps for which the settings say that there are none."""
    modules: Any = settings.MIGRATION_MODULES
    return {
        config.label
        for config in apps.get_app_configs()
        if config.label in modules and modules[config.label] is None
    }


class _Steps:
    """The rules of migrations, and what their models and fields are called at the end."""

    def __init__(self, loader: MigrationLoader, labels: Collection[str]) -> None:
        self.steps: List[Tuple[str, Operation, Dict[Tuple[str, str, str], str]]] = []
        seen = set()
        for leaf in sorted(loader.graph.leaf_nodes()):
            for key in loader.graph.forwards_plan(leaf):
                if key in seen:
                    continue
                seen.add(key)
                for operation in loader.graph.nodes[key].operations:
                    self.follow(key[0], operation, key[0] in labels)

    def follow(self, app: str, operation: Operation, wanted: bool) -> None:
        if isinstance(operation, Maintenance):
            for inner in operation.operations:
                self.follow(app, inner, wanted)
        elif isinstance(operation, Unprotect):
            dropped = (_model_of(app, operation.declared), operation.declared.rule_name())
            self.steps = [
                step
                for step in self.steps
                if (_model_of(step[0], step[1]), getattr(step[1], "rule_name", str)()) != dropped
            ]
        elif isinstance(operation, migrations.SeparateDatabaseAndState):
            for inner in operation.database_operations:
                self.follow(app, inner, wanted)
            for inner in operation.state_operations:
                self.follow(app, inner, False)
        elif isinstance(operation, migrations.RenameField):
            model = (app, operation.model_name_lower)
            for _, _, names in self.steps:
                before = [k for k, v in names.items() if k[:2] == model and v == operation.old_name]
                for key in before or [(*model, operation.old_name)]:
                    names[key] = operation.new_name
        elif isinstance(operation, migrations.RenameModel):
            self.rename(app, operation.old_name_lower, operation.new_name)
        elif isinstance(operation, migrations.DeleteModel):
            self.steps = [
                step
                for step in self.steps
                if _model_of(step[0], step[1]) != (app, operation.name_lower)
            ]
        elif wanted and isinstance(operation, (RuleOperation, DatabaseOperation)):
            self.steps.append((app, operation, {}))
        elif (
            wanted and isinstance(operation, migrations.RunSQL) and "paysafe." in str(operation.sql)
        ):
            self.steps.append((app, operation, {}))

    def rename(self, app: str, old: str, new: str) -> None:
        for index, (label, operation, names) in enumerate(self.steps):
            operation = copy.copy(operation)
            for attribute in ("model_name", "ledger", "payment_model"):
                if _model_of(label, operation, attribute) == (app, old):
                    setattr(operation, attribute, f"{app}.{new}")
            others: Any = getattr(operation, "currency_models", ())
            changed: Any = operation
            if others:
                changed.currency_models = [
                    f"{app}.{new}" if _label(label, other) == (app, old) else other
                    for other in others
                ]
            names = {
                (key[0], new.lower(), key[2]) if key[:2] == (app, old) else key: value
                for key, value in names.items()
            }
            self.steps[index] = (label, operation, names)


def _model_of(
    app: str, operation: Operation, attribute: str = "model_name"
) -> Optional[Tuple[str, str]]:
    label = getattr(operation, attribute, None)
    if not isinstance(operation, RuleOperation) or not isinstance(label, str):
        return None
    return _label(app, label)


def _label(app: str, label: str) -> Tuple[str, str]:
    other, _, name = label.rpartition(".")
    return (other or app, name.lower())


class PaysafeRunner(DiscoverRunner):
    """Test databases are declared to be some, and have the rules of apps whose migrations
    are not run.  `rule_modules`: where those are, if that is not `<app>.migrations`."""

    rule_modules: Mapping[str, str] = {}

    def setup_databases(self, **kwargs: Any) -> Any:
        with declaring():
            databases = super().setup_databases(**kwargs)
        clones = self.parallel if self.parallel > 1 else 0
        if _without_migrations():
            for alias in _databases():
                if connections[alias].vendor == "postgresql":
                    declare_rules(using=alias, modules=self.rule_modules, clones=clones)
        declare_test_databases(clones)
        return databases
