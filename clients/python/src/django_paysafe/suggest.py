"""Proposals of paysafe.suggest as a migration of Django's."""

from __future__ import annotations

import re
import textwrap
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple, Type

from django.db import connections, models
from django.db.migrations.loader import MigrationLoader

from .approvals import relation_of

_ORDER = "audit status columns payment captures ledger balance refund row_lock append_only".split()

# of each function: the operation, its arguments in their order, and what the operation
# calls those that it has; "*": several, "@": another model's table, "=": a value, "#": a
# number, ">": a path
_FUNCTIONS: Dict[str, Tuple[str, str, Dict[str, str]]] = {
    "audit": ("Audit", "relation redact require_reason require_ticket mode", {"redact": "redact*"}),
    "protect_status": (
        "ProtectStatus",
        "relation status_column machine deletable recorded status_path mode",
        {
            "status_column": "1",
            "machine": "2=",
            "deletable": "deletable*=",
            "recorded": "recorded*=",
            "status_path": "status_path*=",
        },
    ),
    "protect_columns": (
        "ProtectColumns",
        "relation columns once_status mode",
        {"columns": "1*", "once_status": "once_status*="},
    ),
    "protect_append_only": ("ProtectAppendOnly", "relation mode", {}),
    "protect_row_lock": ("ProtectRowLock", "relation columns mode", {"columns": "1*"}),
    "protect_payment": (
        "ProtectPayment",
        "payment status_column amount_column captured_column currency_column captured recorded"
        " currency currency_path changes limit_column over_percent adjustable rows"
        " units status_path currency_tables decimals mode",
        {
            "status_column": "status",
            "amount_column": "amount",
            "captured_column": "captured_amount",
            "currency_column": "currency",
            "captured": "captured*=",
            "recorded": "recorded*=",
            "currency": "currency_code=",
            "currency_path": "currency>",
            "changes": "changes=",
            "limit_column": "limit",
            "adjustable": "adjustable*=",
            "status_path": "status_path*=",
            "decimals": "decimals#",
        },
    ),
    "protect_captures": (
        "ProtectCaptures",
        "captures payment payment_column amount_column currency_column status_column"
        " counted limit_column over_percent currency currency_path payment_key recorded deletable"
        " rows currency_tables decimals status_path mode",
        {
            "payment": "payment_model@",
            "payment_column": "payment",
            "amount_column": "amount",
            "currency_column": "currency",
            "status_column": "status",
            "counted": "counted*=",
            "limit_column": "limit@payment",
            "currency": "currency_code=",
            "currency_path": "currency>",
            "payment_key": "payment_key@payment",
            "status_path": "status_path*=",
            "recorded": "recorded*=",
            "decimals": "decimals#",
        },
    ),
    "protect_refund": (
        "ProtectRefund",
        "refund payment payment_column amount_column currency_column status_column gated void"
        " payment_amount_column payment_currency_column unapproved_columns payment_key recorded"
        " rows amounts units status_path deletable currency decimals rule mode",
        {
            "payment": "payment_model@",
            "payment_column": "payment",
            "amount_column": "amount",
            "currency_column": "currency",
            "status_column": "status",
            "gated": "gated*=",
            "void": "void*=",
            "payment_amount_column": "payment_amount@payment",
            "payment_currency_column": "payment_currency@payment",
            "unapproved_columns": "unapproved*",
            "payment_key": "payment_key@payment",
            "recorded": "recorded*=",
            "status_path": "status_path*=",
            "decimals": "decimals#",
        },
    ),
    "protect_ledger": (
        "ProtectLedger",
        "relation transaction_column account_column amount_column currency_column"
        " direction_column reverses_column posting_date_column"
        " credit_column debits credits currency decimals mode",
        {
            "transaction_column": "transaction",
            "account_column": "account",
            "amount_column": "amount",
            "currency_column": "currency",
            "direction_column": "direction",
            "reverses_column": "reverses",
            "posting_date_column": "posting_date",
            "decimals": "decimals#",
        },
    ),
    "protect_balance": (
        "ProtectBalance",
        "accounts key_column balance_column ledger minimum_column currency_column side_column mode",
        {
            "key_column": "key",
            "balance_column": "balance",
            "ledger": "ledger@",
            "minimum_column": "minimum",
            "currency_column": "currency",
            "side_column": "side",
        },
    ),
}


