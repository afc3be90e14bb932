"""Plays of limits of requests, against a model.

By doc/throttle.md alone: policies with limits by user, by address, by both and by none, in memory and in the database,
in one tier or two; requests of several sessions, within transactions and savepoints that are undone, by backends that
are ended; tokens that are given back; limits that become tighter at once and looser by two.  Limits whose tokens come
back within hours are counted exactly; of one that is quick no more passes in any time than it has and comes back.
Whoever fails with keys too often is locked out, whatever he has then; who fails as an approver from an address
(act_from) approves nothing from there, and everything from elsewhere.
"""

from __future__ import annotations

import copy
import json
import random
import time
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

import accounts
from commands import APP, OWNER, Found

PERS: tuple[tuple[str, ...], ...] = ((), ("user",), ("address",), ("user", "address"))
USERS = ("ann", "Ann", "bob", 42)
ADDRESSES = ("192.0.2.7", "192.0.2.8")
FAILURES = 3  # so many keys may be wrong, and so many may approve who may not


@dataclass(frozen=True)
class Limit:
    per: tuple[str, ...]
    burst: int
    hours: int  # until one token comes back
    durable: bool

    def text(self) -> str:
        return f"{{{','.join(self.per)}}}"


@dataclass
class Model:
    tiers: dict[str, dict[tuple[str, ...], Limit]] = field(default_factory=dict)
    used: dict[tuple[tuple[str, ...], tuple[Any, ...]], int] = field(default_factory=dict)

    def all_of(
        self, tier: str, key: dict[str, Any]
    ) -> list[tuple[Limit, tuple[tuple[str, ...], tuple[Any, ...]]]]:
        return [(x, (x.per, tuple(key[p] for p in x.per))) for x in self.tiers[tier].values()]

    def left(self, tier: str, key: dict[str, Any]) -> int:
        return min(max(x.burst - self.used.get(at, 0), 0) for x, at in self.all_of(tier, key))

    def take(self, tier: str, key: dict[str, Any], cost: int) -> bool:
        """Of all of them or of none."""
        some = self.all_of(tier, key)
        if any(x.burst - self.used.get(at, 0) < cost for x, at in some):
            return False
        for _, at in some:
            self.used[at] = self.used.get(at, 0) + cost
        return True

    def give(self, tier: str, key: dict[str, Any], cost: int) -> None:
        for _, at in self.all_of(tier, key):
            self.used[at] = max(self.used.get(at, 0) - cost, 0)


