"""Plays of jobs that users set up, against a model: how often, how many, which.

By doc/reference.md (protect_schedule) alone: intervals and cron expressions, tiers that a column names or one for all, tasks,
tables in one piece, partitions and children; jobs that are added, changed, given to somebody else, deleted and added again, by
upsert, MERGE, cascades, in savepoints that are undone, in prepared transactions, by two sessions at every isolation level;
tiers and tasks that become stricter at once, where the rows allow, and looser by two.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import tabled
from commands import APP, OWNER, Found

OWNERS = {"int": "{}", "text": "'u{}'", "uuid": "'00000000-0000-0000-0000-00000000000{}'"}
TASKS = ("report", "sync", "Sync")
# expressions and the least seconds between two of their times, by crontab(5); None: it cannot be used
CRON: dict[str, int | None] = {
    "* * * * *": 60,
    "*/50 * * * *": 600,
    "5 * * * *": 3600,
    "0,30 * * * *": 1800,
    "50,5 * * * *": 900,
    "0 9,17 * * mon-fri": 8 * 3600,
    "0 0,23 * * *": 3600,
    "59 23 * * *": 86400,
    "0 0 13 * fri": 86400,
    "0 0 * * 0,7": 7 * 86400,
    "0 0 1 * *": 28 * 86400,
    "@hourly": 3600,
    "@daily": 86400,
    "0 0 30 2 *": None,
    "5/10 * * * *": None,
    "0 0 */2 * mon": None,
    "0 0 * * fri-mon": None,
    "0 0 * * * *": None,
    "@reboot": None,
}


@dataclass(frozen=True)
class Job:
    owner: int
    plan: str
    every: int | None  # seconds
    cron: str | None
    task: str
    place: int = 1


@dataclass
class Rule:
    tiers: dict[str, tuple[int, int]]  # least, in seconds; rows
    tasks: tuple[str, ...]

    def looser(self, o: Rule) -> bool:
        """Does it let more pass than that?"""
        return bool(set(self.tasks) - set(o.tasks)) or any(
            t not in o.tiers or least < o.tiers[t][0] or rows > o.tiers[t][1]
            for t, (least, rows) in self.tiers.items()
        )


@dataclass
class Model:
    jobs: dict[int, Job] = field(default_factory=dict)


class Refused(Exception):
    pass


class Play(tabled.Play):
    """Jobs, their owners and tiers."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.tree = rng.choice(["plain", "plain", "list", "child"])
        self.owner_type = rng.choice(list(OWNERS))
        self.seconds = self.chance(0.4)  # the interval is a number
        self.ways = rng.choice(["every", "cron", "both"])
        self.tiered = self.chance(0.7)
        self.tasked = self.chance(0.6)
        self.keyed = (
            self.tiered and self.chance(0.4) and self.tree == "plain"
        )  # the tier follows from a plan
        names = ["free", "pro", "Free"][: rng.choice([2, 3])] if self.tiered else ["default"]
        self.r = Rule(
            {n: (rng.choice([60, 600, 3600]), rng.choice([1, 2, 3, 3])) for n in names},
            TASKS[: rng.choice([1, 2])] if self.tasked else (),
        )
        if self.tiered and self.chance(0.2):
            self.r.tiers[names[-1]] = (60, 0)
        self.m = Model()
        self.next, self.gid, self.refused = 1, 0, 0

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.begin_schema()
        key = "id, place" if self.tree == "list" else "id"
        by = " PARTITION BY LIST (place)" if self.tree == "list" else ""
        collate = ' COLLATE "C"' if self.owner_type == "text" else ""
        owner = f"owner {self.owner_type}{collate} NOT NULL"
        every = "int" if self.seconds else "interval"
        refers = (
            ", FOREIGN KEY (owner, plan) REFERENCES customer ON UPDATE CASCADE ON DELETE CASCADE"
            if self.keyed
            else ""
        )
        made = [
            f'CREATE TABLE customer ({owner}, plan text COLLATE "C" NOT NULL, PRIMARY KEY (owner, plan))',
            f'CREATE TABLE job (id int, {owner}, plan text COLLATE "C" NOT NULL, every {every}, cron text, task text,'
            f" place int NOT NULL DEFAULT 1, PRIMARY KEY ({key}){refers}){by}",
        ]
        if self.tree == "list":
            made += [f"CREATE TABLE job_{i} PARTITION OF job FOR VALUES IN ({i})" for i in (1, 2)]
        if self.keyed:
            plans = ", ".join(f"({self.owned(o)}, '{p}')" for o in (1, 2, 3) for p in self.plans())
            made.append(f"INSERT INTO customer VALUES {plans}")
        made.append("CREATE INDEX ON job (owner, plan)")
        if self.tree == "child":
            made.append("CREATE TABLE job_child (PRIMARY KEY (id)) INHERITS (job)")
            made.append("CREATE INDEX ON job_child (owner, plan)")
        made += [self.declared(self.r), f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}"]
        self.must(";\n".join(made), True, "", "owner")

    def plans(self) -> list[str]:
        return ["free", "pro", "Free", "other"]

    def owned(self, n: int) -> str:
        return OWNERS[self.owner_type].format(n)

    def declared(self, r: Rule) -> str:
        tiers = json.dumps({t: {"least": f"{s} s", "rows": n} for t, (s, n) in r.tiers.items()})
        more = ", tier_column => 'plan'" if self.tiered else ""
        more += ", interval_column => 'every'" if self.ways != "cron" else ""
        more += ", cron_column => 'cron'" if self.ways != "every" else ""
        if self.tasked:
            more += f", task_column => 'task', tasks => '{{{','.join(r.tasks)}}}'"
        return f"SELECT paysafe.protect_schedule('job', 'owner', '{tiers}'{more})"

    # ------------------------------------------------------------ the model

    def tier(self, j: Job) -> str:
        return j.plan if self.tiered else "default"

    def is_allowed(self, j: Job, r: Rule) -> bool:
        """Is it a job that its tier allows?"""
        if self.tier(j) not in r.tiers or self.tasked and j.task not in r.tasks:
            return False
        said = [j.every if self.ways != "cron" else None, j.cron if self.ways != "every" else None]
        if sum(x is not None for x in said) != 1:
            return False
        seconds = j.every if said[0] is not None else CRON[str(j.cron)]
        return seconds is not None and seconds >= r.tiers[self.tier(j)][0]

    def is_judged(self, old: Job | None, new: Job) -> bool:
        """Does a change ask for a judgement of what the job says?"""

        def said(j: Job) -> tuple[Any, ...]:
            return (
                j.owner,
                self.tier(j),
                j.every if self.ways != "cron" else 0,
                j.cron if self.ways != "every" else 0,
                j.task if self.tasked else 0,
            )

        return old is None or said(old) != said(new)

    def many(self, m: Model) -> Counter[tuple[int, str]]:
        return Counter((j.owner, self.tier(j)) for j in m.jobs.values())

    def put(self, m: Model, some: list[tuple[int, Job]]) -> None:
        """One statement; which of several faults it is refused for, nobody says."""
        codes = set()
        for i, new in some:
            old = m.jobs.get(i)
            m.jobs[i] = new
            at = (new.owner, self.tier(new))
            came = old is None or (old.owner, self.tier(old)) != at
            if self.is_judged(old, new) and not self.is_allowed(new, self.r):
                codes.add("23G01")
            if came and at[1] in self.r.tiers and self.many(m)[at] > self.r.tiers[at[1]][1]:
                codes.add("23G02")
        if codes:
            raise Refused(" ".join(sorted(codes)))

    # ------------------------------------------------------------ statements

    def a_job(self, good: float = 0.8) -> Job:
        rng = self.rng
        for _ in range(12):
            every = rng.choice([59, 60, 599, 600, 3600, 86400]) if self.ways != "cron" else None
            cron = rng.choice(list(CRON)) if self.ways != "every" else None
            if self.ways == "both" and self.chance(0.9):
                every, cron = (every, None) if self.chance(0.5) else (None, cron)
            elif self.chance(0.05):
                every = cron = None
            plan = (
                rng.choice(self.plans())
                if self.chance(0.3)
                else rng.choice([*self.r.tiers, "free"])
            )
            plan = "free" if plan == "default" else plan
            task = rng.choice([*TASKS, "exec"]) if self.chance(0.3) else TASKS[0]
            j = Job(
                rng.choice([1, 1, 2, 3]),
                plan,
                every,
                cron,
                task,
                rng.choice([1, 2]) if self.tree == "list" else 1,
            )
            if self.is_allowed(j, self.r) or not self.chance(good):
                return j
        return j

    def row_values(self, i: int, j: Job) -> str:
        every = "NULL"
        if j.every is not None:
            every = str(j.every) if self.seconds else f"'{j.every} s'"
            if not self.seconds and j.every == 86400 and self.chance(0.5):
                every = "'1 day'"
        cron = "NULL" if j.cron is None else f"'{j.cron}'"
        return f"({i}, {self.owned(j.owner)}, '{j.plan}', {every}, {cron}, '{j.task}', {j.place})"

    def set_list(self, j: Job) -> str:
        names = "owner, plan, every, cron, task, place"
        return f"({names}) = ROW({self.row_values(0, j)[4:]}"

    def addition(self, m: Model) -> tuple[str, Callable[[Model], None]]:
        some: list[tuple[int, Job]] = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            some.append((self.next, self.a_job()))
            self.next += 1
        if self.chance(0.5):
            some = [(i, replace(j, owner=some[0][1].owner)) for i, j in some]
        rows = ", ".join(self.row_values(i, j) for i, j in some)
        t = self.rng.choice(["job", "job_child"]) if self.tree == "child" else "job"
        sql = self.rng.choice(
            [
                f"INSERT INTO {t} VALUES {rows}",
                f"INSERT INTO {t} VALUES {rows}",
                f"WITH x AS (INSERT INTO {t} VALUES {rows} RETURNING 1) SELECT count(*) FROM x",
            ]
        )
        if len(some) == 1 and self.chance(0.2):
            sql = f"MERGE INTO {t} USING (SELECT {some[0][0]} AS i) v ON id = i WHEN NOT MATCHED THEN INSERT VALUES {rows}"

        def change(m: Model) -> None:
            self.put(m, some)

        return sql, change

    def update(self, m: Model) -> tuple[str, Callable[[Model], None]] | None:
        if not m.jobs:
            return None
        i = self.rng.choice(list(m.jobs))
        new, other = m.jobs[i], self.a_job()
        for _ in range(self.rng.choice([1, 1, 2])):
            name = self.rng.choice(["owner", "plan", "when", "task", "place"])
            if name == "when":
                new = replace(new, every=other.every, cron=other.cron)
            else:
                new = replace(new, **{name: getattr(other, name)})
        if self.keyed and new.plan not in self.plans():
            return None
        sql = f"UPDATE job SET {self.set_list(new)} WHERE id = {i}"
        if self.chance(0.2):
            sql = f"MERGE INTO job USING (SELECT {i} AS i) v ON id = i WHEN MATCHED THEN UPDATE SET {self.set_list(new)}"
        elif self.tree == "plain" and self.chance(0.3):
            # what is proposed and not added takes no place, but it is a job that its tier allows
            like = m.jobs[i]
            sql = f"INSERT INTO job VALUES {self.row_values(i, like)} ON CONFLICT (id) DO UPDATE SET {self.set_list(new)}"
            if (
                not self.is_allowed(like, self.r)
                or self.many(m)[like.owner, self.tier(like)] >= self.r.tiers[self.tier(like)][1]
            ):
                return None
        return sql, lambda m: self.put(m, [(i, new)])

    def delete(self, m: Model) -> tuple[str, Callable[[Model], None]] | None:
        if not m.jobs:
            return None
        i = self.rng.choice(list(m.jobs))

        def change(m: Model) -> None:
            del m.jobs[i]

        return f"DELETE FROM job WHERE id = {i}", change

    def step(self, m: Model) -> tuple[str, Callable[[Model], None]] | None:
        way = self.rng.choices(["addition", "update", "delete"], [6, 5, 3])[0]
        return getattr(self, way)(m)  # type: ignore[no-any-return]

    # ------------------------------------------------------------ acts

    def write(self) -> None:
        """Some statements; what a savepoint has undone takes no place."""
        m, code, steps = copy.deepcopy(self.m), "", []
        for _ in range(self.rng.choice([1, 1, 2, 4])):
            got = self.step(m)
            if got is None:
                continue
            sql, change = got
            aside = copy.deepcopy(m)
            try:
                change(aside)
            except Refused as r:
                code = str(r)
                steps.append(sql)
                break
            if self.chance(0.25):
                steps += ["SAVEPOINT s", sql, "ROLLBACK TO s"]
                continue
            steps.append(sql)
            m = aside
        if not steps:
            return
        end = "COMMIT" if code or self.chance(0.9) else "ROLLBACK"
        text = ";\n".join([f"BEGIN{self.isolation()}", *steps, end])
        if (
            self.must(text, not code, code, self.rng.choice(["a", "a", "b", "owner", "super"]))
            and end == "COMMIT"
        ):
            self.m = m
        self.refused += bool(code)

    def fill(self) -> None:
        """Of one owner and tier as many as there may be, and one more."""
        like = self.a_job(1)
        if not self.is_allowed(like, self.r):
            return
        for _ in range(4):
            i, self.next = self.next, self.next + 1
            m, code = copy.deepcopy(self.m), ""
            try:
                self.put(m, [(i, like)])
            except Refused as r:
                code = str(r)
            if self.must(f"INSERT INTO job VALUES {self.row_values(i, like)}", not code, code):
                self.m = m
            self.refused += bool(code)

    def cascade(self) -> None:
        """An owner's plan changes: all of his jobs are of another tier."""
        if not self.keyed:
            return
        owner, a = self.rng.choice([1, 2, 3]), self.rng.choice([*self.r.tiers])
        b = self.rng.choice([p for p in self.plans() if p != a])
        m, code = copy.deepcopy(self.m), ""
        some = [i for i, j in m.jobs.items() if (j.owner, j.plan) == (owner, a)]
        there = [i for i, j in m.jobs.items() if (j.owner, j.plan) == (owner, b)]
        for i in there:
            del m.jobs[i]
        try:
            self.put(m, [(i, replace(m.jobs[i], plan=b)) for i in some])
        except Refused as r:
            code = str(r)
        who = self.owned(owner)
        text = (
            f"BEGIN;\nDELETE FROM customer WHERE owner = {who} AND plan = '{b}';\n"
            f"UPDATE customer SET plan = '{b}' WHERE owner = {who} AND plan = '{a}';\n"
            f"INSERT INTO customer VALUES ({who}, '{a}');\nCOMMIT"
        )
        if self.must(text, not code, code):
            self.m = m
        self.refused += bool(code)

    def race(self) -> None:
        """Two take the last place, or one goes and has not gone; whoever waits is judged by what the other one has left."""
        first = self.a_job(1)
        if not self.is_allowed(first, self.r):
            return
        after, i = copy.deepcopy(self.m), self.next
        self.next += 2
        mine = [
            n
            for n, j in self.m.jobs.items()
            if (j.owner, self.tier(j)) == (first.owner, self.tier(first))
        ]
        goes = bool(mine) and self.chance(0.35)
        sql = f"INSERT INTO job VALUES {self.row_values(i, first)}"
        if goes:
            sql = f"DELETE FROM job WHERE id = {mine[0]}"
            del after.jobs[mine[0]]
        else:
            try:
                self.put(after, [(i, first)])
            except Refused:
                return
        way = self.isolation()
        self.must(f"BEGIN{way};\nSELECT count(*) FROM job", True, "")
        self.must(f"BEGIN{self.isolation()};\n{sql}", True, "", "b")
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        if self.chance(0.25):
            self.gid += 1
            end = self.prepared(self.gid, end)
        second = f"INSERT INTO job VALUES {self.row_values(i + 1, first)}"
        waited = False
        if self.chance(0.3):  # it is done before
            self.must(end, True, "", "b")
            code = self.run(second)
        else:
            code, waited = self.behind_b(second, end)
        left = after if end.startswith("COMMIT") else self.m
        trial, want = copy.deepcopy(left), ""
        try:
            self.put(trial, [(i + 1, first)])
        except Refused as r:
            want = str(r)
        wants = {want}
        if goes and not waited:
            # what has been deleted and not committed still counts
            other = copy.deepcopy(self.m)
            try:
                self.put(other, [(i + 1, first)])
            except Refused as r:
                wants.add(str(r))
        if not code:
            code = self.run("COMMIT")
        if code not in wants and not (way and code == "40001"):
            words = f"{code or 'no refusal'}, it is {wants}, after {end}: {second}"
            raise Found("passed" if want else "legitimate", words)
        self.m = left if code else trial
        self.refused += code.startswith("23G")

    # ------------------------------------------------------------ rules

    def other(self) -> Rule:
        """Something of it is otherwise."""
        new, rng = copy.deepcopy(self.r), self.rng
        t = rng.choice(list(new.tiers))
        least, rows = new.tiers[t]
        way = rng.choice(["least", "rows", "tier", "task"])
        if way == "least":
            new.tiers[t] = (rng.choice([60, 600, 3600, 7200]), rows)
        elif way == "rows":
            new.tiers[t] = (least, max(rows + rng.choice([-1, 1]), 0))
        elif way == "tier" and self.tiered:
            if len(new.tiers) > 1 and self.chance(0.5):
                del new.tiers[t]
            else:
                new.tiers["other"] = (600, 2)
        elif self.tasked:
            new.tasks = new.tasks[:-1] if len(new.tasks) > 1 and self.chance(0.5) else TASKS
        return new

    def redeclare(self) -> None:
        """Stricter at once, if the rows that are there allow; looser by two."""
        new = self.other()
        if new.tiers == self.r.tiers and new.tasks == self.r.tasks:
            return
        there = all(self.is_allowed(j, new) for j in self.m.jobs.values()) and all(
            n <= new.tiers[t][1] for (_, t), n in self.many(self.m).items() if t in new.tiers
        )
        looser = new.looser(self.r)
        one = f"BEGIN;\nSELECT paysafe.act_as('carl');\n{self.declared(new)};\nCOMMIT"
        if not looser:
            if self.must(one, there, "23G01 23G02 23514", "owner"):
                self.r = new
            return
        self.refused_alone(self.declared(new))
        if self.chance(0.6) and there:
            self.agreed_by_two(self.declared(new))
            self.r = new

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        every = "every" if self.seconds else "extract(epoch FROM every)::int"
        got = self.ask(
            f"SELECT id, owner::text, plan, {every}, cron, task, place FROM job ORDER BY id"
        )
        want = [
            (i, self.owned(j.owner).strip("'"), j.plan, j.every, j.cron, j.task, j.place)
            for i, j in sorted(self.m.jobs.items())
        ]
        if [tuple(x) for x in got] != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def wrong(self) -> str:
        n = self.recorded("job", "23G")
        return (
            "" if n == self.refused else f"{n} refusals are on record, it should be {self.refused}"
        )


ACTS: dict[str, float] = {
    "write": 9,
    "fill": 4,
    "cascade": 2,
    "race": 5,
    "redeclare": 3,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of jobs?"""
    return random.Random(f"rosters or not {seed}").random() < 0.02
