"""Plays a world in a database: steps in, history out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg

import observe
from observe import History, snapshot, snapshot_sql
from sessions import Dead, Monitor, Result, Session, Step, settle
from world import LOGINS, OWNER, SHARED, Rule, Table, World, key_text, literal

WORLDS_PER_DATABASE = 12
SUPERUSER = "postgres"


class Server:
    """A private server; worlds are played in its databases."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.admin = Monitor(f"{dsn} dbname=postgres user=postgres")
        self.admin.do("SET statement_timeout = '600s'")
        self.count = 0
        self.place: Place | None = None
        self.prepare()
        # what an earlier run left
        for name, gid in self.admin.all("SELECT database, gid FROM pg_prepared_xacts"):
            m = Monitor(f"{dsn} dbname={name} user=postgres")
            m.do(f"ROLLBACK PREPARED '{gid}'")
            m.close()

    def prepare(self) -> None:
        for role in (SHARED, OWNER, *LOGINS):
            if not self.admin.all("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)):
                self.admin.do(f"CREATE ROLE {role} LOGIN")
        if self.admin.all("SELECT 1 FROM pg_database WHERE datname = 'sim_template'"):
            return
        self.admin.do("CREATE DATABASE sim_template")
        m = Monitor(f"{self.dsn} dbname=sim_template user=postgres")
        m.do("SET client_min_messages = error")
        m.do("CREATE EXTENSION paysafe")
        everybody = f"{SHARED}, {OWNER}, {', '.join(LOGINS)}"
        m.do(f"GRANT EXECUTE ON FUNCTION paysafe.act_as TO {SHARED}, {OWNER}")
        m.do(
            "GRANT EXECUTE ON FUNCTION paysafe.approve, paysafe.approve_refund,"
            " paysafe.request_refund, paysafe.settle_breach, paysafe.withdraw_approval,"
            f" paysafe.propose, paysafe.transition TO {everybody}"
        )
        m.do(
            "GRANT SELECT ON paysafe.pending_approval, paysafe.pending_change, paysafe.approval,"
            f" paysafe.breach TO {everybody}"
        )
        m.do("SELECT paysafe.extend_audit(2)")
        m.close()

    def get(self, fresh: bool = False) -> Place:
        if self.place is not None and (
            fresh or self.place.worlds >= WORLDS_PER_DATABASE or self.place.spoilt
        ):
            self.drop()
        if self.place is None:
            self.count += 1
            self.place = Place(self, f"sim_{self.count}")
        return self.place

    def drop(self) -> None:
        if self.place is not None:
            place, self.place = self.place, None
            place.close()

    def close(self) -> None:
        self.drop()
        self.admin.close()


class Place:
    """A database, a logical slot of it, sessions that stay open from world to world."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        server.admin.do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.admin.do(f"CREATE DATABASE {name} TEMPLATE sim_template STRATEGY file_copy")
        self.dsn = f"{server.dsn} dbname={name}"
        self.monitor = Monitor(f"{self.dsn} user=postgres")
        self.monitor.do(
            "SET lock_timeout = '5s'; SET statement_timeout = '600s'; SET client_min_messages ="
            " error"
        )
        self.monitor.one(
            "SELECT pg_create_logical_replication_slot(%s, 'test_decoding')::text", (name,)
        )
        self.pool: dict[str, list[Session]] = {}
        self.worlds = 0
        self.spoilt = False

    def session(self, number: int, login: str, path: str) -> Session:
        free = self.pool.setdefault(login, [])
        if free:
            s = free.pop()
            s.number = number
            s.begin(path)
            return s
        return Session(number, self.dsn, login, path)

    def give_back(self, s: Session) -> None:
        self.pool[s.login].append(s)

    def close(self) -> None:
        for sessions in self.pool.values():
            for s in sessions:
                s.close()
        try:
            for (gid,) in self.monitor.all(
                "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
            ):
                self.monitor.do(f"ROLLBACK PREPARED '{gid}'")
            self.monitor.one("SELECT pg_drop_replication_slot(%s)::text", (self.name,))
            self.monitor.close()
            self.server.admin.do(f"DROP DATABASE {self.name} WITH (FORCE)")
        except Exception as e:  # the server may be gone: the finding says so
            print(f"while {self.name} was dropped: {e}")


def logins(world: World) -> list[str]:
    """The login of each session of the world; the last two are the owner's and a superuser's."""
    rng = random.Random(f"logins {world.seed}")
    out = [SHARED]
    for _ in range(world.sessions - 1):
        out.append(rng.choice([SHARED, SHARED, SHARED, *LOGINS]))
    return [*out, OWNER, SUPERUSER]


class Play:
    """One world being played."""

    def __init__(self, world: World, place: Place) -> None:
        self.world, self.place = world, place
        place.worlds += 1
        self.schema = f"w{place.worlds}"
        self.monitor = place.monitor
        self.history = History(world)
        self.sessions: list[Session] = []
        self.state: dict[str, list[dict[str, Any]]] = {}
        self.txs = 0
        self.parked: dict[str, int] = {}
        self.number = 0
        self.last_lsn = 0
        self.opened = time.time()
        self.rules: dict[tuple[str, str, str], Rule] = {r.slot: r for r in world.rules}

    def open(self) -> None:
        m = self.monitor
        everybody = f"{SHARED}, {', '.join(LOGINS)}"
        statements = [
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER}",
            f"GRANT USAGE ON SCHEMA {self.schema} TO {everybody}",
            f"SET search_path = {self.schema}",
            f"SET ROLE {OWNER}",
            "BEGIN",
            *self.world.sql(),
            "COMMIT",
            "RESET ROLE",
        ]
        try:
            m.do("; ".join(statements))
        except psycopg.Error as e:
            m.do("ROLLBACK; RESET ROLE")
            raise Dead(f"a world that doc/ allows cannot be made: {e}") from e
        self.snapshot = snapshot_sql(self.world)
        self.sessions = [
            self.place.session(i, login, self.schema) for i, login in enumerate(logins(self.world))
        ]
        for s in self.sessions:
            self.plans(s)
        self.look()

    def plans(self, s: Session) -> None:
        if s.number % 2:
            s.plain("SET plan_cache_mode = force_generic_plan")

    def look(self) -> None:
        text, at = self.monitor.all(f"SELECT ({self.snapshot}), pg_current_wal_insert_lsn()::text")[
            0
        ]
        self.state = snapshot(self.world, text)
        self.last_lsn = observe.lsn(at)
        for s in self.sessions:
            if s.isolation == "read committed":
                s.seen = None

    def view(self, s: Session) -> dict[str, list[dict[str, Any]]]:
        """What the session sees."""
        if not s.in_tx or s.failed or (s.isolation == "read committed" and not s.wrote):
            return self.state
        if s.seen is None:
            try:
                s.seen = snapshot(self.world, str(s.plain(self.snapshot)[0][0]))
            except Dead:
                if s.isolation != "serializable" or not s.has_failed():
                    raise
                s.failed = True  # looking was one thing too many: 40001
                return self.state
        return s.seen

    def can_run(self, number: int) -> bool:
        return self.sessions[number].running is None

    def quiet(self) -> bool:
        """Does nobody hold a lock for longer?"""
        return not self.parked and not any(x.in_tx or x.running for x in self.sessions)

    def step(self, step: Step) -> Result | None:
        """Send a step and wait until all is quiet."""
        s = self.sessions[step.session]
        if step.op in ("ddl", "undo") and not self.quiet():
            return None  # it would only wait, and those behind it
        self.number += 1
        r = Result(step, self.number, login=s.login, failed_before=s.failed)
        r.before = self.view(s) if step.get("table") else self.state
        r.lsn_before = self.last_lsn
        r.began = time.time()
        if not s.in_tx:
            self.txs += 1
            s.tx = self.txs
            s.wrote, s.seen = False, None
            s.isolation = str(step.get("isolation", "read committed"))
        r.tx, r.isolation = s.tx, s.isolation
        if step.op == "kill":
            self.kill(s, r)
        else:
            s.send(r)
            self.settle()
        return r

    def kill(self, s: Session, r: Result) -> None:
        """The backend is ended, and its session begins anew."""
        self.monitor.one("SELECT pg_terminate_backend(%s, 5000)", (s.pid,))
        s.restart()
        self.plans(s)
        r.sqlstate, r.message = "57P01", "ended"
        self.settle()
        self.look()
        r.lsn_after, r.after, r.ended = self.last_lsn, self.state, time.time()
        self.history.results.append(r)

    def settle(self) -> None:
        before, between = self.last_lsn, self.state
        ended = settle(self.sessions, self.monitor)
        for r in ended:
            s = self.sessions[r.step.session]
            s.seen = None
            r.closes = not s.in_tx and r.step.op != "prepare"
            s.wrote = s.wrote or r.step.op not in ("begin", "act_as", "savepoint")
        # what goes on in transactions that stay open nobody else can see
        if not ended or any(not self.sessions[r.step.session].in_tx for r in ended):
            self.look()
        for r in ended:
            r.lsn_before, r.lsn_after = before, self.last_lsn
            r.between, r.after = between, self.state
            r.alone = len(ended) == 1
            if r.step.op == "declare":
                # nobody knows whether it will be committed: it is asked for no more
                self.rules.pop(r.step.get("rule").slot, None)
            if r.ok and r.step.op == "prepare" and r.tag == "PREPARE TRANSACTION":
                self.parked[str(r.step.get("gid"))] = r.tx
            if r.ok and r.step.op == "commit_prepared":
                r.tx = self.parked.pop(str(r.step.get("gid")), r.tx)
            if r.ok and r.step.op == "rollback_prepared":
                self.parked.pop(str(r.step.get("gid")), None)
            self.history.results.append(r)

    def end(self) -> None:
        """Commit what is open, in the order of the sessions, until nobody waits."""
        for _ in range(50):
            waiting = [s for s in self.sessions if s.running is not None]
            open_ = [s for s in self.sessions if s.running is None and s.in_tx]
            if open_:
                self.step(Step(open_[0].number, "COMMIT", op="commit"))
            elif self.parked:
                gid = next(iter(self.parked))
                self.monitor.do(f"ROLLBACK PREPARED '{gid}'")
                del self.parked[gid]
                self.settle()
            elif not waiting:
                break
            else:
                raise Dead(
                    "sessions wait for nobody: "
                    + "; ".join(s.running.step.sql for s in waiting if s.running)
                )
        for s in self.sessions:
            self.place.give_back(s)

    def observe(self, refusals: bool, check: bool, views: bool) -> History:
        h = self.history
        m = self.monitor
        lines = m.all(
            "SELECT lsn::text, xid::text, data FROM pg_logical_slot_get_changes(%s, NULL, NULL)",
            (self.place.name,),
        )
        h.txs = observe.decode(self.world, self.schema, lines)
        h.audit = observe.audit_rows(self.world, m, self.schema)
        h.final = self.state
        for tx in h.txs:
            numbers = [
                r.tx
                for r in h.results
                if r.ok
                and r.closes
                and r.lsn_before < tx.lsn <= r.lsn_after
                and r.tag not in ("ROLLBACK", "BEGIN", "SAVEPOINT")
            ]
            tx.results = [r for r in h.results if r.tx in numbers]
        if refusals:
            h.refusals = self.refusals(sum(1 for r in h.results if is_refusal(r)))
        if check:
            h.check = [
                (a, b, d)
                for a, b, d in m.all(
                    "SELECT subject, check_name, detail FROM paysafe.check(true) WHERE NOT ok"
                )
                if not a.startswith("w") or a.startswith(self.schema + ".")
            ]
        if "shape" in self.world.features:
            h.extra["breaches"] = m.all(
                "SELECT relation::text, key, sqlstate, settled_at IS NOT NULL, actor,"
                " actor_claimed, settled_by FROM paysafe.breach WHERE relation::oid IN (SELECT oid"
                " FROM pg_class WHERE relnamespace = %s::regnamespace)",
                (self.schema,),
            )
        if views and not self.world.meddling:
            self.look_closer()
        return h

    def look_closer(self) -> None:
        """Does pending_approval have what cannot go on, and reconcile nothing to say?"""
        h, m = self.history, self.monitor
        h.extra["reconcile"] = [
            (t.name, key, finding)
            for t in self.world.tables.values()
            if any(r.kind == "audit" and r.table == t.name for r in self.world.rules)
            for key, finding in m.all(f"SELECT key, finding FROM paysafe.reconcile('{t.place}')")
        ]
        if any(r.step.get("expires") for r in h.results):
            return
        listed = m.all("SELECT relation::text, key FROM paysafe.pending_approval")
        h.extra["asked for"] = m.all(
            "SELECT relation::text, payment, amount, currency FROM paysafe.pending_approval WHERE key IS"
            " NULL"
        )
        pending = []
        for t in self.world.table("refund"):
            names = [key_text(t, row) for row in self.state[t.name]]
            for row, name in zip(self.state[t.name], names):
                if names.count(name) > 1:
                    continue
                code = self.would_pass(t, row)
                if code in ("", "42501"):
                    pending.append((t.name, name, (t.place, name) in listed, code))
        h.extra["pending"] = pending

    def would_pass(self, t: Table, row: dict[str, Any]) -> str:
        """What the next step into the gate says to whoever makes it; it is not made."""
        gate = self.rules.get(("refund", t.name, ""))
        status = self.rules.get(("status", t.name, ""))
        if gate is None or row["status"] in gate.get("gated") | gate.get("void"):
            return "none"
        machine = self.world.ways.get(t.name) if status is None else status.get("machine")
        ways = [b for a, b in machine.edges if a == row["status"]] if machine else []
        ways = sorted(set(ways) & gate.get("gated") - set(gate.opt("recorded") or ()))
        if not ways:
            return "none"
        where = " AND ".join(f"{k} = {literal(row[k])}" for k in t.key)
        try:
            self.monitor.do("BEGIN")
            self.monitor.do("SELECT paysafe.act_as('somebody else', 'because', 'T-1')")
            to = t.literal("status", ways[0])
            self.monitor.do(f"UPDATE {t.place} SET status = {to} WHERE {where}")
            return ""
        except psycopg.Error as e:
            return e.sqlstate or "08006"
        finally:
            self.monitor.do("ROLLBACK")

    def refusals(self, expected: int) -> list[Any]:
        limit = time.time() + 120
        while True:
            rows = self.monitor.all(
                "SELECT sqlstate, table_name, count FROM paysafe.refusal_log WHERE at >="
                " to_timestamp(%s)",
                (self.opened,),
            )
            if sum(int(r[2]) for r in rows) >= expected or time.time() > limit:
                return rows
            time.sleep(0.05)


def is_refusal(r: Result) -> bool:
    """Was this refused by paysafe, and not by a constraint of a table?"""
    return r.constraint.startswith("paysafe_")


Chooser = Callable[[Play], Step | None]


def play(
    world: World,
    place: Place,
    choose: Chooser,
    refusals: bool = False,
    check: bool = False,
    views: bool = False,
) -> History:
    p = Play(world, place)
    try:
        p.open()
        while (step := choose(p)) is not None:
            if p.can_run(step.session):
                p.step(step)
        p.end()
        return p.observe(refusals, check, views)
    except BaseException:
        place.spoilt = True
        for s in p.sessions:
            s.close()
        place.pool = {}
        raise
