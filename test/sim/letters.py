"""Plays of signed requests, against a model: whose they are, and that each is accepted once.

By doc/signed-requests.md alone: clients and their keys, requests as they should be, once more, by another key of the same
client, changed on the way, too old, under another name; in transactions that are undone, and by two sessions at once;
keys that follow each other and end, clients that are revoked and come back, and that are given less time and more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from dataclasses import dataclass, field, replace

import psycopg

import accounts
from commands import APP, OWNER, Found

WAIT = 120.0  # for the worker


@dataclass
class Key:
    name: str
    client: str
    secret: bytes
    live: bool = True


@dataclass(frozen=True)
class Letter:
    client: str
    key: str
    method: str
    path: str
    query: str
    body: str
    at: int
    nonce: str
    signature: str = ""

    def signed(self, secret: bytes) -> "Letter":
        body = hashlib.sha256(self.body.encode()).hexdigest()
        lines = ["request-hmac-v1", self.method, self.path, self.query, str(self.at), self.nonce]
        text = "\n".join([*lines, self.key, body]).encode()
        return replace(self, signature=hmac.new(secret, text, hashlib.sha256).hexdigest())


@dataclass
class Client:
    name: str
    minutes: int = 5
    revoked: bool = False
    used: set[str] = field(default_factory=set)


class Play(accounts.Play):
    """Who sends what."""

    def features(self) -> None:
        super().features()
        self.clients: dict[str, Client] = {}
        self.of_key: dict[str, Key] = {}
        self.sent: list[Letter] = []
        self.next = 1
        self.refused = 0
        self.origin = f"10.{self.seed // 65536 % 256}.{self.seed // 256 % 256}.{self.seed % 256}"

    # ------------------------------------------------------------ clients and keys

    def setup(self) -> None:
        self.run(
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.request_accept, paysafe.request_verify TO {APP};\n"
            "GRANT EXECUTE ON FUNCTION paysafe.set_request_client, paysafe.revoke_request_client,"
            " paysafe.add_request_key, paysafe.retire_request_key, paysafe.propose, paysafe.approve, paysafe.act_as TO"
            f" {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for i in range(self.rng.choice([1, 2])):
            name = f"{self.schema}-{i}"
            self.must(f"SELECT {self.declared(name, 5)}", True, "", "owner")
            self.clients[name] = Client(name)
            self.new_key(name)

    @staticmethod
    def declared(name: str, minutes: int) -> str:
        return (
            f"paysafe.set_request_client('{name}', 'a till', profile => 'hmac', tolerance => '{minutes} minutes')"
        )

    def new_key(self, client: str) -> None:
        """It takes two, always; those before it go on for a while."""
        i, self.next = self.next, self.next + 1
        name = f"{client}-k{i}"
        secret = hashlib.sha256(f"{self.seed} {name}".encode()).digest()
        c = self.conns["owner"]
        call = f"SELECT paysafe.add_request_key('{client}', '{name}', 'hmac-sha256', %s, 'a key {i}')"
        text = base64.b64encode(secret).decode()
        agree = (
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        try:
            for who, first in (("anna", "SELECT paysafe.propose('new')"), ("bert", ""), ("anna", "")):
                c.execute("BEGIN")
                c.execute(f"SELECT paysafe.act_as('{who}')")
                if first:
                    c.execute(first)
                if who == "bert":
                    c.execute(agree)
                else:
                    self.script.append(f"owner: as {who}: {call}; -- {text}")
                    got = c.execute(call, [text]).fetchall()[0][0]
                c.execute("COMMIT")
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            raise Found("legitimate", f"{e.sqlstate} {e}: {call}") from e
        if got is None:
            raise Found("legitimate", f"{name} is only proposed")
        self.of_key[name] = Key(name, client, secret)

    def live(self, client: str) -> list[Key]:
        return [k for k in self.of_key.values() if k.client == client and k.live]

    # ------------------------------------------------------------ the model

    def letter(self, age: int = 0) -> Letter | None:
        """A new one, as it should be."""
        client = self.rng.choice(list(self.clients))
        keys = self.live(client)
        if not keys:
            return None
        k = self.rng.choice(keys)
        i, self.next = self.next, self.next + 1
        one = Letter(
            client,
            k.name,
            self.rng.choice(["POST", "GET", "PUT"]),
            self.rng.choice(["/pay", "/pay/%7Eann", "/"]),
            self.rng.choice(["", "x=1", "x=1&y=%20"]),
            self.rng.choice(['{"n": 1}', "", "a\nb"]),
            int(time.time()) - age,
            f"n-{self.schema}-{i}",
        )
        return one.signed(k.secret)

    @staticmethod
    def mark(one: Letter) -> str:
        """What its client's requests are known by, whatever key they name."""
        return one.nonce

    def good(self, one: Letter) -> bool:
        """Is it its client's, for now, and new?"""
        k = self.of_key.get(one.key)
        if k is None or not k.live:
            return False
        client = self.clients[k.client]
        late = abs(time.time() - one.at) > client.minutes * 60 - 20
        fits = one.signed(k.secret).signature == one.signature
        return fits and not late and not client.revoked and self.mark(one) not in client.used

    # ------------------------------------------------------------ handing in

    def call(self, one: Letter, client: str = "") -> str:
        headers: dict[str, str] = {}
        for name, value in (
            ("X-Request-Key", one.key),
            ("X-Request-Time", str(one.at)),
            ("X-Request-Nonce", one.nonce),
            ("X-Request-Signature", one.signature),
        ):
            headers[self.rng.choice([name, name.lower(), name.upper()])] = value

        def literal(text: str | None) -> str:
            return str(psycopg.sql.Literal(text).as_string(None))

        if not client:
            client = self.rng.choice([literal(None), literal(one.client)])
        arguments = [
            client,
            literal(one.method),
            literal(one.path),
            literal(one.query or None),
            literal(json.dumps(headers)),
            literal(one.body),
            literal(self.origin),
        ]
        return f"SELECT accepted, reason, client_name, key_id FROM paysafe.request_accept({', '.join(arguments)})"

    def hand_in(self, one: Letter, who: str = "a", rest: str = "", client: str = "") -> bool:
        """It is judged; is it what the model says?"""
        good = self.good(one)
        if client and client != f"'{one.client}'":
            good = False
        sql = self.call(one, client)
        self.script.append(f"{who}: {sql};")
        got = self.ask(sql, who)[0]
        want = (True, None, one.client, one.key) if good else (False, "refused")
        if got[: len(want)] != want:
            raise Found("accepted", f"{got}, it should be {want}: {one}")
        if good and not rest:
            self.clients[one.client].used.add(self.mark(one))
        self.refused += not good
        return good

    # ------------------------------------------------------------ acts

    def send(self) -> None:
        one = self.letter(self.rng.choice([0, 0, 60, -60]))
        if one is not None:
            self.hand_in(one, self.rng.choice(["a", "b"]))
            self.sent.append(one)

    def again(self) -> None:
        """It was there; by another key of the same client, too."""
        if not self.sent:
            self.send()
        if not self.sent:
            return
        one = self.rng.choice(self.sent[-5:])
        others = self.live(one.client)
        if others and self.chance(0.4):
            k = self.rng.choice(others)
            one = replace(one, key=k.name).signed(k.secret)
        self.hand_in(one, self.rng.choice(["a", "b"]))

    def wrong(self) -> None:
        """Something is changed on the way; then comes the right one."""
        one = self.letter()
        if one is None:
            return
        other = self.rng.choice(list(self.of_key.values()))
        bad = self.rng.choice(
            [
                replace(one, method="DELETE"),
                replace(one, path=one.path + "x"),
                replace(one, query=one.query + "&z=1"),
                replace(one, body=one.body + " "),
                replace(one, at=one.at - 1),
                replace(one, nonce=one.nonce + "x"),
                replace(one, signature=one.signature[::-1]),
                replace(one, signature="0" * 64),
                replace(one, key=other.name) if other.name != one.key else replace(one, key="k0"),
                replace(one, signature=f"A{one.signature.upper()[1:]}"),
            ]
        )
        self.hand_in(bad)
        self.hand_in(one)
        self.sent.append(one)

    def too_late(self) -> None:
        """Too old, or of a time to come; as late as may be."""
        one = self.letter()
        if one is None:
            return
        seconds = self.clients[one.client].minutes * 60
        age = self.rng.choice([seconds + 60, -seconds - 60, seconds - 50, -seconds + 50])
        one = replace(one, at=one.at - age).signed(self.of_key[one.key].secret)
        self.hand_in(one)
        self.sent.append(one)

    def other_name(self) -> None:
        """In another client's name."""
        one = self.letter()
        others = [n for n in self.clients if one is not None and n != one.client]
        if one is not None:
            self.hand_in(one, client=f"'{self.rng.choice([*others, 'nobody'])}'")
            self.hand_in(one)
            self.sent.append(one)

    def undone(self) -> None:
        """What is rolled back was not accepted, and may be once more."""
        one = self.letter()
        if one is None:
            return
        who = self.rng.choice(["a", "b"])
        point = self.chance(0.5)
        self.must("BEGIN" + (";\nSAVEPOINT s" if point else ""), True, "", who)
        self.hand_in(one, who, "undone")
        if self.chance(0.4):  # within the transaction it was
            sql = self.call(one)
            if self.good(one) and self.ask(sql, who)[0][0]:
                raise Found("accepted", f"twice in one transaction: {sql}")
            self.refused += self.good(one)
        self.must("ROLLBACK TO s" if point else "ROLLBACK", True, "", who)
        self.hand_in(one, who)
        if point:
            self.must("COMMIT", True, "", who)
        self.sent.append(one)

    def beside(self) -> None:
        """Two sessions have the same one: the second waits for the first."""
        one = self.letter()
        if one is None or not self.good(one):
            return
        self.must("BEGIN", True, "", "b")
        self.hand_in(one, "b", "open")
        begin = "BEGIN;\nSET LOCAL lock_timeout = '100ms'"
        self.must(f"{begin};\n{self.call(one)}", False, "55P03")
        end = self.rng.choice(["COMMIT", "ROLLBACK"])
        self.must(end, True, "", "b")
        if end == "COMMIT":
            self.clients[one.client].used.add(self.mark(one))
        self.hand_in(one)
        self.sent.append(one)

    def rotate(self) -> None:
        client = self.rng.choice(list(self.clients.values()))
        if len(self.live(client.name)) < 4 and not client.revoked:
            self.new_key(client.name)

    def retire(self) -> None:
        """For ever."""
        keys = [k for k in self.of_key.values() if k.live]
        if len(keys) < 2:
            return
        k = self.rng.choice(keys)
        one = self.letter()
        self.must(
            f"SELECT paysafe.retire_request_key('{k.client}', '{k.name}')", True, "", "owner"
        )
        k.live = False
        if one is not None:
            self.hand_in(one)

    def revoke(self) -> None:
        """At once, by one, also where a transaction has begun; back by two."""
        client = self.rng.choice(list(self.clients.values()))
        if client.revoked:
            self.agreed(self.declared(client.name, client.minutes))
            client.revoked = False
            return
        one = self.letter()
        self.must("BEGIN;\nSELECT 1", True, "", "b")
        self.must(
            f"SELECT paysafe.revoke_request_client('{client.name}', 'over')", True, "", "owner"
        )
        client.revoked = True
        if one is not None:
            self.hand_in(one, "b")
        self.must("COMMIT", True, "", "b")

    def agreed(self, call: str) -> None:
        by = "BEGIN;\nSELECT paysafe.act_as("
        self.must(
            f"{by}'anna');\nSELECT paysafe.propose('again');\nSELECT {call};\nCOMMIT",
            True,
            "",
            "owner",
        )
        agree = (
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        self.must(f"{by}'bert');\n{agree};\nCOMMIT", True, "", "owner")
        self.must(f"{by}'anna');\nSELECT {call};\nCOMMIT", True, "", "owner")

    def hurry(self) -> None:
        """Less time at once; more, by two, is for what is signed much later."""
        client = self.rng.choice([c for c in self.clients.values() if not c.revoked] or [None])
        if client is None or client.minutes == 2:
            return
        self.must(f"SELECT {self.declared(client.name, 2)}", True, "", "owner")
        client.minutes = 2
        if self.chance(0.5):
            call = self.declared(client.name, 5)
            by = "BEGIN;\nSELECT paysafe.act_as('anna')"
            self.must(f"{by};\nSELECT {call};\nCOMMIT", False, "42501", "owner")
            self.agreed(call)

    # ------------------------------------------------------------ judging

    def evidence(self) -> None:
        """Whatever was refused is on record, once: of its origin, or of many that are counted together."""
        until = time.monotonic() + WAIT
        ask = (
            f"SELECT coalesce(sum(requests) FILTER (WHERE origin = '{self.origin}'), 0)::int, coalesce(sum(requests)"
            " FILTER (WHERE coalesce(origin, '') NOT LIKE '10.%'), 0)::int FROM paysafe.request_failures('1 day')"
        )
        while sum(got := self.ask(ask)[0]) < self.refused and time.monotonic() < until:
            time.sleep(0.1)
        if got[0] > self.refused or sum(got) < self.refused:
            raise Found("failures", f"{got} are on record, it should be {self.refused}")
        for one in self.sent[-8:]:
            self.hand_in(one)

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan, look=False)
        self.evidence()


ACTS: dict[str, float] = {
    "send": 4,
    "again": 5,
    "wrong": 4,
    "too_late": 2,
    "other_name": 1.5,
    "undone": 4,
    "beside": 3,
    "rotate": 2,
    "retire": 1,
    "revoke": 1,
    "hurry": 1,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of signed requests?"""
    return random.Random(f"letters or not {seed}").random() < 0.012
