"""Is what the migrations declare in force?  For deployments:

manage.py check --deploy --database default
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import DeleteModel, RenameModel

from .connections import _is_wanted
from .operations import Maintenance, RuleOperation, Unprotect
from .tokens import signer

_MIDDLEWARE = "django_paysafe.middleware.ActorMiddleware"

# a protected table, its partitions and its children: which of the two triggers
# is missing, not ENABLE ALWAYS, or calls something else
_TRIGGERS = """
WITH RECURSIVE guarded (root, relation) AS (
    SELECT DISTINCT relation::oid, relation::oid FROM paysafe.protection
    UNION
    SELECT g.root, i.inhrelid
      FROM guarded g JOIN pg_catalog.pg_inherits i ON i.inhparent = g.relation
)
SELECT g.relation::regclass::text, w.name, t.oid IS NULL
  FROM guarded g
       CROSS JOIN (VALUES ('paysafe', 'paysafe.enforce()'),
                          ('paysafe_statement', 'paysafe.enforce_statement()')) w (name, function)
       LEFT JOIN pg_catalog.pg_trigger t ON t.tgrelid = g.relation AND t.tgname = w.name
 WHERE t.oid IS NULL OR t.tgenabled <> 'A'
    OR t.tgfoid IS DISTINCT FROM to_regprocedure(w.function)::oid
 ORDER BY 1, 2
"""

_OWNED = """
SELECT DISTINCT relation::text FROM paysafe.protection p
  JOIN pg_catalog.pg_class c ON c.oid = p.relation
 WHERE pg_has_role(current_user, c.relowner, 'USAGE') ORDER BY 1
"""

_AUDIT_MONTHS_AHEAD = """
SELECT count(*) FROM pg_catalog.pg_class c
 WHERE c.relnamespace = 'paysafe'::regnamespace AND c.relname ~ '^audit_[0-9]{4}_[0-9]{2}$'
   AND c.relname > to_char(now() AT TIME ZONE 'UTC', '"audit_"YYYY_MM')
"""

_NOT_PRELOADED = """
SELECT 1 FROM pg_catalog.pg_settings
 WHERE name = 'shared_preload_libraries'
   AND 'paysafe' <> ALL (string_to_array(translate(setting, ' "', ''), ','))