class Play(accounts.Play):
    """Who may come in how often."""

    def features(self) -> None:
        super().features()
        self.m = Model({"default": {}})
        self.policy = f"{self.schema}:login"
        self.quick: list[tuple[float, float, int]] = (
            []
        )  # when it was asked and answered, and how much passed
        durable = {per: self.chance(0.25) for per in PERS}
        for per in self.rng.sample(PERS, self.rng.choice([1, 2, 3])):
            self.m.tiers["default"][per] = self.limit(per, durable[per])
        self.failed: dict[str, int] = {}  # by address
        self.denied: dict[str, int] = {}  # as approvers
        self.six = self.chance(0.4)  # of addresses of IPv6, the network counts
        self.keys: dict[str, str] = {}
        self.reason = 0  # no two proposals are the same
        self.gold = self.chance(0.4)
        self.golden = {
            per: self.limit(per, durable[per])
            for per in self.rng.sample(PERS, self.rng.choice([1, 2]))
        }

    def limit(self, per: tuple[str, ...], durable: bool) -> Limit:
        return Limit(per, self.rng.choice([2, 3, 5, 8]), self.rng.choice([1, 2]), durable)

    # ------------------------------------------------------------ declaring

    def setup(self) -> None:
        self.run(
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.propose, paysafe.throttle,"
            f" paysafe.throttle_return, paysafe.set_throttle, paysafe.remove_throttle, paysafe.api_key_verify, paysafe.act_from TO {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for x in self.m.tiers["default"].values():
            self.must(f"SELECT {self.declared(x)}", True, "", "owner")
        if self.gold:  # a tier more lets more through
            for x in self.golden.values():
                if "gold" not in self.m.tiers:
                    self.agreed_by_two(self.declared(x, "gold"))
                else:
                    self.must(f"SELECT {self.declared(x, 'gold')}", True, "", "owner")
                self.m.tiers.setdefault("gold", {})[x.per] = x
        self.must(
            f"SELECT paysafe.set_throttle('{self.policy}:quick', 10, '1 second', 'so fast', burst => 4)",
            True,
            "",
            "owner",
        )

        # one policy of each for all plays of a database
        for what in ("api_key", "approval"):
            self.must(
                f"SELECT paysafe.set_throttle('failed/{what}', 1, '24 hours', 'guessed', per => '{{address}}', burst => {FAILURES})",
                True,
                "",
                "super",
            )
        for name in ("good", "revoked"):
            self.keys[name] = self.ask(f"SELECT paysafe.api_key_issue('{self.schema} {name}', '{{a:b}}')")[0][0]
        self.must(f"SELECT paysafe.api_key_revoke_all('{self.schema} revoked', 'stolen')", True, "", "super")
        self.keys |= {"malformed": "psk_live_x", "unknown": self.keys["good"][:-1] + "!"}

    def declared(self, x: Limit, tier: str = "default") -> str:
        more = ", durable => true" if x.durable else ""
        return (
            f"paysafe.set_throttle('{self.policy}', 1, '{x.hours} hours', 'guessed', per => '{x.text()}', burst =>"
            f" {x.burst}, tier => '{tier}'{more})"
        )

    def agreed_by_two(self, call: str) -> None:
        def by(who: str, sql: str, codes: str = "") -> None:
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('{who}');\n{sql};\nCOMMIT",
                not codes,
                codes,
                "owner",
            )

        by("anna", f"SELECT {call}", "42501")
        by("anna", f"SELECT paysafe.propose('more');\nSELECT {call}")
        by(
            "bert",
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$",
        )
        by("anna", f"SELECT {call}")

    # ------------------------------------------------------------ asking

    def a_key(self) -> dict[str, Any]:
        return {"user": self.rng.choice(USERS), "address": self.rng.choice(ADDRESSES)}

    def said(self, key: dict[str, Any]) -> str:
        """42 and 42.0 are "42"."""
        out = dict(key)
        if out["user"] == 42:
            out["user"] = self.rng.choice([42, "42"])
        if self.chance(0.2):
            out["path"] = "/login"
        text = json.dumps(out)
        return text.replace("42,", "42.0,") if self.chance(0.3) else text

    def tier(self) -> str:
        return self.rng.choice(list(self.m.tiers))

    def asking(self, key: dict[str, Any], cost: int, tier: str) -> str:
        more = f", {cost}" if cost != 1 or tier != "default" or self.chance(0.3) else ""
        more += f", '{tier}'" if tier != "default" or more and self.chance(0.3) else ""
        return (
            "SELECT allowed, remaining, retry_after IS NULL FROM"
            f" paysafe.throttle('{self.policy}', '{self.said(key)}'{more})"
        )

    def one(self, m: Model, key: dict[str, Any], cost: int, tier: str, who: str = "a") -> None:
        """The answer is the model's."""
        sql = self.asking(key, cost, tier)
        self.script.append(f"{who}: {sql};")
        allowed, remaining, never = self.ask(sql, who)[0]
        burst = min(x.burst for x in m.tiers[tier].values())
        good = m.take(tier, key, cost)
        if allowed != good or never != (cost > burst):
            raise Found("answer", f"{allowed}, {never}; it should be {good}: {sql}; {m.used}")
        if good and remaining != m.left(tier, key):
            raise Found(
                "remaining", f"{remaining} are left, it should be {m.left(tier, key)}: {sql}"
            )

    def come(self) -> None:
        for _ in range(self.rng.choice([1, 2, 4])):
            cost = self.rng.choice([1, 1, 1, 2, 3, 0, 9])
            self.one(self.m, self.a_key(), cost, self.tier(), self.rng.choice(["a", "b"]))

    def insist(self) -> None:
        """One who tries as often as he can, and a bit more."""
        key = self.a_key()
        for _ in range(self.rng.choice([4, 9])):
            self.one(self.m, key, 1, self.tier())

    def returned(self) -> None:
        key, cost, tier = self.a_key(), self.rng.choice([1, 2, 9]), self.tier()
        self.must(
            f"SELECT paysafe.throttle_return('{self.policy}', '{self.said(key)}', {cost}, '{tier}')",
            True,
            "",
        )
        self.m.give(tier, key, cost)
        self.one(self.m, key, self.rng.choice([0, 1]), tier)

    def undone(self) -> None:
        """What is taken stays taken, but of durable limits."""
        who = self.rng.choice(["a", "b"])
        after = copy.deepcopy(self.m)
        point = self.chance(0.5)
        self.must("BEGIN" + (";\nSAVEPOINT s" if point else ""), True, "", who)
        for _ in range(self.rng.choice([1, 2])):
            self.one(after, self.a_key(), self.rng.choice([1, 2]), self.tier(), who)
        self.must("ROLLBACK TO s;\nCOMMIT" if point else "ROLLBACK", True, "", who)
        self.forget(after)

    def forget(self, after: Model) -> None:
        """Durable ones have taken nothing."""
        durable = {x.per for t in after.tiers.values() for x in t.values() if x.durable}
        before = self.m.used
        self.m.used = {
            at: before.get(at, 0) if at[0] in durable else n for at, n in after.used.items()
        }

    def ended(self) -> None:
        """A backend that has asked is ended before its transaction is."""
        after = copy.deepcopy(self.m)
        self.must("BEGIN", True, "", "b")
        self.one(after, self.a_key(), 1, self.tier(), "b")
        pid = self.conns["b"].info.backend_pid
        self.script.append("super: the backend of b is ended;")
        self.ask(f"SELECT pg_terminate_backend({pid}, 5000)")
        info = self.conns["b"].info
        where = f"host={info.host} port={info.port} dbname={info.dbname} user={info.user}"
        self.conns["b"].close()
        c = psycopg.connect(where, autocommit=True)
        c.prepare_threshold = None
        c.execute("SET client_min_messages = error; SET lock_timeout = '5s'")
        self.conns["b"] = c
        self.forget(after)

    def beside(self) -> None:
        """Of a durable limit, who asks for the same key waits; of others nobody does."""
        key, tier = self.a_key(), self.tier()
        durable = {x.durable for x in self.m.tiers[tier].values()}
        if len(durable) > 1:
            return  # what somebody has taken in memory before he waits in vain, nobody says
        after = copy.deepcopy(self.m)
        self.must("BEGIN", True, "", "b")
        waits = durable == {True} and copy.deepcopy(after).take(tier, key, 1)
        self.one(after, key, 1, tier, "b")
        if waits:
            ask = f"BEGIN;\nSET LOCAL lock_timeout = '60ms';\n{self.asking(key, 1, tier)};\nCOMMIT"
            self.must(ask, False, "55P03")
        elif durable == {False}:
            self.one(after, key, 1, tier)
        end = self.rng.choice(["COMMIT", "ROLLBACK"])
        self.must(end, True, "", "b")
        if end == "COMMIT":
            self.m = after
        else:
            self.forget(after)

    # ------------------------------------------------------------ keys that are guessed

    def an_address(self) -> str:
        """One that no other play has."""
        n = zlib.crc32(f"{self.conns['a'].info.dbname} {self.schema}".encode())
        one = self.rng.choice([1, 1, 2])
        if self.six:
            return f"2001:db8:{n % 65536:x}:{one}::"
        return f"10.{n % 256}.{n // 256 % 256}.{one}"

    def formed(self, at: str) -> str:
        """In one of its forms."""
        if not self.six:
            return self.rng.choice([at, at, f"{at}:80"])
        host = self.rng.choice([f"{at}1", f"{at}1", f"{at.upper()}A:2"])
        return self.rng.choice([host, host, f"[{host}]:80"])

    def guess(self) -> None:
        """Whoever fails too often fails, also with what is right; who gives no address is nobody."""
        at, who = self.an_address(), self.rng.choice(["a", "b"])
        end = self.rng.choice(["", "COMMIT", "ROLLBACK"])
        if end:
            self.must("BEGIN", True, "", who)
        for _ in range(self.rng.choice([1, 2, 5])):
            name = self.rng.choice([*self.keys, "good"])
            address = "" if self.chance(0.2) else self.formed(at)
            scope = self.rng.choice(["a:b", "a:b", "c"])
            origin = f"'{address}'" if address else "NULL"
            sql = f"SELECT verdict FROM paysafe.api_key_verify('{self.keys[name]}', '{scope}', {origin})"
            self.script.append(f"{who}: {sql};")
            verdict = self.ask(sql, who)[0][0]
            want = {"good": "valid" if scope == "a:b" else "forbidden", "revoked": "revoked"}.get(name, "unknown")
            if address and self.failed.get(at, 0) >= FAILURES:
                want = "unknown"
            elif address and want not in ("valid", "forbidden"):
                self.failed[at] = self.failed.get(at, 0) + 1
            if verdict != want:
                raise Found("locked", f"{verdict}, it should be {want} after {self.failed}: {sql}")
        if end:
            self.must(end, True, "", who)

    def let_in(self) -> None:
        """It is ended by who may say so."""
        at = self.an_address()
        n = self.rng.choice([1, FAILURES])
        sql = f"SELECT paysafe.throttle_return('failed/api_key', '{{\"address\": \"{self.formed(at)}\"}}', {n})"
        self.must(sql, True, "")
        self.failed[at] = max(self.failed.get(at, 0) - n, 0)
        self.guess()

    def try_names(self) -> None:
        """Who may not approve is counted by the address that is told last, whatever is rolled back; from there nobody
        approves then, and nothing is left of it."""
        tier, old = self.some_limit()
        new = replace(old, burst=old.burst + 1)
        self.reason += 1
        call = self.declared(new, tier).replace("'guessed'", f"'more {self.reason}'")
        owner = "BEGIN;\nSELECT paysafe.act_as('anna');\n"
        self.must(f"{owner}SELECT paysafe.propose('more');\nSELECT {call};\nCOMMIT", True, "", "owner")
        at, done = self.an_address(), False
        for _ in range(self.rng.choice([1, 3, 5])):
            done = self.tries(at)
            if done:
                break
        if not done and self.chance(0.5):
            elsewhere = self.rng.choice(["", "", "unknown"])
            done = self.tries(elsewhere, "bert")
        if self.must(f"{owner}SELECT {call};\nCOMMIT", done, "42501", "owner"):
            self.m.tiers[tier][new.per] = new
        self.one(self.m, self.a_key(), 1, tier)

    def tries(self, at: str, name: str = "") -> bool:
        """Somebody approves what was proposed last, from there: has it passed?"""
        who = self.rng.choice(["a", "b", "owner"])
        name = name or self.rng.choice(["anna", "anna", "bert"])
        steps = ["BEGIN"]
        if self.chance(0.3):  # the last one counts
            steps.append(f"SELECT paysafe.act_from('{self.formed(self.an_address())}')")
        tell = f"SELECT paysafe.act_from('{self.formed(at) if at and at != 'unknown' else at}')"
        if not at:
            tell = "SELECT paysafe.act_from(NULL)"
        # also what is rolled back has been told
        steps += ["SAVEPOINT s", tell, "ROLLBACK TO s"] if self.chance(0.3) else [tell]
        steps.append(f"SELECT paysafe.act_as('{name}')")
        steps.append(
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        within = self.chance(0.2)  # a refusal is caught, and counts
        if within:
            steps[-1] = (
                "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM (SELECT * FROM paysafe.pending_change"
                " ORDER BY id DESC LIMIT 1) x; EXCEPTION WHEN insufficient_privilege THEN RAISE division_by_zero; END$$"
            )
        known = at not in ("", "unknown")
        good = name == "bert" and not (known and self.denied.get(at, 0) >= FAILURES)
        if name != "bert" and known:
            self.denied[at] = min(self.denied.get(at, 0) + 1, FAILURES)
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        refused = "22012" if within else "42501"
        return self.must(";\n".join([*steps, end]), good, refused, who) and end == "COMMIT"

    def let_approve(self) -> None:
        """Whoever may give tokens back lets them approve again."""
        at, n = self.an_address(), self.rng.choice([1, FAILURES])
        key = json.dumps({"address": self.formed(at)})
        self.must(f"SELECT paysafe.throttle_return('failed/approval', '{key}', {n})", True, "")
        self.denied[at] = max(self.denied.get(at, 0) - n, 0)
        self.try_names()

    # ------------------------------------------------------------ changes

    def some_limit(self) -> tuple[str, Limit]:
        tier = self.tier()
        return tier, self.rng.choice(list(self.m.tiers[tier].values()))

    def tighten(self) -> None:
        """At once; what is used stays used."""
        tier, old = self.some_limit()
        new = replace(
            old,
            burst=max(old.burst - self.rng.choice([0, 1, 2]), 1),
            hours=old.hours + self.rng.choice([0, 1]),
        )
        self.must(f"SELECT {self.declared(new, tier)}", True, "", "owner")
        self.m.tiers[tier][new.per] = new
        key = self.a_key()
        self.one(self.m, key, 1, tier)

    def one_more(self) -> None:
        """A limit more: nothing of it is used."""
        free = [p for p in PERS if all(p not in t for t in self.m.tiers.values())]
        if free:
            new = self.limit(self.rng.choice(free), self.chance(0.25))
            self.m.used = {at: n for at, n in self.m.used.items() if at[0] != new.per}
            self.must(f"SELECT {self.declared(new)}", True, "", "owner")
            self.m.tiers["default"][new.per] = new

    def loosen(self) -> None:
        """By two; by one it is refused, and nothing changes."""
        tier, old = self.some_limit()
        new = replace(old, burst=old.burst + self.rng.choice([1, 3]))
        call = self.declared(new, tier)
        if self.chance(0.3) and old.hours > 1:
            call = self.declared(replace(old, hours=old.hours - 1), tier)
            new = replace(old, hours=old.hours - 1)
        if self.chance(0.4):
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('carl');\nSELECT {call};\nCOMMIT",
                False,
                "42501",
                "owner",
            )
        else:
            self.agreed_by_two(call)
            self.m.tiers[tier][new.per] = new
        self.one(self.m, self.a_key(), 1, tier)

    def hurry(self) -> None:
        """A quick one: who waits as long as is said is let in."""
        for _ in range(self.rng.choice([6, 12])):
            before = time.monotonic()
            sql = f"SELECT allowed, extract(epoch FROM retry_after) FROM paysafe.throttle('{self.policy}:quick', '{{}}')"
            allowed, wait = self.ask(sql, self.rng.choice(["a", "b"]))[0]
            if allowed:
                self.quick.append((before, time.monotonic(), 1))
            elif self.chance(0.4):
                time.sleep(float(wait))
                before = time.monotonic()
                if not self.ask(sql)[0][0]:
                    raise Found("retry", f"{wait} s have passed")
                self.quick.append((before, time.monotonic(), 1))

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        """In no time does more pass than is there and comes back."""
        for i, (begin, _, _) in enumerate(self.quick):
            n = 0
            for _, end, cost in self.quick[i:]:
                n += cost
                if n > 4 + (end - begin) * 10:
                    raise Found("quick", f"{n} in {end - begin:.3f} s")

    def evidence(self) -> None:
        """What is left of every key."""
        for tier in self.m.tiers:
            for user in USERS:
                for address in ADDRESSES:
                    self.one(self.m, {"user": user, "address": address}, 0, tier)
        got = self.ask(
            f"SELECT tier, per, burst FROM paysafe.throttle_limit WHERE policy = '{self.policy}'"
        )
        got = sorted((t, sorted(per), burst) for t, per, burst in got)
        want = sorted(
            (t, sorted(x.per), x.burst) for t, v in self.m.tiers.items() for x in v.values()
        )
        if got != want:
            raise Found("limits", f"{got} are in force, it should be {want}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "come": 6,
    "insist": 4,
    "returned": 3,
    "undone": 4,
    "ended": 1,
    "beside": 3,
    "tighten": 2,
    "one_more": 1,
    "loosen": 1.5,
    "hurry": 1.5,
    "guess": 3,
    "let_in": 1,
    "try_names": 3,
    "let_approve": 1,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of limits?"""
    return random.Random(f"throttled or not {seed}").random() < 0.015
