"""Plays of the sealed audit log: what is written is sealed, once, in its order, and stays provable.

By doc/evidence.md, doc/verifying.md and doc/retention.md alone.  A model knows which rows each transaction
has written that was committed, in one database or in two.  From outside, by hashes that are computed
here: each of them is a leaf as soon as nothing older is open; after them comes their transaction's, with
their number and their root; trees only grow; proofs lead where they should.  Payloads leave by two people,
unless held, and leaves stay.  Meanwhile transactions come late, are prepared, undone in part, processes
and servers end, and in some plays somebody has the server's files: then verify() names the row.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

import accounts
import pages
from commands import APP, BIN, OWNER, SUPER, Found, control

LATEST = 120.0  # seconds until what can be sealed is sealed
EMPTY = hashlib.sha256(b"").digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def half(n: int) -> int:
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def tree(hashes: list[bytes]) -> bytes:
    """RFC 6962's root."""
    if not hashes:
        return EMPTY
    if len(hashes) == 1:
        return hashes[0]
    k = half(len(hashes))
    return node(tree(hashes[:k]), tree(hashes[k:]))


def from_path(index: int, size: int, own: bytes, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to."""
    if size == 1:
        return own if not path else b"too long"
    if not path:
        return b"too short"
    k = half(size)
    if index < k:
        return node(from_path(index, k, own, path[:-1]), path[-1])
    return node(path[-1], from_path(index - k, size - k, own, path[:-1]))


def between(old: int, new: int, whole: bool, root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to."""
    if old == new:
        if whole:
            return root, root
        return path[0], path[0]
    k = half(new)
    rest, last = path[:-1], path[-1]
    if old <= k:
        a, b = between(old, k, whole, root, rest)
        return a, node(b, last)
    a, b = between(old - k, new - k, False, root, rest)
    return node(last, a), node(last, b)


@dataclass(frozen=True)
class Written:
    """A row of the log as it should be."""

    table: str
    op: str
    key: str
    note: str | None
    business: str | None = None


@dataclass
class Held:
    """A transaction that is open."""

    who: str
    xid: int
    rows: list[Written]
    prepared: str = ""


@dataclass
class Log:
    """One database: what should be in its log, and what was seen of it."""

    name: str
    at: str  # after the names of its sessions
    written: dict[int, list[Written]] = field(default_factory=dict)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)  # table: key, note
    leaves: list[bytes] = field(default_factory=list)  # hashes
    roots: dict[int, bytes] = field(default_factory=dict)  # by size
    erased: set[tuple[int, int]] = field(default_factory=set)  # transaction and number
    gone: set[tuple[int, str, str]] = field(default_factory=set)  # the same by table and key
    changed: set[tuple[int, int]] = field(default_factory=set)  # below the server
    holds: dict[int, tuple[str | None, str | None, str | None, bool]] = field(default_factory=dict)