"""


def check_settings(app_configs: Optional[Sequence[AppConfig]], **kwargs: Any) -> List[CheckMessage]:
    if _MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        Warning(
            "Nobody says who acts in a request.",
            hint=f"Put {_MIDDLEWARE!r} first in MIDDLEWARE.",
            id="paysafe.W001",
        )
    ]


def check_tokens(app_configs: Optional[Sequence[AppConfig]], **kwargs: Any) -> List[CheckMessage]:
    try:
        signer()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="paysafe.E006")]
    return []


def check_databases(
    app_configs: Optional[Sequence[AppConfig]],
    databases: Optional[Sequence[str]] = None,
    **kwargs: Any,
) -> List[CheckMessage]:
    found: List[CheckMessage] = []
    for alias in databases or ():
        if _is_wanted(connections[alias]):
            found.extend(_check_database(connections[alias]))
    return found


def _check_database(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    name = f"database {connection.alias!r}"
    if not _rows(connection, "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'paysafe'"):
        yield Error(
            f"paysafe is not in {name}.",
            hint="CREATE EXTENSION paysafe, or the migration operation InstallPaysafe.",
            id="paysafe.E001",
        )
        return

    may_check = _rows(
        connection,
        "SELECT has_function_privilege('paysafe.check(boolean)', 'EXECUTE')",
    )[0][0]
    if may_check:
        yield from _not_in_force(connection, name)
    else:
        for table, trigger, missing in _rows(connection, _TRIGGERS):
            yield Error(
                f"Trigger {trigger} of {table} in {name}"
                + (" is missing." if missing else " is not as paysafe makes it."),
                hint="Declare the table's rules again, and find out who changed it.",
                id="paysafe.E002",
            )

    in_force = {
        (row[0], row[1])
        for row in _rows(connection, "SELECT relation::oid::bigint, rule FROM paysafe.protection")
    }
    for label, table, rule in _declared_rules(connection):
        oid = _rows(
            connection, "SELECT to_regclass(%s)::oid::bigint", [connection.ops.quote_name(table)]
        )[0][0]
        if (oid, rule) not in in_force:
            yield Error(
                f"Rule {rule!r} of {label}, declared by a migration, is not in force in {name}.",
                hint="See the audit log for who dropped it: schema_name = 'paysafe'.",
                id="paysafe.E003",
            )

    function = "act_as_token" if getattr(settings, "PAYSAFE_TOKENS", None) else "act_as"
    role, is_superuser, may_act, may_name, bypasses = _rows(
        connection,
        "SELECT current_user::text, rolsuper,"
        " has_function_privilege('paysafe.' || %s || '(text, text, text, text, text)', 'EXECUTE'),"
        " has_function_privilege('paysafe.act_as(text, text, text, text, text)', 'EXECUTE'),"
        " rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user",
        [function],
    )[0]
    if not may_act and _MIDDLEWARE in settings.MIDDLEWARE:
        yield Error(
            f"Role {role} may not say who acts in {name}: every write of a request will fail.",
            hint=f"GRANT EXECUTE ON FUNCTION paysafe.{function}"
            f" TO {connection.ops.quote_name(role)};",
            id="paysafe.E004",
        )
    if function == "act_as_token" and may_name and not is_superuser:
        yield Warning(
            f"Role {role} may name anybody in {name}, tokens or not.",
            hint=f"REVOKE EXECUTE ON FUNCTION paysafe.act_as"
            f" FROM {connection.ops.quote_name(role)};",
            id="paysafe.W008",
        )
    if _rows(
        connection,
        "SELECT 1 FROM paysafe.test_database WHERE database ="
        " (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
    ):
        yield Error(
            f"{name.capitalize()} is declared a test database: TRUNCATE empties protected tables.",
            hint="That cannot be taken back; move the data into another database.",
            id="paysafe.E005",
        )
    if _rows(connection, _AUDIT_MONTHS_AHEAD)[0][0] < 2:
        yield Warning(
            f"The audit log of {name} has no partitions beyond two months; its default partition"
            " will grow.",
            hint="SELECT paysafe.extend_audit();",
            id="paysafe.W006",
        )
    if is_superuser:
        yield Warning(
            f"The application is a superuser in {name}.",
            hint="Give it a role that owns nothing and may only use the tables.",
            id="paysafe.W002",
        )
    else:
        owned = [row[0] for row in _rows(connection, _OWNED)]
        if owned:
            yield Warning(
                f"Role {role} owns protected tables in {name}: {', '.join(owned)}.",
                hint="An owner can drop triggers. Let migrations run under another role.",
                id="paysafe.W003",
            )
        if bypasses:
            yield Warning(
                f"Role {role} has BYPASSRLS in {name}.",
                hint="ALTER ROLE ... NOBYPASSRLS.",
                id="paysafe.W004",
            )
    # only some roles can read these settings
    if not may_check and _rows(connection, _NOT_PRELOADED):
        yield Warning(
            f"paysafe is not preloaded in {name}: nothing guards its triggers.",
            hint="shared_preload_libraries = 'paysafe' in postgresql.conf.",
            id="paysafe.W005",
        )


def _not_in_force(connection: BaseDatabaseWrapper, name: str) -> Iterator[CheckMessage]:
    """What paysafe.check() finds."""
    for subject, check, detail in _rows(
        connection,
        "SELECT subject, check_name, coalesce(detail, '') FROM paysafe.check() WHERE NOT ok"
        # E005 says so
        " AND check_name <> 'test_database' ORDER BY 1, 2",
    ):
        message = f"{subject}: {check} is not in force in {name}: {detail}"
        if check == "mode":
            yield Warning(
                f"A rule of {subject} only observes in {name}: {detail}",
                hint="Declare it without mode when nothing is found any more.",
                id="paysafe.W007",
            )
        elif subject == "library" or subject.startswith("role "):
            yield Warning(
                message,
                hint="shared_preload_libraries = 'paysafe' in postgresql.conf.",
                id="paysafe.W005",
            )
        else:
            yield Error(message, hint="Find out who changed it.", id="paysafe.E002")


def _rows(
    connection: BaseDatabaseWrapper, sql: str, params: Optional[List[Any]] = None
) -> List[Tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: List[Tuple[Any, ...]] = cursor.fetchall()
        return rows


def _declared_rules(connection: BaseDatabaseWrapper) -> List[Tuple[str, str, str]]:
    """Model, table and rule of all operations in the migrations that were applied."""
    loader = MigrationLoader(connection)
    applied = loader.applied_migrations
    rules: Dict[Tuple[str, str], Set[str]] = {}
    seen = set()
    for leaf in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(leaf):
            if key in seen or key not in applied:
                continue
            seen.add(key)
            for operation in loader.graph.nodes[key].operations:
                _follow(rules, key[0], operation)

    state = loader.project_state(list(seen)).apps
    result = []
    for (app, name), names in sorted(rules.items()):
        model = state.get_model(app, name)
        if router.allow_migrate_model(connection.alias, model):
            result += [(model._meta.label, model._meta.db_table, rule) for rule in sorted(names)]
    return result


def _follow(rules: Dict[Tuple[str, str], Set[str]], app: str, operation: Any) -> None:
    if isinstance(operation, Maintenance):
        for inner in operation.operations:
            _follow(rules, app, inner)
    elif isinstance(operation, Unprotect):
        other, _, name = operation.model_name.rpartition(".")
        known = rules.get((other or app, name.lower()), set())
        known.difference_update(operation.declared.rule_names())
    elif isinstance(operation, RuleOperation):
        names = operation.rule_names()
        if names:
            other, _, name = operation.model_name.rpartition(".")
            rules.setdefault((other or app, name.lower()), set()).update(names)
    elif isinstance(operation, RenameModel):
        moved = rules.pop((app, operation.old_name_lower), None)
        if moved is not None:
            rules[app, operation.new_name_lower] = moved
    elif isinstance(operation, DeleteModel):
        rules.pop((app, operation.name_lower), None)


register(check_settings, Tags.security, deploy=True)
register(check_tokens, Tags.security, deploy=True)
register(check_databases, Tags.database, deploy=True)