class Proposal(NamedTuple):
    model: Type[models.Model]
    rule: str
    declaration: str
    why: str
    confidence: str


def proposals(wanted: Iterable[Type[models.Model]], using: str) -> List[Proposal]:
    """What paysafe proposes for the tables of these models, in an order that can be run."""
    found = []
    with connections[using].cursor() as cursor:
        for model in wanted:
            relation = relation_of(model, using)
            cursor.execute(
                "SELECT rule, declaration, why, confidence FROM paysafe.suggest(to_regclass(%s))"
                " WHERE to_regclass(%s) IS NOT NULL",
                [relation, relation],
            )
            found += [Proposal(model, *row) for row in cursor.fetchall()]
    return sorted(
        found,
        key=lambda p: (
            _ORDER.index(p.rule) if p.rule in _ORDER else len(_ORDER),
            p.model._meta.label,
        ),
    )


def migration(app_label: str, wanted: List[Proposal], using: str) -> str:
    """The text of a migration, to be read and corrected.

    Operations in terms of models and fields; what is of low confidence is a comment.
    """
    tables = _tables(using)
    lines = []
    for proposal in wanted:
        words = (
            f"{proposal.model._meta.label}, {proposal.rule} ({proposal.confidence}): {proposal.why}"
        )
        lines += ["# " + line for line in textwrap.wrap(" ".join(words.split()), 88)]
        text = _operation(proposal, tables) + ","
        if proposal.confidence == "low":
            text = textwrap.indent(text, "# ", lambda line: True)
        lines += text.splitlines()
    body = textwrap.indent("\n".join(lines), " " * 8)
    leaves = [key for key in MigrationLoader(None).graph.leaf_nodes(app_label)]
    others = {proposal.model._meta.app_label for proposal in wanted} - {app_label}
    dependencies = ", ".join(repr(tuple(key)) for key in leaves)
    note = "".join(f"  # and those of {other}" for other in sorted(others))
    return (
        "# Proposals: read, correct, and keep what is right.  Rules observe first.\n"
        "from django.db import migrations\n\nfrom django_paysafe import operations as rules\n\n\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [{dependencies}]{note}\n"
        f"    operations = [\n{body}\n    ]\n"
    )


def _tables(using: str) -> Dict[str, Type[models.Model]]:
    """Models by the names of their tables, as the database writes them."""
    from django.apps import apps

    known = [model for model in apps.get_models() if model._meta.managed and not model._meta.proxy]
    with connections[using].cursor() as cursor:
        result: Dict[str, Type[models.Model]] = {}
        for model in known:
            cursor.execute(
                "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_catalog.pg_class c"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.oid = to_regclass(%s)",
                [relation_of(model, using)],
            )
            result.update((name, model) for (name,) in cursor.fetchall())
    return result


