"""The simulator's command line: see doc/simulator.md."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import commands
import world as worlds
from acts import Actors
from observe import History
from oracle import judge
from oracle.base import Finding
from runner import Place, Server, play
from sessions import Dead, Step

STEPS = 34


class Played:
    """A world that was played: its steps and what the oracle found."""

    def __init__(self, seed: int, world: worlds.World, steps: list[Step], findings: list[Finding]) -> None:
        self.seed, self.world, self.steps, self.findings = seed, world, steps, findings
        self.history: History | None = None


def evidence(seed: int) -> tuple[bool, bool]:
    """Is it a world at whose end records of refusals, and check(), are looked at?  Both take time."""
    rng = random.Random(f"evidence {seed}")
    return rng.random() < 0.15, rng.random() < 0.1


def one(server: Server, seed: int, steps: list[Step] | None = None) -> Played:
    """Play the world of a seed, with its own steps or these."""
    world = worlds.make(seed)
    refusals, check = evidence(seed)
    actors = Actors(world, STEPS, random.Random(f"acts {seed}"))
    rest = iter(steps or ())
    choose: Any = actors if steps is None else lambda _: next(rest, None)
    place = server.get()
    try:
        history = play(world, place, choose, refusals, check)
        findings = judge(history)
    except Dead as e:
        server.drop()
        return Played(seed, world, actors.program if steps is None else steps, [Finding("alive", str(e))])
    played = Played(seed, world, actors.program if steps is None else steps, findings)
    played.history = history
    return played


def script(played: Played) -> str:
    """The statements, with the number of the session before each."""
    from runner import logins

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


def work(number: int, dsn: str, args: argparse.Namespace, stop: Any, found: Any, counts: Any) -> None:
    start = time.time()
    try:
        server = Server(dsn)
        i = number
        while not stop.is_set() and (args.worlds is None or i < args.worlds):
            if args.minutes is not None and time.time() - start > args.minutes * 60:
                break
            if commands.is_play(args.seed + i):
                said = commands.one(dsn, args.seed + i, f"sim_commands_{number}")
                counts[2 * number] += 1
                i += args.jobs
                if said is None:
                    continue
                found.put((said.seed, said.seed - args.seed, said.at - args.started, said.promise, said.words, said.script))
                if args.go_on:
                    continue
                stop.set()
                break
            played = one(server, args.seed + i)
            counts[2 * number] += 1
            counts[2 * number + 1] += len(played.history.results) if played.history else 0
            if args.trace and played.history:
                for r in played.history.results:
                    print(f"{r.number:3} s{r.step.session} tx{r.tx} {r.step.text()}  -- {r.sqlstate or r.tag} {r.message[:200]}{' waited' if r.waited else ''}")
            if played.findings:
                after = time.time() - args.started
                if not args.no_shrink:
                    from shrink import shrink

                    played = shrink(server, played)
                found.put((args.seed + i, i, after, played.findings[0].promise, str(played.findings[0]), script(played)))
                if not args.go_on:
                    stop.set()
                    break
            i += args.jobs
        server.close()
    except Exception as e:
        import traceback

        traceback.print_exc()
        found.put((args.seed, -1, time.time() - args.started, "simulator", f"the simulator failed: {e}", ""))
        stop.set()


def main() -> int:
    parser = argparse.ArgumentParser(prog="test/sim/run")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--jobs", type=int, default=len(os.environ["SIM_SERVERS"].split(",")))
    parser.add_argument("--worlds", type=int, default=None)
    parser.add_argument("--replay", type=Path, default=None)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--go-on", action="store_true", help="do not stop at the first finding")
    parser.add_argument("--trace", action="store_true", help="print all steps")
    args = parser.parse_args()
    if args.seed is None:
        args.seed = int.from_bytes(os.urandom(4), "big")
    if args.minutes is None and args.worlds is None:
        args.minutes = 10.0
    args.started = time.time()
    print(f"seed {args.seed}", flush=True)
    servers = os.environ["SIM_SERVERS"].split(",")
    args.jobs = min(args.jobs, len(servers))
    ctx = multiprocessing.get_context("fork")
    stop, found, counts = ctx.Event(), ctx.Queue(), ctx.Array("q", 2 * args.jobs)
    jobs = [
        ctx.Process(target=work, args=(n, f"host={servers[n]} port=5432", args, stop, found, counts))
        for n in range(args.jobs)
    ]
    for j in jobs:
        j.start()
    status = 0
    while True:
        alive = any(j.is_alive() for j in jobs)
        try:
            seed, number, after, promise, text, statements = found.get(timeout=0.5)
        except Exception:
            if not alive:
                break
            continue
        status = 1
        word = promise.replace(" ", "_")
        print(f"FINDING seed={seed} world={number} promise={word} after={after:.1f} s")
        print(statements)
        print(f"-- {text}", flush=True)
    for j in jobs:
        j.join()
    n, acts = sum(counts[0::2]), sum(counts[1::2])
    took = time.time() - args.started
    print(f"{n} worlds, {acts} acts in {took:.0f} s ({n / took:.1f} worlds/s, {acts / took:.0f} acts/s), seed {args.seed}")
    return status


if __name__ == "__main__":
    sys.exit(main())