class Play(accounts.Play):
    """Audited tables in one database or two, and who writes, seals, erases and looks."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.tables = rng.sample(["one", "two", "pair", "parts"], rng.choice([1, 2, 3]))
        self.twice = self.chance(0.3)  # two databases
        self.breaks = restarts(self.seed)  # the server is stopped; somebody has its files
        self.logs = [Log(self.schema, "")]
        self.under_way: list[Held] = []
        self.next_key, self.next_note, self.next_erase = 1, 1, 1
        self.gid = 0
        self.checksums = False  # of pages

    @staticmethod
    def alone(seed: int) -> bool:
        """Holds and erasures of others would be in the way."""
        return True

    # ------------------------------------------------------------ databases

    def all(self, plan: list[tuple[int, str]]) -> None:
        try:
            self.setup()
            self.plays(plan, look=False)
            for h in list(self.under_way):
                self.finish(h)
            for log in self.logs:
                self.end(log)
            if self.breaks and not any(log.changed for log in self.logs):
                self.stop(True)
        except psycopg.Error as e:
            raise Found("error", f"{e.sqlstate} {e}") from e
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Nothing stays prepared: others would wait for it."""
        for h in self.under_way:
            if h.prepared:
                try:
                    self.conns[f"super{h.who[1:]}"].execute(f"ROLLBACK PREPARED '{h.prepared}'")
                except psycopg.Error:
                    pass
        self.under_way = []

    def connect(self) -> None:
        """Sessions of each database; the first ones are there."""
        info = self.conns["super"].info
        self.where_to = f"host={info.host} port={info.port}"
        names = [info.dbname, f"{info.dbname}_two"]
        if self.twice:
            with psycopg.connect(
                f"{self.where_to} dbname=postgres user={SUPER}", autocommit=True
            ) as c:
                c.execute(f"DROP DATABASE IF EXISTS {names[1]} WITH (FORCE)")
                c.execute(f"CREATE DATABASE {names[1]} TEMPLATE sim_play")
            self.logs.append(Log(names[1], "2"))
        self.logs[0].name = names[0]

    def sessions(self) -> None:
        """All of them, once more where they have ended."""
        for log in self.logs:
            for name, role in (("a", APP), ("b", APP), ("owner", OWNER), ("super", SUPER)):
                who = name + log.at
                if who in self.conns and not self.conns[who].closed:
                    continue
                c = psycopg.connect(
                    f"{self.where_to} dbname={log.name} user={role}", autocommit=True
                )
                c.prepare_threshold = None
                c.execute("SET client_min_messages = error; SET lock_timeout = '20s'")
                if log.keys:
                    c.execute(f"SET search_path = {self.schema}")
                self.conns[who] = c

    def setup(self) -> None:
        self.connect()
        self.sessions()
        for log in self.logs:
            self.make(log)
            # a log begins with all rows that are there; from then on older ones are waited for
            self.must("SELECT paysafe.seal()", True, "", f"super{log.at}")

    def make(self, log: Log) -> None:
        at = log.at
        functions = "act_as, paysafe.approve, paysafe.propose, paysafe.erase, paysafe.hold, paysafe.release_hold"
        functions += ", paysafe.purge, paysafe.set_retention"
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.{functions} TO {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {OWNER};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as TO {APP}",
            f"super{at}",
        )
        for who in ("a", "b", "owner", "super"):
            self.run(f"SET search_path = {self.schema}", who + at)
        statements = []
        for t in self.tables:
            key = "id, part" if t in ("pair", "parts") else "id"
            by = " PARTITION BY LIST (part)" if t == "parts" else ""
            statements.append(
                f"CREATE TABLE {t} (id int, part int NOT NULL DEFAULT 1, note text, PRIMARY KEY ({key})){by}"
            )
            if t == "parts":
                statements += [
                    f"CREATE TABLE parts_{i} PARTITION OF parts FOR VALUES IN ({i})" for i in (1, 2)
                ]
            statements.append(f"SELECT paysafe.audit('{t}')")
            log.keys[t] = {}
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join(statements), True, "", f"owner{at}")

    # ------------------------------------------------------------ writing

    def log(self) -> Log:
        return self.rng.choice(self.logs)

    def note(self) -> str:
        self.next_note += 1
        size = self.rng.choice([1, 1, 1, 1, 30, 500])
        return f"n{self.seed}x{self.next_note}x" + "lorem ipsum " * size

    def key_of(self, t: str, n: int) -> str:
        """As the log names it."""
        return f"{n},1" if t == "pair" else str(n)

    def statement(self, log: Log, business: str | None) -> tuple[str, list[Written]]:
        """One statement, and the rows that it makes; the model of the table follows at once."""
        rng = self.rng
        t = rng.choice(self.tables)
        there = log.keys[t]
        way = rng.choice(
            ["add", "add", "add", "change", "change", "remove", "many", "all", "merge"]
        )
        if way == "many":
            n = rng.choice([2, 5, 40, 300])
            note, first = self.note(), self.next_key
            self.next_key += n
            rows = [
                Written(t, "INSERT", self.key_of(t, i), note, business)
                for i in range(first, first + n)
            ]
            there.update({r.key: note for r in rows})
            return (
                f"INSERT INTO {t} (id, note) SELECT g, '{note}' FROM generate_series({first}, {first + n - 1}) g",
                rows,
            )
        if way == "add" or not there:
            n, note = self.next_key, self.note()
            if there and self.chance(0.2):  # one that was there before, if it has gone
                n = rng.randint(1, self.next_key)
                if self.key_of(t, n) in there or (t, self.key_of(t, n)) in self.busy(log):
                    n = self.next_key
            self.next_key = max(self.next_key, n + 1)
            there[self.key_of(t, n)] = note
            return (
                f"INSERT INTO {t} (id, note) VALUES ({n}, '{note}')",
                [Written(t, "INSERT", self.key_of(t, n), note, business)],
            )
        if way == "all":
            if len(there) > 60:
                return f"UPDATE {t} SET note = note WHERE false", []
            note = self.note()
            rows = [Written(t, "UPDATE", k, note, business) for k in there]
            there.update({k: note for k in there})
            return f"UPDATE {t} SET note = '{note}'", rows
        key = rng.choice(list(there))
        where = f"id = {key.split(',')[0]}"
        if way == "remove":
            del there[key]
            return f"DELETE FROM {t} WHERE {where}", [Written(t, "DELETE", key, None, business)]
        note = self.note()
        there[key] = note
        sql = f"UPDATE {t} SET note = '{note}' WHERE {where}"
        if way == "merge":
            sql = (
                f"MERGE INTO {t} USING (SELECT {key.split(',')[0]} AS k) s ON {t}.id = s.k WHEN MATCHED THEN"
                f" UPDATE SET note = '{note}'"
            )
        return sql, [Written(t, "UPDATE", key, note, business)]

    def undone(self, log: Log) -> str:
        """Statements in a savepoint that is rolled back: nothing of them is in the log."""
        kept = {t: dict(k) for t, k in log.keys.items()}
        some = [self.statement(log, None)[0] for _ in range(self.rng.choice([1, 2]))]
        log.keys = kept
        return "SAVEPOINT s;\n" + ";\n".join(some) + ";\nROLLBACK TO s"

    def work(self, log: Log) -> tuple[list[str], list[Written]]:
        """What a transaction does."""
        out: list[str] = []
        rows: list[Written] = []
        business = None
        if self.chance(0.3):
            business = self.rng.choice(["order-1", "order-2"])
            out.append(f"SELECT paysafe.act_as('anna', business_id => '{business}')")
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            if self.chance(0.2):
                out.append(self.undone(log))
            sql, some = self.statement(log, business)
            if self.chance(0.2):
                sql = f"SAVEPOINT r;\n{sql};\nRELEASE r"
            out.append(sql)
            rows += some
        return out, rows

    def write(self, log: Log | None = None) -> None:
        """A transaction that is committed, or not."""
        log = log or self.log()
        who = "a" + log.at
        kept = {t: dict(k) for t, k in log.keys.items()}
        busy = self.busy(log)
        sql, rows = self.work(log)
        if any((r.table, r.key) in busy for r in rows):
            log.keys = kept  # it would wait
            return
        self.must("BEGIN", True, "", who)
        self.must(";\n".join(sql), True, "", who)
        xid = self.xid(who)
        if self.chance(0.15):
            self.must("ROLLBACK", True, "", who)
            log.keys = kept
            return
        self.must("COMMIT", True, "", who)
        self.committed(log, xid, rows)

    def xid(self, who: str) -> int:
        return int(self.ask("SELECT pg_current_xact_id()", who)[0][0])

    def committed(self, log: Log, xid: int, rows: list[Written]) -> None:
        if rows:
            log.written[xid] = rows

    def busy(self, log: Log) -> set[tuple[str, str]]:
        return {(r.table, r.key) for h in self.under_way if h.who[1:] == log.at for r in h.rows}

    def latecomer(self) -> None:
        """Somebody begins, others come after him and are done first; then he commits, or not."""
        for h in list(self.under_way):
            if self.chance(0.6):
                self.finish(h)
                return
        log = self.log()
        if any(h.who == "b" + log.at for h in self.under_way):
            return
        who = "b" + log.at
        n, note, t = self.next_key, self.note(), self.rng.choice(self.tables)
        self.next_key += 1
        self.must("BEGIN", True, "", who)
        rows: list[Written] = []
        if self.chance(0.7):
            self.must(f"INSERT INTO {t} (id, note) VALUES ({n}, '{note}')", True, "", who)
            rows = [Written(t, "INSERT", self.key_of(t, n), note)]
            xid = self.xid(who)
        else:
            xid = self.xid(who)  # a number, and no row yet
        h = Held(who, xid, rows)
        self.under_way.append(h)
        if self.chance(0.5):
            self.write(log)
        if self.chance(0.4):
            # rows of the older one come after those of the younger one
            m, note = self.next_key, self.note()
            self.next_key += 1
            self.must(f"INSERT INTO {t} (id, note) VALUES ({m}, '{note}')", True, "", who)
            h.rows.append(Written(t, "INSERT", self.key_of(t, m), note))
        if self.chance(0.25):
            self.gid += 1
            h.prepared = f"{self.schema}_{self.seed}_{self.gid}"
            self.must(f"PREPARE TRANSACTION '{h.prepared}'", True, "", who)
        way = self.rng.choice(["write", "seal", "wait", "nothing", "verify"])
        if way == "write":
            self.write()
        elif way == "seal":
            self.seal()
        elif way == "wait":
            self.wait()
        elif way == "verify":
            self.verify()
        if self.chance(0.5) and h in self.under_way:
            self.finish(h)

    def finish(self, h: Held) -> None:
        log = next(x for x in self.logs if x.at == h.who[1:])
        good = self.chance(0.75)
        end = "COMMIT" if good else "ROLLBACK"
        if h.prepared:
            self.must(f"{end} PREPARED '{h.prepared}'", True, "", f"super{log.at}")
        else:
            self.must(end, True, "", h.who)
        self.under_way.remove(h)
        if good:
            self.committed(log, h.xid, h.rows)
            for r in h.rows:
                log.keys[r.table][r.key] = r.note or ""

    # ------------------------------------------------------------ sealing

    def held_back(self, xid: int) -> bool:
        """Is something older open, in whatever database?"""
        return any(h.xid < xid for h in self.under_way)

    def seal(self) -> None:
        """By hand, also in a transaction that stays open, or comes to nothing."""
        log = self.log()
        who = f"super{log.at}"
        if self.chance(0.6):
            self.must("SELECT paysafe.seal()", True, "", who)
            return
        self.must("BEGIN;\nSELECT paysafe.seal()", True, "", who)
        self.write(log)
        self.must("COMMIT" if self.chance(0.5) else "ROLLBACK", True, "", who)
        self.must("SELECT paysafe.seal()", True, "", who)

    def wait(self) -> None:
        """What a session has committed last is sealed when it is told so."""
        log = self.log()
        before = set(log.written)
        self.write(log)
        new = set(log.written) - before
        if not new:
            return
        xid = new.pop()
        who = "a" + log.at
        if self.held_back(xid):
            got = self.ask("SELECT paysafe.wait_sealed('300 ms')", who)[0][0]
            if got:
                raise Found("order", f"transaction {xid} is sealed before an older one has ended")
            return
        got = self.ask(f"SELECT paysafe.wait_sealed('{LATEST} seconds')", who)[0][0]
        if not got:
            raise Found(
                "sealed", f"transaction {xid} is not sealed after {LATEST} s, nothing older is open"
            )
        count = len(log.written[xid])
        rows = self.ask(f"SELECT rows FROM paysafe.transaction_proof('{xid}')", f"super{log.at}")
        if not rows or rows[0][0] != count:
            raise Found("transaction", f"{xid} has {rows} rows by its proof, it should be {count}")

    def kill(self) -> None:
        """The sealer ends, asked or not; another one goes on."""
        log = self.log()
        self.write(log)
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'paysafe%seal%'"
        )
        self.write(log)

    def verify(self, log: Log | None = None) -> None:
        log = log or self.log()
        rows = self.ask(
            "SELECT incarnation, leaves, root, ok, finding FROM paysafe.verify() ORDER BY 1",
            f"super{log.at}",
        )
        self.script.append("super: SELECT * FROM paysafe.verify();")
        bad = [r[4] for r in rows if not r[3]]
        if not log.changed:
            if bad:
                raise Found("verify", f"nobody has changed anything: {bad}")
            return
        words = [f"row {seq} of transaction {xid}" for xid, seq in log.changed]
        if not any(w in b for w in words for b in bad):
            raise Found("verify", f"{words} were changed, verify() says {bad}")

    def leaves_of(self, log: Log) -> list[tuple[int, bytes | None, bytes | None]]:
        return self.ask(
            "SELECT index, leaf, payload FROM paysafe.seal_entries(0, (SELECT coalesce(size, 0) FROM paysafe.seal_status))"
            " ORDER BY index",
            f"super{log.at}",
        )

    def examine(self, log: Log | None = None) -> None:
        """The tree as it is now, computed again, against what was seen of it and what was written."""
        log = log or self.log()
        got = self.leaves_of(log)
        self.script.append("super: SELECT * FROM paysafe.seal_entries(0, 100000);")
        hashes: list[bytes] = []
        rows: dict[int, list[bytes]] = {}
        ended: list[int] = []
        run: list[bytes] = []
        if [i for i, _, _ in got] != list(range(len(got))):
            raise Found("leaves", "leaves are missing or there twice")
        for i, leaf, payload in got:
            if leaf is None:
                if not log.changed:
                    raise Found("leaves", f"leaf {i} is not there any more")
                known = log.leaves[i] if i < len(log.leaves) else None
                if known is None:
                    return  # what was changed before it was seen here
                hashes.append(known)
                run.append(known)
                continue
            h = leaf_hash(leaf)
            hashes.append(h)
            if leaf[0] == 3:
                if i:
                    raise Found("leaves", f"leaf {i} is a beginning")
            elif leaf[0] == 1:
                self.row_leaf(log, i, leaf, payload, len(run) + 1)
                run.append(h)
            elif leaf[0] == 2:
                xid = int.from_bytes(leaf[1:9], "big")
                count = int.from_bytes(leaf[9:13], "big")
                if count != len(run) or leaf[13:] != tree(run):
                    raise Found(
                        "transaction", f"leaf {i} says {count} rows of {xid}, there are {len(run)}"
                    )
                if xid in rows:
                    raise Found("leaves", f"transaction {xid} is sealed twice")
                rows[xid], run = run, []
                ended.append(xid)
            else:
                raise Found("leaves", f"leaf {i} is of no kind")
        if run:
            raise Found("leaves", "rows at the end belong to no transaction")
        ours = [x for x in ended if x in log.written]
        if ours != sorted(ours):
            raise Found("order", f"transactions are sealed in this order: {ours}")
        for xid, some in log.written.items():
            if xid not in rows:
                if not self.under_way and not self.waits(log, xid):
                    raise Found("sealed", f"transaction {xid} is not in the tree")
                continue
            if len(rows[xid]) != len(some):
                raise Found(
                    "sealed",
                    f"transaction {xid} has {len(rows[xid])} rows in the tree, not {len(some)}",
                )
        for one in self.under_way:
            if one.xid in rows or any(x > one.xid for x in ours):
                raise Found("order", f"{one.xid} is open, and it or what is younger is sealed")
        self.grows(log, hashes)
        self.histories(log)

    def histories(self, log: Log) -> None:
        """What is found of a row by its key is what was written of it."""
        some = sorted({(r.table, r.key) for rows in log.written.values() for r in rows})
        if log.changed:
            return
        for t, key in self.rng.sample(some, min(3, len(some))):
            want = [
                (r.op, r.note)
                for xid, rows in sorted(log.written.items())
                for r in rows
                if (r.table, r.key) == (t, key) and (xid, t, key) not in log.gone
            ]
            sql = f"SELECT op, after ->> 'note' FROM paysafe.history('{t}', '{key}') ORDER BY xid, seq"
            got = self.ask(sql, f"super{log.at}")
            if got != want:
                raise Found("history", f"of {t} {key} is {got}, it should be {want}")

    def waits(self, log: Log, xid: int) -> bool:
        """Not sealed when it was looked at: does it come?"""
        limit = time.time() + LATEST
        while time.time() < limit:
            sql = f"SELECT count(*) FROM paysafe.seal_transaction WHERE xid = '{xid}'"
            if self.ask(sql, f"super{log.at}")[0][0]:
                return True
            time.sleep(0.05)
        return False

    def row_leaf(self, log: Log, i: int, leaf: bytes, payload: bytes | None, number: int) -> None:
        xid, seq = int.from_bytes(leaf[1:9], "big"), int.from_bytes(leaf[13:17], "big")
        if len(leaf) != 90 or seq != number:
            raise Found("leaves", f"leaf {i} is row {seq} of {xid}, it should be row {number}")
        if payload is None:
            if (xid, seq) not in log.erased:
                raise Found("payload", f"row {seq} of {xid} has none, and nobody has erased it")
        elif hashlib.sha256(payload).digest() != leaf[-32:]:
            raise Found("payload", f"row {seq} of {xid}: it is not what the leaf hashes")
        elif (xid, seq) in log.erased:
            raise Found("erased", f"row {seq} of {xid} still has its payload")

    def grows(self, log: Log, hashes: list[bytes]) -> None:
        """It goes on from what was seen, and proofs say so."""
        who = f"super{log.at}"
        if hashes[: len(log.leaves)] != log.leaves:
            raise Found("grows", "what was sealed is another leaf now, or gone")
        size, root = len(hashes), tree(hashes)
        log.leaves, log.roots[size] = hashes, root
        if log.changed or not size:
            return
        for old, was in log.roots.items():
            if not old or self.chance(0.5):
                continue
            sql = f"SELECT old_root, path, new_root FROM paysafe.consistency_proof({old}, {size})"
            a, path, b = self.ask(sql, who)[0]
            if (a, b) != (was, root) or between(old, size, True, was, list(path)) != (was, root):
                raise Found(
                    "consistency", f"{sql} does not lead from the root of {old} to that of {size}"
                )
        for _ in range(3):
            i = self.rng.randrange(size)
            at = self.rng.choice([s for s in log.roots if s > i])
            sql = f"SELECT leaf_hash, path, root FROM paysafe.inclusion_proof({i}::bigint, NULL, {at})"
            h, path, r = self.ask(sql, who)[0]
            if h != hashes[i] or r != log.roots[at] or from_path(i, at, h, list(path)) != r:
                raise Found("inclusion", f"{sql} does not lead to the root")

    # ------------------------------------------------------------ retention

    def is_held(self, log: Log, t: str, key: str) -> bool:
        """Is there a hold on something that would leave?"""
        for table, one, business, now in log.holds.values():
            if table not in (None, t) or one not in (None, key) or not now:
                continue
            if business is None or any(
                r.business == business and (xid, t, key) not in log.gone
                for xid, rows in log.written.items()
                for r in rows
                if (r.table, r.key) == (t, key)
            ):
                return True
        return False

    def of_business(self, log: Log) -> set[tuple[tuple[str, str], str]]:
        return {
            ((r.table, r.key), r.business)
            for rows in log.written.values()
            for r in rows
            if r.business is not None
        }

    def hold(self) -> None:
        """A legal hold: of a table, a key, an order, a time; released by two, not by one."""
        log = self.log()
        who = f"owner{log.at}"
        if log.holds and self.chance(0.5):
            i = self.rng.choice(list(log.holds))
            what = f"paysafe.release_hold({i}, 'over')"
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {what};\nCOMMIT",
                False,
                "42501",
                who,
            )
            self.by_two_of(log, what)
            if not self.by_clerk(who, what):
                raise Found("hold", f"{what} says that it is not released")
            del log.holds[i]
            return
        t = self.rng.choice([None, *self.tables])
        key = self.rng.choice([None, *log.keys[t]]) if t else None
        business = self.rng.choice([None, None, "order-1"])
        some = sorted(self.of_business(log))
        if some and self.chance(0.4):
            t, key, business = None, None, self.rng.choice(some)[1]
        args, now = "", True
        args += f", '{t}'" if t else ", NULL"
        args += f", key => '{key}'" if key else ""
        args += f", business_id => '{business}'" if business else ""
        if not t and not business or self.chance(0.3):
            now = self.chance(0.6)
            args += ", since => now() - interval '2 days'"
            args += ", until => now() " + ("+ interval '2 days'" if now else "- interval '1 day'")
        self.script.append(f"{who}: SELECT paysafe.hold('case'{args});")
        # whoever places it in one transaction with his name leaves rows of his own
        log.holds[self.ask(f"SELECT paysafe.hold('case'{args})", who)[0][0]] = (
            t,
            key,
            business,
            now,
        )

    def by_two_of(self, log: Log, what: str) -> None:
        who = f"owner{log.at}"
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('clerk'), paysafe.propose('as agreed');\nSELECT {what};\nCOMMIT",
            True,
            "",
            who,
        )
        approve = "SELECT paysafe.approve(approved_as, key, 'agreed') FROM paysafe.pending_change"
        if self.chance(0.2):
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('clerk');\n{approve};\nCOMMIT", False, "42501", who
            )
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('controller');\n{approve};\nCOMMIT", True, "", who
        )

    def by_clerk(self, who: str, what: str) -> Any:
        """What was agreed on; its answer, or an error."""
        self.script += [f"{who}: BEGIN;", f"{who}: SELECT paysafe.act_as('clerk');"]
        self.script += [f"{who}: SELECT {what};", f"{who}: COMMIT;"]
        c = self.conns[who]
        try:
            c.execute("BEGIN")
            c.execute("SELECT paysafe.act_as('clerk')")
            got = c.execute(f"SELECT {what}").fetchall()[0][0]
            c.execute("COMMIT")
            return got
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
            raise

    def erase(self) -> None:
        """What the log says of one row leaves by two people; not what is held, or not sealed."""
        log = self.log()
        some = sorted({(r.table, r.key) for rows in log.written.values() for r in rows})
        if not some or any(h.who[1:] == log.at for h in self.under_way):
            return
        kept = [
            x
            for x in some
            if any((x, h[2]) in self.of_business(log) for h in log.holds.values() if h[2])
        ]
        t, key = self.rng.choice(kept if kept and self.chance(0.5) else some)
        self.erase_of(log, t, key)

    def erase_of(self, log: Log, t: str, key: str) -> None:
        who = f"owner{log.at}"
        self.next_erase += 1
        what = f"paysafe.erase('{t}', '{key}', 'request {self.next_erase}')"
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {what};\nCOMMIT", False, "42501", who
        )
        mine = {
            (int(x), seq)
            for x, seq in self.ask(
                "SELECT xid, seq FROM paysafe.audit_log WHERE table_name ="
                f" '{t}' AND schema_name = '{self.schema}' AND key = '{key}'",
                f"super{log.at}",
            )
        }
        count = sum(
            1
            for xid, rows in log.written.items()
            for r in rows
            if (r.table, r.key) == (t, key) and (xid, t, key) not in log.gone
        )
        if count != len(mine):
            raise Found(
                "audit", f"{len(mine)} changes of {t} {key} are in the log, it should be {count}"
            )
        left = mine
        self.by_two_of(log, what)
        waits = any(self.held_back(xid) for xid, _ in left)
        if not waits:
            for xid, _ in left:
                if not self.waits(log, xid):
                    raise Found("sealed", f"transaction {xid} is not in the tree")
        codes = set()
        if left and waits:
            codes |= {"55000"}
        if left and self.is_held(log, t, key):
            codes |= {"42501"}
        if left & log.changed:
            codes |= {"XX001"}
        try:
            got = self.by_clerk(who, what)
        except psycopg.Error as e:
            if e.sqlstate not in codes:
                raise Found("erase", f"{what}: {e}, it should be {codes or 'done'}") from e
            return
        if codes and waits and "42501" not in codes and len(codes) == 1:
            return  # sealed meanwhile: what was older has ended
        if codes:
            raise Found(
                "erase", f"{what} removed {got} payloads, it should be refused with {codes}"
            )
        if got != len(left):
            raise Found("erase", f"{what} says {got} changes, there are {len(left)}")
        log.erased |= left
        log.gone |= {(xid, t, key) for xid, _ in left}

    def case(self) -> None:
        """A row is written, held in one way or another, asked to leave; the hold is released, and it leaves."""
        log = self.log()
        if any(h.who[1:] == log.at for h in self.under_way):
            return
        t, note, business = self.rng.choice(self.tables), self.note(), "order-3"
        n = self.next_key
        self.next_key += 1
        who = "a" + log.at
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('anna', business_id => '{business}')", True, "", who
        )
        self.must(f"INSERT INTO {t} (id, note) VALUES ({n}, '{note}')", True, "", who)
        xid = self.xid(who)
        self.must("COMMIT", True, "", who)
        key = self.key_of(t, n)
        log.keys[t][key] = note
        self.committed(log, xid, [Written(t, "INSERT", key, note, business)])
        args, hold = self.rng.choice(
            [
                (f", '{t}'", (t, None, None, True)),
                (f", '{t}', key => '{key}'", (t, key, None, True)),
                (f", business_id => '{business}'", (None, None, business, True)),
                (f", business_id => '{business}'", (None, None, business, True)),
                (", since => now() - interval '1 hour'", (None, None, None, True)),
                (", since => now() + interval '1 hour'", (None, None, None, False)),
                (", until => now() - interval '1 hour'", (None, None, None, False)),
                (f", '{t}', business_id => 'order-4'", (t, None, "order-4", True)),
            ]
        )
        owner = f"owner{log.at}"
        self.script.append(f"{owner}: SELECT paysafe.hold('case'{args});")
        i = self.ask(f"SELECT paysafe.hold('case'{args})", owner)[0][0]
        log.holds[i] = hold
        self.erase_of(log, t, key)
        if self.chance(0.6):
            what = f"paysafe.release_hold({i}, 'over')"
            self.by_two_of(log, what)
            if not self.by_clerk(owner, what):
                raise Found("hold", f"{what} says that it is not released")
            del log.holds[i]
            if (xid, t, key) not in log.gone:
                self.erase_of(log, t, key)

    def nothing_old(self) -> None:
        """No month that has ended is there: a purge removes nothing, and takes two all the same."""
        log = self.log()
        who = f"owner{log.at}"
        what = "paysafe.purge(date_trunc('month', now())::date, 'old')"
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {what};\nCOMMIT",
            False,
            "42501 22023",
            who,
        )

    # ------------------------------------------------------------ the server ends

    def stop(self, surely: bool = False) -> None:
        """The server crashes or is stopped; meanwhile somebody may have its files."""
        if not self.breaks:
            self.kill()
            return
        data = Path(self.ask("SHOW data_directory")[0][0])
        self.checksums = self.ask("SHOW data_checksums")[0][0] == "on"
        way = "fast" if surely else self.rng.choice(["immediate", "fast", "fast"])
        log = self.log()
        if surely:
            self.one_row(log)
        some = self.targets(log) if way == "fast" and (surely or self.chance(0.4)) else []
        for h in list(self.under_way):
            if not h.prepared:
                self.under_way.remove(h)
        self.script.append(f"-- pg_ctl stop -m {way}")
        control(data, "-m", way, "-w", "stop")
        try:
            if some:
                self.turn(log, data, some)
        finally:
            control(data, "-w", "-t", "60", "-l", str(data / "server.log"), "start")
        for c in self.conns.values():
            c.close()
        self.sessions()
        for one in self.logs:
            self.examine(one)
            self.verify(one)

    def one_row(self, log: Log) -> None:
        """A transaction of one short row."""
        t, who, n = self.rng.choice(self.tables), "a" + log.at, self.next_key
        self.next_key += 1
        self.next_note += 1
        note = f"n{self.seed}x{self.next_note}x short"
        self.must("BEGIN", True, "", who)
        self.must(f"INSERT INTO {t} (id, note) VALUES ({n}, '{note}')", True, "", who)
        xid = self.xid(who)
        self.must("COMMIT", True, "", who)
        log.keys[t][self.key_of(t, n)] = note
        self.committed(log, xid, [Written(t, "INSERT", self.key_of(t, n), note)])

    def targets(self, log: Log) -> list[tuple[int, str, str]]:
        """Rows that are sealed and short: transaction, what stands in it, file."""
        some = [
            (xid, rows[0])
            for xid, rows in log.written.items()
            if len(rows) == 1 and not self.held_back(xid) and (xid, 1) not in log.erased
        ]
        out = []
        for xid, row in some:
            if row.op != "INSERT" or not row.note or len(row.note) > 60:
                continue
            if not self.waits(log, xid):
                raise Found("sealed", f"transaction {xid} is not in the tree")
            sql = (
                f"SELECT pg_relation_filepath(tableoid) FROM paysafe.audit_row WHERE xid = '{xid}'"
            )
            out.append((xid, row.note, str(self.ask(sql, f"super{log.at}")[0][0])))
        self.examine(log)
        self.rng.shuffle(out)
        return out

    def turn(self, log: Log, data: Path, some: list[tuple[int, str, str]]) -> None:
        """Another letter in a row's file; of a row that says something once."""
        for xid, note, part in some:
            path = data / part
            text = path.read_bytes()
            if text.count(note.encode()) != 1:
                continue
            self.script.append(f"-- in {part}: {note[:20]} is N{note[1:20]}")
            at = text.find(note.encode())
            begin, page = at, b"N"
            if self.checksums:  # whoever has the files computes them anew
                begin, page = pages.mended(text[:at] + b"N" + text[at + 1 :], at)
            with open(path, "r+b") as f:
                f.seek(begin)
                f.write(page)
            log.changed.add((xid, 1))
            return

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        pass

    def rows_of(self, log: Log) -> None:
        """The log says what was written, but for what was erased."""
        sql = (
            "SELECT xid::text::bigint, seq, table_name, op, key, after ->> 'note', business_id, before IS NOT NULL,"
            f" removed_at IS NOT NULL FROM paysafe.audit_log WHERE schema_name = '{self.schema}' ORDER BY 1, 2"
        )
        got: dict[int, list[Any]] = {}
        for xid, seq, *rest in self.ask(sql, f"super{log.at}"):
            got.setdefault(xid, []).append((seq, *rest))
        for xid, rows in log.written.items():
            mine = got.pop(xid, [])
            want = sorted((r.table, r.op, r.key, r.note or "", r.business or "") for r in rows)
            there = []
            for seq, table, op, key, note, business, before, gone in mine:
                if gone != ((xid, seq) in log.erased):
                    raise Found("erased", f"row {seq} of {xid}: removed is {gone}")
                if gone:
                    if key is not None or note is not None or business is not None or before:
                        raise Found("erased", f"row {seq} of {xid} still says {key} {note}")
                    continue
                if before != (op != "INSERT"):
                    raise Found("audit", f"row {seq} of {xid}: is there an image before? {before}")
                there.append((table, op, key, note or "", business or ""))
            if len(mine) != len(want) or any(x not in want for x in there):
                if not any(x == xid for x, _ in log.changed):
                    raise Found(
                        "audit", f"transaction {xid} has {mine} in the log, it should be {want}"
                    )
        if got:
            raise Found("audit", f"{got} are in the log, and nobody has committed them")

    def end(self, log: Log) -> None:
        who = f"super{log.at}"
        limit = time.time() + LATEST
        while self.ask("SELECT rows_waiting FROM paysafe.seal_status", who)[0][0]:
            if time.time() > limit:
                raise Found("sealed", f"rows wait for {LATEST} s, and nothing is open")
            time.sleep(0.05)
        self.examine(log)
        self.rows_of(log)
        self.verify(log)
        findings = self.ask("SELECT xid, seq, finding FROM paysafe.seal_finding", who)
        if findings and not log.changed:
            raise Found("findings", f"nobody has changed anything: {findings}")
        if not log.changed:
            self.exported(log)
        if not log.changed and log.roots:
            self.outside(log)

    def exported(self, log: Log) -> None:
        """The export has each row once, as leaves and payloads are."""
        lines = self.ask(
            "SELECT l FROM paysafe.export_audit(now() - interval '40 days', now() + interval '1 day') l",
            f"super{log.at}",
        )
        entries = {
            i: (leaf, payload) for i, leaf, payload in self.leaves_of(log) if leaf and leaf[0] == 1
        }
        seen = set()
        for (text,) in lines:
            line = json.loads(text)
            i = line.get("index")
            if i is None or i not in entries:
                continue
            leaf, payload = entries[i]
            mine = base64.b64decode(line["leaf"]), line.get("payload")
            if mine[0] != leaf or (payload is None) != (mine[1] is None) or i in seen:
                raise Found("export", f"leaf {i} is exported as {line}")
            if payload is not None and base64.b64decode(mine[1]) != payload:
                raise Found("export", f"leaf {i} is exported with another payload")
            seen.add(i)
        if len(seen) != len(entries):
            raise Found("export", f"{len(seen)} of {len(entries)} rows are exported")

    def outside(self, log: Log) -> None:
        """paysafe-verify says of the whole that it is what its root says."""
        if not self.chance(0.4):
            return
        size, root = max(log.roots.items())
        origin = self.ask(
            "SELECT origin FROM paysafe.seal_log ORDER BY incarnation DESC LIMIT 1",
            f"super{log.at}",
        )[0][0]
        line = base64.b64encode(b"\0" * 68).decode()
        note = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n\n\u2014 {origin} {line}\n"
        with tempfile.NamedTemporaryFile("w", encoding="utf8") as f:
            f.write(note)
            f.flush()
            done = subprocess.run(
                [
                    f"{BIN}paysafe-verify",
                    "--checkpoint",
                    f.name,
                    "--dbname",
                    f"{self.where_to} dbname={log.name} user={SUPER}",
                ],
                capture_output=True,
                text=True,
            )
        if done.returncode not in (0, 1):
            raise Found("outside", f"paysafe-verify: {done.returncode} {done.stdout} {done.stderr}")


def restarts(seed: int) -> bool:
    """Does this play stop the server that it has?"""
    return random.Random(f"sealed restarts {seed}").random() < 0.35


ACTS: dict[str, float] = {
    "write": 8,
    "latecomer": 8,
    "seal": 2,
    "wait": 3,
    "kill": 1,
    "verify": 1,
    "examine": 3,
    "erase": 4,
    "hold": 2,
    "case": 2,
    "nothing_old": 0.3,
    "stop": 2,
}

SHARE = 0.04  # of the seeds


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of the sealed log?"""
    return random.Random(f"sealed or not {seed}").random() < SHARE
