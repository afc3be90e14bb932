"""manage.py paysafe suggest|check|diagram|token-key"""

from __future__ import annotations

import sys
from typing import Any, List, Optional, Tuple, Type

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models

from django_paysafe.approvals import relation_of
from django_paysafe.errors import explanation_of
from django_paysafe.suggest import migration, proposals
from django_paysafe.tokens import Signer, new_key, signer

# as Nagios and its like read them
OK, WARNING, CRITICAL, UNKNOWN = range(4)
_STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class Command(BaseCommand):
    help = "Proposes rules, says whether they are in force, and draws status machines."
    requires_system_checks: List[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias of the database")
        verbs = parser.add_subparsers(dest="verb", required=True)

        suggest = verbs.add_parser(
            "suggest",
            help="print a migration with rules that would fit, to be read and corrected",
        )
        suggest.add_argument("what", nargs="+", help="apps, or models as app.Model")
        suggest.add_argument("--sql", action="store_true", help="as SQL, not as operations")

        check = verbs.add_parser(
            "check",
            help="is every promise in force? Exit status as Nagios reads it: 0 yes,"
            " 1 some rules only observe, 2 no, 3 it could not be found out",
        )
        check.add_argument(
            "--reconcile", action="store_true", help="also compare rows with the audit log"
        )

        diagram = verbs.add_parser("diagram", help="draw a model's status machine, in Mermaid")
        diagram.add_argument("model", help="app.Model")
        diagram.add_argument(
            "--seen",
            metavar="FIELD",
            help="as it has been seen, from this field in the audit log, not as declared",
        )

        key = verbs.add_parser(
            "token-key",
            help="make a key that signs who acts, in a file that only you read, or show the"
            " public keys of PAYSAFE_TOKENS, as paysafe.set_token_key takes them",
        )
        key.add_argument("file", nargs="?", help="the new file; its name is the key's")

    def handle(self, *args: Any, **options: Any) -> None:
        using = options["database"]
        if options["verb"] == "token-key":
            self.token_key(options["file"])
            return
        if connections[using].vendor != "postgresql":
            raise CommandError(f"database {using!r} is no PostgreSQL")
        verb = options["verb"]
        if verb == "check":
            sys.exit(self.check_rules(using, options["reconcile"], options["verbosity"]))
        try:
            getattr(self, verb)(using, options)
        except DatabaseError as error:
            raise CommandError(explanation_of(error)) from error

    def token_key(self, file: Optional[str]) -> None:
        if file is not None:
            try:
                new_key(file)
            except OSError as error:
                raise CommandError(str(error)) from error
        configured = signer() if file is None else Signer("-", "-", [file])
        if configured is None:
            raise CommandError("PAYSAFE_TOKENS has no keys")
        for kid, algorithm, pem in configured.public_keys():
            self.stdout.write(f"{kid} {algorithm}\n{pem}")

    # suggest

    def suggest(self, using: str, options: Any) -> None:
        by_app: dict[str, List[Type[models.Model]]] = {}
        for label in options["what"]:
            for model in self.models_of(label):
                by_app.setdefault(model._meta.app_label, []).append(model)
        for app_label, wanted in by_app.items():
            found = proposals(wanted, using)
            if not found:
                self.stdout.write(f"# {app_label}: nothing to propose")
            elif options["sql"]:
                for p in found:
                    words = " ".join(f"{p.rule} ({p.confidence}): {p.why}".split())
                    text = p.declaration.replace("\r", " ")
                    if p.confidence == "low":
                        text = "-- " + text.replace("\n", "\n-- ")
                    self.stdout.write(f"-- {p.model._meta.db_table}, {words}\n{text}\n")
            else:
                self.stdout.write(migration(app_label, found, using))

    def models_of(self, label: str) -> List[Type[models.Model]]:
        try:
            if "." in label:
                return [apps.get_model(label)]
            found = apps.get_app_config(label).get_models(include_auto_created=True)
        except (LookupError, ValueError) as error:
            raise CommandError(str(error)) from error
        return [model for model in found if model._meta.managed and not model._meta.proxy]

    # check

    def check_rules(self, using: str, reconcile: bool, verbosity: int) -> int:
        try:
            with connections[using].cursor() as cursor:
                cursor.execute(
                    "SELECT subject, check_name, ok, coalesce(detail, '')"
                    " FROM paysafe.check(%s) ORDER BY 1, 2",
                    [reconcile],
                )
                rows: List[Tuple[str, str, bool, str]] = cursor.fetchall()
        except DatabaseError as error:
            self.stdout.write(f"PAYSAFE UNKNOWN: {explanation_of(error)}")
            return UNKNOWN
        failed = [row for row in rows if not row[2]]
        observed = [row for row in failed if row[1] == "mode"]
        state = OK if not failed else WARNING if len(observed) == len(failed) else CRITICAL
        summary = {
            OK: "every promise is in force",
            WARNING: f"{len(observed)} rules only observe",
            CRITICAL: f"{len(failed) - len(observed)} not in force",
        }
        self.stdout.write(f"PAYSAFE {_STATES[state]}: {summary[state]}")
        for row in rows if verbosity > 1 else failed:
            said = "ok" if row[2] else "observes" if row[1] == "mode" else "NOT OK"
            self.stdout.write(f"{said}: {row[0]}: {row[1]}: {row[3]}")
        return state

    # diagram

    def diagram(self, using: str, options: Any) -> None:
        [model] = self.models_of(options["model"]) if "." in options["model"] else [None]
        if model is None:
            raise CommandError("a model, as app.Model")
        relation = relation_of(model, using)
        with connections[using].cursor() as cursor:
            if options["seen"]:
                try:
                    column = model._meta.get_field(options["seen"]).column  # type: ignore[union-attr]
                except FieldDoesNotExist as error:
                    raise CommandError(str(error)) from error
                cursor.execute(
                    "SELECT paysafe.suggest_machine(%s::regclass, %s)", [relation, column]
                )
            else:
                cursor.execute("SELECT paysafe.status_diagram(%s::regclass)", [relation])
            (text,) = cursor.fetchone()
        if text is None:
            raise CommandError(f"{model._meta.label} has no status machine")
        self.stdout.write(text)
