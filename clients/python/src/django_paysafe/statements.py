"""What a statement is, as far as it matters for saying who acts.

Nothing is parsed further than needed.  Where a text does not tell whether it
writes, it counts as writing: that costs a round trip and loses nothing.
"""

from __future__ import annotations

import enum
import functools
import re
from typing import NamedTuple, Optional


class Kind(enum.Enum):
    READ = "read"  # nobody needs to be named
    WRITE = "write"  # named; outside of a transaction it gets one of its own
    OTHER = "other"  # named inside a transaction; may be impossible in one
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback to"


class Statement(NamedTuple):
    kind: Kind
    savepoint: Optional[str] = None


_WRITES = frozenset("INSERT UPDATE DELETE MERGE TRUNCATE COPY EXECUTE".split())
_CONTROLS = frozenset("BEGIN START COMMIT END ROLLBACK ABORT PREPARE SAVEPOINT RELEASE".split())
_READS = frozenset(
    "VALUES TABLE SHOW FETCH MOVE CLOSE SET RESET DISCARD LISTEN UNLISTEN DEALLOCATE LOCK".split()
)

# in this order: what begins first is what it is
_NOISE = re.compile(
    r"""(?P<name>"(?:[^"]|"")*")
    | [eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | --[^\n]*
    | /\*.*?\*/
    """,
    re.VERBOSE | re.DOTALL,
)
_CALL = re.compile(r"\w\s*\(")
_QUALIFIED_CALL = re.compile(r"\w\s*\.\s*\w+\s*\(")
_CALL_IN_FROM = re.compile(r"\b(?:FROM|JOIN)\s+(?:LATERAL\s+|ONLY\s+)?\w+\s*\(", re.IGNORECASE)
_FROM = re.compile(r"\bFROM\b", re.IGNORECASE)
_INTO = re.compile(r"\bINTO\b", re.IGNORECASE)
_CHANGES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b", re.IGNORECASE)
_ANALYZE = re.compile(r"\bANALY[SZ]E\b", re.IGNORECASE)
_WORD = re.compile(r"[\s(]*([A-Za-z]+)")
_SAVEPOINT = re.compile(
    r"""\s*(?P<verb>SAVEPOINT
        | RELEASE (?:\s+SAVEPOINT)?
        | ROLLBACK (?:\s+(?:WORK|TRANSACTION))? \s+ TO (?:\s+SAVEPOINT)?)
    \s+ (?P<name>"(?:[^"]|"")+"|\w+) \s*;?\s*$""",
    re.VERBOSE | re.IGNORECASE,
)


def _select(text: str) -> Kind:
    """A query: a read, unless it calls something that may write.

    Functions among the columns of a table's rows are what ORMs write; those are
    taken to be PostgreSQL's, which only read.
    """
    if _FROM.search(text) is None:
        calls = _CALL.search(text) is not None
    else:
        calls = any(p.search(text) for p in (_QUALIFIED_CALL, _CALL_IN_FROM, _INTO))
    return Kind.WRITE if calls else Kind.READ


def _kind(text: str) -> Kind:
    word = _WORD.match(text)
    verb = word.group(1).upper() if word else ""
    if verb == "SELECT":
        return _select(text)
    if verb in _WRITES:
        return Kind.WRITE
    if verb in _READS or verb in _CONTROLS:
        return Kind.READ
    if verb in ("WITH", "DECLARE"):
        return Kind.WRITE if _CHANGES.search(text) else _select(text)
    if verb == "EXPLAIN":
        writes = _ANALYZE.search(text) and (_CHANGES.search(text) or _CALL_IN_FROM.search(text))
        return Kind.WRITE if writes else Kind.READ
    return Kind.OTHER


def _is_control(text: str) -> bool:
    word = _WORD.match(text)
    return word is not None and word.group(1).upper() in _CONTROLS


@functools.lru_cache(maxsize=2048)
def statement(sql: str) -> Statement:
    """What `sql` is; the savepoint it names is spelled as PostgreSQL stores it."""
    savepoint = _SAVEPOINT.match(sql)
    if savepoint:
        verb, name = savepoint["verb"].split()[0].upper(), savepoint["name"]
        name = name[1:-1].replace('""', '"') if name[0] == '"' else name.lower()
        kind = {"SAVEPOINT": Kind.SAVEPOINT, "RELEASE": Kind.RELEASE}.get(verb, Kind.ROLLBACK_TO)
        return Statement(kind, name)

    plain = _NOISE.sub(lambda match: "x" if match["name"] else " ", sql)
    parts = [part for part in plain.split(";") if part.strip()]
    kinds = {_kind(part) for part in parts}
    if Kind.OTHER in kinds or (len(parts) > 1 and any(map(_is_control, parts))):
        return Statement(Kind.OTHER)
    return Statement(Kind.WRITE if Kind.WRITE in kinds else Kind.READ)
