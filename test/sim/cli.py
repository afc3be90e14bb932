"""The simulator's command line: see doc/simulator.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import random
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import psycopg

import accounts
import banded
import bodies
import commands
import deputies
import firsts
import floods
import flows
import glass
import ledgers
import letters
import named
import observing
import owned
import parts
import passkeys
import past
import purses
import registry
import rejected
import rosters
import running
import sealed
import several
import signs
import sums
import tenancy
import throttled
import watching
import world as worlds
from coverage import CANDIDATES, Coverage
from keep import load, save
from observe import History
from oracle import judge
from oracle.base import Finding
from runner import Server, logins, play
from sessions import Dead, Step
from shrink import shrink
from stories import Tellers

SORTS = (
    "worlds",
    "commands",
    "accounts",
    "ledgers",
    "observed",
    "past",
    "watching",
    "sums",
    "floods",
    "running",
    "parts",
    "purses",
    "several",
    "sealed",
    "named",
    "tenants",
    "people",
    "passkeys",
    "rejected",
    "bands",
    "glass",
    "throttle",
    "owners",
    "deputies",
    "signals",
    "requests",
    "velocity",
    "schedules",
    "payloads",
    "firsts",
)
STOPPED = {"sealed": sealed.restarts, "velocity": flows.restarts, "firsts": firsts.restarts}  # who stops the server
STEPS = (40, 60, 110, 110, 160)


class Played:
    """A world that was played: its steps and what the oracle found."""

    def __init__(
        self, seed: int, world: worlds.World, steps: list[Step], findings: list[Finding]
    ) -> None:
        self.seed, self.world, self.steps, self.findings = seed, world, steps, findings
        self.history: History | None = None


def evidence(seed: int) -> tuple[bool, bool, bool]:
    """Are records of refusals, check() and views looked at when it ends?  All take time."""
    rng = random.Random(f"evidence {seed}")
    return rng.random() < 0.15, rng.random() < 0.1, rng.random() < 0.4


def features_of(history: History) -> set[str]:
    """What was done in a world, beside what it is made of."""
    out = set()
    for r in history.results:
        if r.step.form != "simple":
            out.add(f"form {r.step.form}")
        if r.isolation != "read committed":
            out.add(r.isolation)
        if r.waited:
            out.add("waited")
        if r.step.op == "kill":
            out.add("act kill")
        if r.ok and r.step.op in (
            "savepoint",
            "rollback_to",
            "commit_prepared",
            "merge",
            "approve",
            "request_ahead",
            "declare",
            "withdraw",
            "release",
        ):
            out.add(f"act {r.step.op}")
        for name in ("cursor", "transition", "otherwise", "upsert", "nested"):
            if r.ok and r.step.get(name):
                out.add(f"act {name}")
    return out


def one(
    server: Server,
    seed: int,
    steps: list[Step] | None = None,
    kept: worlds.World | None = None,
    promise: str = "",
) -> Played:
    """Play the world of a seed, or one that was kept, with its own steps or these."""
    world = worlds.make(seed) if kept is None else kept
    refusals, check, views = evidence(seed)
    if promise:  # looked for once more: only what it takes
        refusals = refusals and promise == "refusal on record"
        check = check and promise.startswith("check ")
        views = views and promise in ("reconcile", "pending")
    actors = Tellers(
        world, random.Random(f"steps {seed}").choice(STEPS), random.Random(f"acts {seed}")
    )
    rest = iter(steps or ())
    choose: Any = actors if steps is None else lambda _: next(rest, None)
    place = server.get()
    try:
        history = play(world, place, choose, refusals, check, views)
        findings = judge(history)
    except Dead as e:
        server.drop()
        return Played(
            seed, world, actors.program if steps is None else steps, [Finding("alive", str(e))]
        )
    played = Played(seed, world, actors.program if steps is None else steps, findings)
    played.history = history
    return played


def script(played: Played) -> str:
    """The statements, with the number of the session before each."""
    out = ["-- as the owner of the tables"]
    out += [s + ";" for s in played.world.sql()]
    names = logins(played.world)
    used = sorted({s.session for s in played.steps})
    out += [f"-- session {n} is {names[n]}" for n in used]
    if len(used) == 1:
        out += [s.text() for s in played.steps]
    else:
        out += [f"{s.session}: {s.text()}" for s in played.steps]
    return "\n".join(out)


def keep(played: Played) -> str:
    """Write a finding into a file; its name."""
    folder = Path(os.environ.get("SIM_FOUND", Path(__file__).parent / "out"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{played.findings[0].promise.replace(' ', '_')}.{played.seed}.sim"
    comment = f"-- {played.findings[0]}\n".replace("\n", "\n-- ").removesuffix("-- ")
    path.write_text(save(comment + script(played), played.world, played.steps))
    return str(path)


def replay(server: Server, path: Path) -> Played:
    world, steps = load(path)
    return one(server, world.seed, steps, world)


def trace(played: Played) -> None:
    for r in played.history.results if played.history else []:
        answer = f"{r.sqlstate or r.tag} {r.message[:200]}{' (waited)' if r.waited else ''}"
        print(
            f"{r.number:3} session {r.step.session}, transaction {r.tx}: {r.step.text()}  --"
            f" {answer}"
        )


class Job:
    """One process with one server: plays worlds until it is told to stop."""

    def __init__(self, number: int, dsn: str, args: argparse.Namespace, shared: Any) -> None:
        self.number, self.args = number, args
        self.stop, self.queue, self.counts = shared
        self.dsn = dsn
        self.coverage = Coverage()
        self.books = {
            "accounts": accounts.Server(dsn, f"sim_accounts_{number}"),
            "bands": accounts.Server(dsn, f"sim_bands_{number}", banded.Play, banded.ACTS),
            "glass": accounts.Server(dsn, f"sim_glass_{number}", glass.Play, glass.ACTS),
            "ledgers": accounts.Server(dsn, f"sim_ledgers_{number}", ledgers.Play, ledgers.ACTS),
            "named": accounts.Server(dsn, f"sim_named_{number}", named.Play, named.ACTS),
            "passkeys": accounts.Server(
                dsn, f"sim_passkeys_{number}", passkeys.Play, passkeys.ACTS
            ),
            "past": accounts.Server(dsn, f"sim_past_{number}", past.Play, past.ACTS),
            "parts": accounts.Server(dsn, f"sim_parts_{number}", parts.Play, parts.ACTS),
            "people": accounts.Server(dsn, f"sim_people_{number}", registry.Play, registry.ACTS),
            "purses": accounts.Server(dsn, f"sim_purses_{number}", purses.Play, purses.ACTS),
            "rejected": accounts.Server(
                dsn, f"sim_rejected_{number}", rejected.Play, rejected.ACTS
            ),
            "requests": accounts.Server(
                dsn, f"sim_requests_{number}", letters.Play, letters.ACTS
            ),
            "running": accounts.Server(dsn, f"sim_running_{number}", running.Play, running.ACTS),
            "firsts": accounts.Server(dsn, f"sim_firsts_{number}", firsts.Play, firsts.ACTS),
            "payloads": accounts.Server(dsn, f"sim_payloads_{number}", bodies.Play, bodies.ACTS),
            "schedules": accounts.Server(
                dsn, f"sim_schedules_{number}", rosters.Play, rosters.ACTS
            ),
            "sealed": accounts.Server(dsn, f"sim_sealed_{number}", sealed.Play, sealed.ACTS),
            "several": accounts.Server(dsn, f"sim_several_{number}", several.Play, several.ACTS),
            "signals": accounts.Server(dsn, f"sim_signals_{number}", signs.Play, signs.ACTS),
            "sums": accounts.Server(dsn, f"sim_sums_{number}", sums.Play, sums.ACTS),
            "floods": accounts.Server(dsn, f"sim_floods_{number}", floods.Play, floods.ACTS),
            "tenants": accounts.Server(dsn, f"sim_tenants_{number}", tenancy.Play, tenancy.ACTS),
            "deputies": accounts.Server(
                dsn, f"sim_deputies_{number}", deputies.Play, deputies.ACTS
            ),
            "owners": accounts.Server(dsn, f"sim_owners_{number}", owned.Play, owned.ACTS),
            "throttle": accounts.Server(
                dsn, f"sim_throttle_{number}", throttled.Play, throttled.ACTS
            ),
            "velocity": accounts.Server(dsn, f"sim_velocity_{number}", flows.Play, flows.ACTS),
            "watching": accounts.Server(
                dsn, f"sim_watching_{number}", watching.Play, watching.ACTS
            ),
        }

        if args.acts:
            sort = self.books[args.only]
            sort.acts = {name: sort.acts[name] for name in args.acts.split(",")}

    def run(self) -> None:
        try:
            self.server = Server(self.dsn)
            if self.number == 0 and self.args.worlds != 1 and not self.args.acts:
                for path in sorted((Path(__file__).parent / "found").glob("*.sim")):
                    self.judge(replay(self.server, path), -1)
            self.worlds()
            self.server.close()
            self.queue.put(self.coverage)
        except Exception:
            self.queue.put(
                (self.args.seed, -1, self.elapsed(), "simulator", traceback.format_exc(), "")
            )
            self.stop.set()

    def elapsed(self) -> float:
        return time.time() - float(self.args.started)

    def worlds(self) -> None:
        args, i = self.args, self.number
        while not self.stop.is_set() and (args.worlds is None or i < args.worlds):
            if args.minutes is not None and self.elapsed() > args.minutes * 60:
                return
            seeds = [args.seed + i * CANDIDATES + k for k in range(CANDIDATES)]
            if self.sort_of(seeds[0]) != "worlds":
                try:
                    self.play(seeds[0], i)
                except (AssertionError, LookupError, TypeError, ValueError, psycopg.Error):
                    self.broken(seeds[0], i)
                i += args.jobs
                continue
            # the first world is that of the seed itself: so a finding is played again
            some = [s for s in seeds if self.sort_of(s) == "worlds"]
            seed = seeds[0] if i == 0 else self.coverage.choose(some)
            try:
                played = one(self.server, seed)
            except (AssertionError, LookupError, TypeError, ValueError, psycopg.Error):
                self.broken(seed, i)
                i += args.jobs
                continue
            if played.history:
                self.coverage.add(played.world.features | features_of(played.history))
            self.judge(played, i)
            i += args.jobs

    def broken(self, seed: int, i: int) -> None:
        """The simulator itself is wrong there: that is a finding, and others go on."""
        if not self.args.go_on:
            self.stop.set()
        self.queue.put((seed, i, self.elapsed(), "simulator", traceback.format_exc(), ""))

    def sort_of(self, seed: int) -> str:
        """What a seed stands for."""
        if self.args.only:
            return str(self.args.only)
        if commands.is_play(seed):
            return "commands"
        if observing.is_play(seed):
            return "observed"
        if ledgers.is_play(seed):
            return "ledgers"
        if past.is_play(seed):
            return "past"
        if watching.is_play(seed):
            return "watching"
        if running.is_play(seed):
            return "running"
        if parts.is_play(seed):
            return "parts"
        if purses.is_play(seed):
            return "purses"
        if several.is_play(seed):
            return "several"
        if sealed.is_play(seed):
            return "sealed"
        if named.is_play(seed):
            return "named"
        if tenancy.is_play(seed):
            return "tenants"
        if registry.is_play(seed):
            return "people"
        if passkeys.is_play(seed):
            return "passkeys"
        if rejected.is_play(seed):
            return "rejected"
        if banded.is_play(seed):
            return "bands"
        if glass.is_play(seed):
            return "glass"
        if throttled.is_play(seed):
            return "throttle"
        if owned.is_play(seed):
            return "owners"
        if deputies.is_play(seed):
            return "deputies"
        if signs.is_play(seed):
            return "signals"
        if letters.is_play(seed):
            return "requests"
        if flows.is_play(seed):
            return "velocity"
        if rosters.is_play(seed):
            return "schedules"
        if bodies.is_play(seed):
            return "payloads"
        if firsts.is_play(seed):
            return "firsts"
        if sums.is_play(seed):
            return "sums"
        if floods.is_play(seed):
            return "floods"
        return "accounts" if accounts.is_play(seed) else "worlds"

    def play(self, seed: int, i: int) -> None:
        """A play of commands, in a database of its own, one of those that have a model, or one of twins."""
        if self.sort_of(seed) == "observed":
            said = observing.Twins(self.server).one(seed, not self.args.no_shrink)
        elif self.sort_of(seed) == "commands":
            name = f"sim_commands_{self.number}"
            restarts = commands.restarts(commands.plan(seed)[1])
            if restarts:
                self.server.close()
            said = commands.one(self.dsn, seed, name, not self.args.no_shrink)
            if restarts:
                self.server = Server(self.dsn)
        elif self.sort_of(seed) in STOPPED and STOPPED[self.sort_of(seed)](seed):
            commands.prepare(self.dsn)
            self.server.close()
            said = self.books[self.sort_of(seed)].one(seed, not self.args.no_shrink)
            self.server = Server(self.dsn)
        else:
            commands.prepare(self.dsn)
            said = self.books[self.sort_of(seed)].one(seed, not self.args.no_shrink)
        self.counts[2 * self.number] += 1
        if said is None:
            return
        if not self.args.go_on:
            self.stop.set()
        after = said.at - float(self.args.started)
        self.queue.put((said.seed, i, after, said.promise, said.words, said.script))

    def judge(self, played: Played, i: int) -> None:
        self.counts[2 * self.number] += 1
        self.counts[2 * self.number + 1] += len(played.history.results) if played.history else 0
        if self.args.trace:
            trace(played)
        if not played.findings:
            return
        after = self.elapsed()
        if not self.args.go_on:
            self.stop.set()
        if not self.args.no_shrink:
            played = shrink(self.server, played)
        text = f"{played.findings[0]}; {keep(played)}"
        self.queue.put((played.seed, i, after, played.findings[0].promise, text, script(played)))


def arguments() -> argparse.Namespace:
    servers = os.environ["SIM_SERVERS"].split(",")
    parser = argparse.ArgumentParser(prog="test/sim/run")
    add = parser.add_argument
    add("--seed", type=int, default=None)
    add("--minutes", type=float, default=None)
    add("--jobs", type=int, default=len(servers))
    add("--worlds", type=int, default=None)
    add("--only", choices=SORTS, default="", help="one sort of plays")
    add("--acts", default="", help="of one sort with a model, nothing but these acts: a,b")
    add("--replay", type=Path, default=None, help="play a finding that was kept")
    add("--no-shrink", action="store_true", help="print all steps of a finding")
    add("--go-on", action="store_true", help="do not stop at the first finding")
    add("--trace", action="store_true", help="print all steps and their answers")
    args = parser.parse_args()
    if args.acts and args.only in ("", "worlds", "commands", "observed"):
        parser.error("--acts needs --only, of a sort with a model")
    if args.seed is None:
        args.seed = int.from_bytes(os.urandom(3), "big")
    if args.minutes is None and args.worlds is None:
        args.minutes = 10.0
    args.started = time.time()
    args.jobs = min(args.jobs, len(servers))
    args.servers = [f"host={s} port=5432" for s in servers]
    return args


def again(args: argparse.Namespace) -> int:
    played = replay(Server(args.servers[0]), args.replay)
    trace(played)
    for f in played.findings:
        print(
            f"FINDING seed={played.seed} world=-1 promise={f.promise.replace(' ', '_')} after=0"
            f" s\n-- {f}"
        )
    return 1 if played.findings else 0


def main() -> int:
    args = arguments()
    if args.replay is not None:
        return again(args)
    print(f"seed {args.seed}", flush=True)
    ctx = multiprocessing.get_context("fork")
    results = ctx.Queue()
    counts = ctx.Array("q", 2 * args.jobs)
    stop = ctx.Event()
    jobs = [Job(n, args.servers[n], args, (stop, results, counts)) for n in range(args.jobs)]
    processes = [ctx.Process(target=j.run) for j in jobs]
    for p in processes:
        p.start()
    status, coverage = 0, Coverage()
    while True:
        alive = any(p.is_alive() for p in processes)
        try:
            got = results.get(timeout=0.5)
        except queue.Empty:
            if not alive:
                break
            continue
        if isinstance(got, Coverage):
            coverage.features.update(got.features)
            coverage.pairs.update(got.pairs)
            continue
        seed, number, after, promise, text, statements = got
        status = 1
        word = promise.replace(" ", "_")
        print(f"FINDING seed={seed} world={number} promise={word} after={after:.1f} s")
        print(f"{statements}\n-- {text}", flush=True)
    if any(p.exitcode for p in processes):
        status = 1
    if args.worlds != 1:
        print(coverage.report())
    n, acts = sum(counts[0::2]), sum(counts[1::2])
    took = time.time() - args.started
    rates = f"{n / took:.1f} worlds/s, {acts / took:.0f} acts/s"
    print(f"{n} worlds, {acts} acts in {took:.0f} s ({rates}), seed {args.seed}")
    return status


if __name__ == "__main__":
    sys.exit(main())