def _operation(proposal: Proposal, tables: Dict[str, Type[models.Model]]) -> str:
    """The operation that says what a declaration says, or one that runs it as it stands."""
    call = re.fullmatch(r"\s*SELECT paysafe\.(\w+)\((.*)\);?\s*", proposal.declaration, re.DOTALL)
    as_it_is = f"migrations.RunSQL(\n{textwrap.indent(_text(proposal.declaration), '    ')}\n)"
    if call is None or call[1] not in _FUNCTIONS:
        return as_it_is
    operation, order, words = _FUNCTIONS[call[1]]
    given = _arguments(call[2], order.split())
    if given is None:
        return as_it_is
    own = order.split()[0]
    models_of = {own: proposal.model}
    for name, value in given.items():
        if value is not None and words.get(name, "").endswith("@"):
            if value not in tables:
                return as_it_is
            models_of[name] = tables[value]

    positional: Dict[int, str] = {}
    named: List[str] = []
    for name, value in given.items():
        if value is None or name == own:
            continue
        if name == "mode":
            named.append(f"mode={value!r}")
            continue
        if name not in words:
            return as_it_is
        word, many, whose = re.fullmatch(r"(\w+)(\*?)(.*)", words[name]).groups()  # type: ignore[union-attr]
        if whose == "@":
            text = repr(_label(models_of[name], proposal.model))
        elif whose == "=":
            text = repr(_array(value)) if many else _text(value)
        elif whose == "#":
            text = value
        elif whose == ">":
            path = _path(proposal.model, _array(value))
            if path is None:
                return as_it_is
            text = repr(path)
        else:
            model = models_of[whose[1:]] if whose else proposal.model
            fields = [_field(model, column) for column in (_array(value) if many else [value])]
            text = f"[{', '.join(fields)}]" if many else fields[0]
        if word.isdigit():
            positional[int(word)] = text
        elif not (operation == "ProtectBalance" and word == "key" and text == _pk(proposal.model)):
            named.append(f"{word}={text}")
    if operation in ("ProtectCaptures", "ProtectRefund"):  # which a foreign key says already
        named = [word for word in named if not word.startswith("payment_model=")]
    arguments = [repr(proposal.model._meta.object_name)]
    arguments += [positional[n] for n in sorted(positional)] + named
    inner = textwrap.indent(",\n".join(arguments) + ",", "    ")
    return f"rules.{operation}(\n{inner}\n)"


def _pk(model: Type[models.Model]) -> str:
    return repr(model._meta.pk.name if model._meta.pk else None)


def _label(model: Type[models.Model], seen_from: Type[models.Model]) -> str:
    same = model._meta.app_label == seen_from._meta.app_label
    return str(model._meta.object_name if same else model._meta.label)


def _field(model: Type[models.Model], column: str) -> str:
    for field in model._meta.concrete_fields:
        if field.column == column:
            return repr(field.name)
    return f"rules.Column({column!r})"


def _path(model: Type[models.Model], columns: List[str]) -> Optional[str]:
    """The columns of a path over foreign keys, as a queryset has it."""
    names = []
    for column in columns:
        field = next((f for f in model._meta.concrete_fields if f.column == column), None)
        if field is None:
            return None
        names.append(field.name)
        if len(names) < len(columns):
            if not isinstance(field.related_model, type):
                return None
            model = field.related_model
    return "__".join(names)


def _text(value: str) -> str:
    """A literal; of several lines, one that can be read."""
    if "\n" not in value or '"""' in value or "\\" in value:
        return repr(value)
    return '"""\n' + value.expandtabs(4).strip("\n") + '\n"""'


_LITERAL = re.compile(
    r"""\s*(?:(?P<name>\w+)\s*=>\s*)?
    (?:(?P<null>NULL)|(?P<word>true|false|[0-9.]+)
      |(?P<escaped>E)?'(?P<text>(?:[^']|'')*)')\s*(?:,|$)""",
    re.VERBOSE,
)


def _arguments(text: str, order: List[str]) -> Optional[Dict[str, Optional[str]]]:
    """The literals of a call, by name; None if there is anything else."""
    result: Dict[str, Optional[str]] = {}
    position = 0
    while position < len(text):
        found = _LITERAL.match(text, position)
        if found is None:
            return None
        value: Optional[str] = found["word"]
        if found["text"] is not None:
            value = found["text"].replace("''", "'")
            if found["escaped"]:
                value = value.replace("\\\\", "\\")
        result[found["name"] or order[len(result)]] = value
        position = found.end()
    return result


def _array(value: Any) -> List[str]:
    """The elements of '{a,"b c"}', or of a single name."""
    if not value.startswith("{"):
        return [value]
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', value)
    return [re.sub(r"\\(.)", r"\1", quoted) or plain for quoted, plain in found]
