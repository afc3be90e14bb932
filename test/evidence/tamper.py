"""Logs that were changed in every way: paysafe-verify must see each, and say where.

    tamper.py PAYSAFE_VERIFY TOOL FOLDER

The tree is built here once more, by RFC 6962's own words, so that the one who changes
a log can do so as well as anybody: with tiles, roots of transactions and all.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

VERIFY, TOOL, TOP = sys.argv[1:4]
ORIGIN = "pay.example/log/1"

checks = 0
failed = []


def sha(data):
    return hashlib.sha256(data).digest()


def leaf_hash(leaf):
    return sha(b"\0" + leaf)


def mth(hashes):
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return sha(b"\1" + mth(hashes[:k]) + mth(hashes[k:]))


def path(m, hashes):
    if len(hashes) == 1:
        return []
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if m < k:
        return path(m, hashes[:k]) + [mth(hashes[k:])]
    return path(m - k, hashes[k:]) + [mth(hashes[:k])]


def b64(data):
    return base64.b64encode(data).decode()


def newkey(name, kind):
    out = subprocess.run([TOOL, "newkey", name, str(kind)], capture_output=True, check=True)
    return out.stdout.decode().split()


def sign(skey, body, when=1700000000):
    args = [TOOL, "sign", skey, str(when)]
    return subprocess.run(args, input=body, capture_output=True, check=True).stdout


SKEY, VKEY = newkey(ORIGIN, 1)
OTHER_SKEY, OTHER_VKEY = newkey(ORIGIN, 1)
WITNESS = [newkey(f"w{i}.example", 4) for i in range(3)]


def opening(origin=ORIGIN):
    fields = [origin, "7300000000000000001", "shop", "2026-11-30T00:00:00.000000Z", "ops", "first", ""]
    return b"\3" + b"".join(len(f).to_bytes(4, "big") + f.encode() for f in fields)


def row(xid, seq, payload):
    return (b"\1" + xid.to_bytes(8, "big") + seq.to_bytes(4, "big") * 2 + (8 * 10**14 + xid).to_bytes(8, "big")
            + b"I" + sha(b"shape") + sha(payload))


def end(xid, rows):
    return b"\2" + xid.to_bytes(8, "big") + len(rows).to_bytes(4, "big") + mth([leaf_hash(r) for r in rows])


def tile_name(level, index, width):
    number = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
    return f"tile/{level}/{number}" + (f".p/{width}" if width < 256 else "")


class Log:
    """Leaves, and the folder that they become."""

    def __init__(self, transactions=120):
        self.leaves = [opening()]
        self.payloads = {}
        self.size_after = {}
        for n in range(1, transactions + 1):
            rows = []
            for seq in range(1, 2 + n * 7 % 9):
                payload = f"row {seq} of transaction {700 + n}".encode()
                self.payloads[len(self.leaves) + len(rows)] = payload
                rows.append(row(700 + n, seq, payload))
            self.leaves += rows + [end(700 + n, rows)]
            self.size_after[n] = len(self.leaves)

    def hashes(self):
        return [leaf_hash(leaf) for leaf in self.leaves]

    def body(self, size=None, origin=ORIGIN):
        size = len(self.leaves) if size is None else size
        return f"{origin}\n{size}\n{b64(mth(self.hashes()[:size]))}\n".encode()

    def note(self, size=None, skey=SKEY, origin=ORIGIN, cosigners=()):
        body = self.body(size, origin)
        return body + b"\n" + b"".join(sign(key, body) for key in (skey, *cosigners))

    def files(self):
        """What a publisher writes, but for the checkpoint."""
        files = {}
        level, hashes = 0, self.hashes()
        for first in range(0, len(self.leaves), 256):
            part = self.leaves[first:first + 256]
            files[tile_name("entries", first // 256, len(part))] = b"".join(
                len(leaf).to_bytes(2, "big") + leaf for leaf in part)
        while hashes:
            above = []
            for first in range(0, len(hashes), 256):
                part = hashes[first:first + 256]
                files[tile_name(level, first // 256, len(part))] = b"".join(part)
                if len(part) == 256:
                    above.append(mth(part))
            level, hashes = level + 1, above
        return files

    def entry_file(self, index):
        first = index // 256 * 256
        return tile_name("entries", index // 256, min(256, len(self.leaves) - first))


def write(name, data):
    os.makedirs(os.path.dirname(f"{TOP}/{name}"), exist_ok=True)
    with open(f"{TOP}/{name}", "wb") as file:
        file.write(data)
    return f"{TOP}/{name}"


def folder(files, checkpoint):
    shutil.rmtree(f"{TOP}/log", ignore_errors=True)
    for name, data in files.items():
        write(f"log/{name}", data)
    if checkpoint is not None:
        write("log/checkpoint", checkpoint)
    return f"{TOP}/log"


def verify(what, status, expected, *args, first=True):
    """expected: an expression that the first finding, or any of the lines, must match"""
    global checks
    checks += 1
    out = subprocess.run([VERIFY, *args], capture_output=True, text=True, check=False)
    lines = out.stdout.splitlines() or [""]
    at = 1 if first and status == 2 else 0
    judged = lines[at:at + 1] if first else lines
    if out.returncode != status or not any(re.search(expected, line) for line in judged):
        failed.append(f"{what}: status {out.returncode}, not {status}, or no \"{expected}\" in\n"
                      + out.stdout + out.stderr)


good = Log()
OLD = good.size_after[40]
HELD = write("held", good.note())
HELD_OLD = write("held_old", good.note(OLD))
ALL = ("--key", VKEY, "--checkpoint", HELD, "--checkpoint", HELD_OLD)
files = good.files()
note = good.note()
size = len(good.leaves)


def changed_leaves(leaves):
    """The same tiles over other leaves"""
    log = Log(0)
    log.leaves = leaves
    other = dict(files)
    for name in list(other):
        if name.startswith("tile/entries/"):
            del other[name]
    other.update({n: d for n, d in log.files().items() if n.startswith("tile/entries/")})
    return other


def fields():
    """Every field of a row, of a transaction's end, of the opening"""
    index = next(i for i, leaf in enumerate(good.leaves) if i > 300 and leaf[0] == 1)
    places = {"kind": 0, "xid": 8, "command": 12, "number": 16, "time": 24, "operation": 25, "shape": 40, "payload": 70}
    close = next(i for i in range(index, size) if good.leaves[i][0] == 2)
    ends = {"kind": 0, "xid": 8, "rows": 12, "root": 20}
    for what, at, place in ([(f"row's {k}", index, v) for k, v in places.items()]
                            + [(f"transaction's {k}", close, v) for k, v in ends.items()]
                            + [("origin", 0, 6), ("reason", 0, len(good.leaves[0]) - 6)]):
        leaves = list(good.leaves)
        leaf = bytearray(leaves[at])
        leaf[place] ^= 1
        leaves[at] = bytes(leaf)
        yield what, at, leaves


def test_leaves():
    verify("untouched", 0, f"PAYSAFE OK: {size} leaves", *ALL, folder(files, note))
    for what, at, leaves in fields():
        folder(changed_leaves(leaves), note)
        verify(f"{what} changed", 2, f"^leaf {at}: ", *ALL, f"{TOP}/log", first=False)
        verify(f"{what} changed", 2, "the leaves were changed", *ALL, f"{TOP}/log", first=False)
    for at in (1, 255, 256, 300, size - 2):
        leaves = good.leaves[:at] + good.leaves[at + 1:]
        folder(changed_leaves(leaves + [b"x"] * (size - len(leaves))), note)
        verify(f"leaf {at} taken out", 2, f"^leaf {at}: .*(taken out|bundle|no leaf|not what)", *ALL, f"{TOP}/log",
               first=False)
    folder(changed_leaves(good.leaves[:-1]), note)
    verify("the last leaf taken out", 2, f"entries/.*missing|leaf {size - 1}", *ALL, f"{TOP}/log")
    leaves = good.leaves[:300] + [good.leaves[280]] + good.leaves[300:]
    folder(changed_leaves(leaves), note)
    verify("a leaf put in", 2, "^leaf 300: .* was put in", *ALL, f"{TOP}/log", first=False)
    for a, b in ((300, 301), (300, 400), (10, 500)):
        leaves = list(good.leaves)
        leaves[a], leaves[b] = leaves[b], leaves[a]
        folder(changed_leaves(leaves), note)
        verify(f"leaves {a} and {b} swapped", 2, f"^leaf {a}: .*" + ("swapped" if a // 256 == b // 256 else ""), *ALL,
               f"{TOP}/log", first=False)


def rebuilt(leaves, name=None, skey=SKEY, sign_again=False):
    """All of it made anew over other leaves, signed as before or again"""
    log = Log(0)
    log.leaves = leaves
    log.payloads = good.payloads
    folder(log.files(), log.note(skey=skey) if sign_again else note)
    return log


def test_rebuilt():
    """Tiles and all are made anew: the transaction tells, and after that the checkpoint."""
    index = next(i for i, leaf in enumerate(good.leaves) if i > 300 and leaf[0] == 1)
    leaves = list(good.leaves)
    leaves[index] = leaves[index][:25] + b"D" + leaves[index][26:]
    rebuilt(leaves)
    verify("row and tiles changed", 2, r"transaction \d+ \(leaves from \d+ on\): one of its rows", *ALL, f"{TOP}/log")
    begin = index
    while good.leaves[begin - 1][0] == 1:
        begin -= 1
    close = next(i for i in range(index, size) if good.leaves[i][0] == 2)
    xid = int.from_bytes(good.leaves[close][1:9], "big")
    leaves[close] = end(xid, leaves[begin:close])
    rebuilt(leaves)
    verify("row, transaction and tiles changed", 2, f"differs from leaf {OLD} on", *ALL, f"{TOP}/log")
    rebuilt(leaves, skey=OTHER_SKEY, sign_again=True)
    verify("signed again with another key", 2, "^checkpoint: none of the keys", *ALL, f"{TOP}/log")
    rebuilt(leaves, sign_again=True)
    verify("signed again with the log's key", 2, f"held: .* differs from leaf {OLD} on", *ALL, f"{TOP}/log")
    verify("signed again, and nothing held", 0, "OK", "--key", VKEY, f"{TOP}/log")

    rows = [row(9000, 1, b"a"), row(9000, 3, b"c")]
    rebuilt(good.leaves + rows + [end(9000, rows)], sign_again=True)
    verify("a row was gone when it was sealed", 2, "its row 3 stands where row 2 must", "--key", VKEY, f"{TOP}/log")
    rows = [row(9000, 1, b"a"), row(9000, 2, b"b")]
    for what, more, expected in (
            ("no end", rows, "the log ends before it does"),
            ("another follows", rows + [row(9001, 1, b"x")], "another transaction follows"),
            ("another's end", rows + [end(9001, rows)], "another transaction's end"),
            ("an end that counts wrong", rows + [end(9000, rows[:1])], "another number of rows"),
            ("an end of others", rows + [end(9000, rows[::-1])], "not the one that was sealed"),
            ("an end without rows", [end(9000, rows)], "ends without a row"),
            ("a second opening", [opening()], "in the middle"),
            ("an opening within", rows + [opening()], "follows before its own end"),
            ("an unknown kind", [b"\7abc"], "no leaf of paysafe's"),
            ("an empty leaf", [b""], "no leaf of paysafe's"),
            ("a short row", [rows[0][:-1]], "no leaf of paysafe's")):
        rebuilt(good.leaves + more, sign_again=True)
        verify(what, 2, expected, "--key", VKEY, f"{TOP}/log")
    rebuilt(good.leaves[1:], sign_again=True)
    verify("no opening", 2, "^leaf 0: the log does not begin", "--key", VKEY, f"{TOP}/log")
    rebuilt([opening("other.example")] + good.leaves[1:], sign_again=True)
    verify("another log's opening", 2, "a checkpoint of \"pay.example", "--key", VKEY, f"{TOP}/log")


def test_end():
    """The tail cut off, an old folder played back"""
    log = Log(0)
    log.leaves = good.leaves[:OLD]
    folder(log.files(), log.note())
    verify("an old log", 2, "held: .*its end is missing", *ALL, f"{TOP}/log")
    verify("an old log, and nothing held", 0, "OK", "--key", VKEY, f"{TOP}/log")
    folder(changed_leaves(good.leaves[:-20]), good.note(size - 20))
    verify("the end cut off, checkpoint and all", 2, "missing", *ALL, f"{TOP}/log", first=False)
    folder(files, None)
    verify("no checkpoint", 3, "no checkpoint", "--key", VKEY, f"{TOP}/log")
    verify("no checkpoint but one held", 0, "OK", *ALL, f"{TOP}/log")
    verify("no folder", 3, "no checkpoint", "--key", VKEY, f"{TOP}/nothing")


def test_files():
    """Tiles and bundles, byte by byte, missing and torn"""
    for name, data in files.items():
        level = name.split("/")[1]
        other = dict(files)
        del other[name]
        folder(other, note)
        verify(f"{name} missing", 2, f"^{re.escape(name)}: it is missing", *ALL, f"{TOP}/log", first=False)
        for what, torn in (("short", data[:-1]), ("long", data + b"x"), ("empty", b"")):
            folder({**files, name: torn}, note)
            verify(f"{name} {what}", 2, "tile/|leaf ", *ALL, f"{TOP}/log")
        if level == "entries":
            continue
        for at in (0, len(data) // 2, len(data) - 1):
            torn = bytearray(data)
            torn[at] ^= 1
            folder({**files, name: bytes(torn)}, note)
            index = int(name.split("/")[2].split(".")[0]) * 256 + at // 32
            expected = f"^leaf {index}: " if level == "0" else f"^tile/{level}/0: its hash {at // 32} "
            verify(f"{name} changed at {at}", 2, expected, *ALL, f"{TOP}/log")
            if level == "0":
                verify(f"{name} changed at {at}", 2, "the tiles were changed", *ALL, f"{TOP}/log", first=False)


def test_checkpoints():
    text = note.decode()
    folder(files, note)
    for what, other, expected in (
            ("signature", text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:], "is not of this checkpoint|no checkpoint"),
            ("size", text.replace(f"\n{size}\n", f"\n{size - 1}\n"), "is not of this checkpoint"),
            ("origin", text.replace(ORIGIN, "pay.example/log/2"), "none of the keys"),
            ("nothing", "", "no checkpoint"),
            ("form", text.replace(f"\n{size}\n", f"\n0{size}\n"), "no checkpoint")):
        folder(files, other.encode())
        verify(f"checkpoint: {what}", 3 if expected == "no checkpoint" else 2, expected, "--key", VKEY, f"{TOP}/log",
               first=False) if what != "nothing" and what != "form" else verify(
                   f"checkpoint: {what}", 2, "is none", "--key", VKEY, f"{TOP}/log", first=False)
    folder(files, note)
    verify("another's key", 2, "none of the keys", "--key", OTHER_VKEY, f"{TOP}/log")
    verify("no key", 1, "WARNING", f"{TOP}/log")
    verify("a torn key", 3, "no verifier key", "--key", VKEY[:-1], f"{TOP}/log")
    other = write("other", good.note(OLD, origin="pay.example/log/2"))
    verify("another log's checkpoint", 2, "a checkpoint of \"pay.example/log/2\"", "--checkpoint", other, f"{TOP}/log")
    verify("held, without a key", 0, "OK", "--checkpoint", HELD, f"{TOP}/log")
    verify("an old one, without a key", 1, "WARNING", "--checkpoint", HELD_OLD, f"{TOP}/log")
    witnesses = "".join(f"witness w{i} {w[1]}\n" for i, w in enumerate(WITNESS))
    policy = write("policy", f"log {VKEY}\n{witnesses}group g 2 w0 w1 w2\nquorum g\n".encode())
    verify("no witness", 2, "too few witnesses", "--policy", policy, f"{TOP}/log")
    folder(files, good.note(cosigners=[WITNESS[0][0]]))
    verify("one witness", 2, "too few witnesses", "--policy", policy, f"{TOP}/log")
    folder(files, good.note(cosigners=[WITNESS[0][0], WITNESS[2][0]]))
    verify("two witnesses", 0, "OK", "--policy", policy, f"{TOP}/log")
    verify("a torn policy", 3, "line 1", "--policy", write("torn", b"quorum x\n"), f"{TOP}/log")


def test_parts():
    """--since and --sample"""
    since = ("--key", VKEY, "--since", HELD_OLD)
    folder(files, note)
    verify("since", 0, f"OK: {size - OLD // 256 * 256} leaves", *since, f"{TOP}/log")
    verify("since the last", 0, "OK", "--key", VKEY, "--since", HELD, f"{TOP}/log")
    verify("sample", 0, "OK: 30 of", "--key", VKEY, "--sample", "30", f"{TOP}/log")
    leaves = list(good.leaves)
    leaves[OLD + 5] = leaves[OLD + 5][:-1] + b"x"
    folder(changed_leaves(leaves), note)
    verify("changed since", 2, f"^leaf {OLD + 5}:", *since, f"{TOP}/log")
    verify("since another log's", 2, "where the log is|other log", "--key", VKEY, "--checkpoint", write(
        "other", good.note(size, origin="pay.example/log/2")), "--since", HELD_OLD, f"{TOP}/log", first=False)
    torn = dict(files)
    torn["tile/0/000"] = bytes(32) + torn["tile/0/000"][32:]
    folder(torn, note)
    verify("another tree before", 2, ".", *since, f"{TOP}/log")
    folder(changed_leaves([leaf[:-1] + bytes([leaf[-1] ^ 1]) for leaf in good.leaves]), note)
    verify("sample of another log", 2, "is not what the checkpoint has there", "--key", VKEY, "--sample", "3", f"{TOP}/log")
    for index in range(0, size, 97):
        log = Log(0)
        log.leaves = good.leaves[:index + 1]
        folder(log.files(), log.note())
        verify(f"of {index + 1} leaves", 0 if good.leaves[index][0] != 1 else 2,
               "OK" if good.leaves[index][0] != 1 else "ends before", "--key", VKEY, f"{TOP}/log")


def lines(log, proofs=False, drop=()):
    """Payloads as lines of JSON"""
    hashes = log.hashes()
    out = []
    for index, payload in log.payloads.items():
        line = {"index": index, "leaf": b64(log.leaves[index])}
        if index not in drop:
            line["payload"] = b64(payload)
        if proofs:
            line["proof"] = [b64(h) for h in path(index, hashes)]
        out.append(line)
    return out


def json_file(name, rows):
    return write(name, "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows).encode())


def test_payloads():
    folder(files, note)
    rows = lines(good)
    here = ("--key", VKEY, f"{TOP}/log")
    verify("payloads", 0, f"OK: .*, {len(rows)} payloads", "--payloads", json_file("p", rows), *here)
    verify("payloads removed", 0, f"OK: .*, {len(rows) - 2} payloads", "--payloads", json_file("p", lines(good, drop=(2, 5))), *here)
    at = rows[30]["index"]
    for what, change, expected in (
            ("payload", {"payload": b64(b"another")}, f"^leaf {at}: the payload of row"),
            ("empty", {"payload": ""}, f"^leaf {at}: the payload of row"),
            ("leaf", {"leaf": rows[31]["leaf"]}, f"^leaf {at}: it is another one"),
            ("index", {"index": rows[31]["index"]}, "it is another one"),
            ("beyond", {"index": size}, f"^leaf {size}: it is another one"),
            ("form", {"index": "1"}, "^line 31 of the payloads is none"),
            ("more", {"more": 1}, "^line 31 of the payloads is none")):
        verify(f"payloads: {what}", 2, expected, "--payloads",
               json_file("p", rows[:30] + [{**rows[30], **change}] + rows[31:]), *here)
    torn = write("p", b'{"index":1,"leaf":"' + b64(good.leaves[1]).encode() + b'"}')
    verify("payloads: no end", 2, "does not end", "--payloads", torn, *here)
    alone = ("--key", VKEY, "--checkpoint", HELD)
    proven = lines(good, proofs=True)[100:140]
    verify("range", 0, "OK: 40 leaves proven, 40 payloads", "--payloads", json_file("p", proven), *alone)
    verify("range without proofs", 2, "nothing proves it", "--payloads", json_file("p", rows[:3]), *alone)
    verify("range without a checkpoint", 3, "against a checkpoint", "--payloads", json_file("p", proven))
    for what, change in (("proof", {"proof": proven[3]["proof"]}), ("index", {"index": proven[3]["index"]}),
                         ("leaf", {"leaf": proven[3]["leaf"]}), ("short", {"proof": proven[5]["proof"][:-1]})):
        verify(f"range: {what}", 2, "does not lead to the checkpoint", "--payloads",
               json_file("p", proven[:5] + [{**proven[5], **change}] + proven[6:]), *alone)
    verify("range: payload", 2, "is not the one that was sealed", "--payloads",
           json_file("p", [{**proven[5], "payload": b64(b"x")}]), *alone)


def proof_text(index, leaf=None, payload=b"", at=None, hashes=None, checkpoint=None, extra=None):
    leaf = good.leaves[index] if leaf is None else leaf
    if extra is None:
        extra = len(leaf).to_bytes(2, "big") + leaf + payload
    hashes = path(index, good.hashes()) if hashes is None else hashes
    text = "c2sp.org/tlog-proof@v1\n" + (f"extra {b64(extra)}\n" if extra else "")
    text += f"index {index if at is None else at}\n" + "".join(b64(h) + "\n" for h in hashes) + "\n"
    return text.encode() + (note if checkpoint is None else checkpoint)


def test_proofs():
    index = next(i for i, leaf in enumerate(good.leaves) if i > 300 and leaf[0] == 1)
    payload = good.payloads[index]
    one = write("one.tlog-proof", proof_text(index, payload=payload))
    two = write("two.tlog-proof", proof_text(index + 1))
    verify("proof", 0, "OK: 2 proof files", "--key", VKEY, "--proof", one, two, first=False)
    verify("proof, what it shows", 0, rf"row \d+ of transaction \d+ is leaf {index} of {size} .*with its payload", "--key",
           VKEY, "--proof", one)
    verify("proof without a key", 1, "WARNING", "--proof", two, first=False)
    verify("proof by a held checkpoint", 0, "OK", "--checkpoint", HELD, "--proof", two, first=False)
    verify("proof by another checkpoint", 1, "WARNING", "--checkpoint", HELD_OLD, "--proof", two, first=False)
    h = path(index, good.hashes())
    changed = good.leaves[index][:1] + bytes([good.leaves[index][1] ^ 1]) + good.leaves[index][2:]
    for what, text, expected in (
            ("neighbour", proof_text(index, at=index + 1), "is not leaf"),
            ("another leaf", proof_text(index, leaf=good.leaves[index + 1]), "is not leaf"),
            ("changed leaf", proof_text(index, leaf=changed), "is not leaf"),
            ("payload", proof_text(index, payload=b"another"), "payload of row"),
            ("short path", proof_text(index, hashes=h[:-1]), "is not leaf"),
            ("long path", proof_text(index, hashes=h + [h[0]]), "is not leaf"),
            ("turned path", proof_text(index, hashes=h[::-1]), "is not leaf"),
            ("old size", proof_text(index, checkpoint=good.note(OLD)), "is not leaf"),
            ("no leaf in it", proof_text(index, extra=b""), "does not carry"),
            ("no proof", b"hello\n", "no proof file"),
            ("no checkpoint", proof_text(index, checkpoint=b"hello\n"), "ends in no checkpoint"),
            ("unsigned", proof_text(index, checkpoint=good.note(skey=OTHER_SKEY)), "none of the keys")):
        verify(f"proof: {what}", 2, expected, "--key", VKEY, "--proof", write("bad.tlog-proof", text), first=False)


def test_usage():
    for args in ((), ("--nothing",), ("a", "b"), ("--sample", "0", "a"), ("--proof",), ("--dbname", "x", "a"),
                 ("--since", HELD, "--sample", "1", "a"), ("--checkpoint", "nothing", "a")):
        verify(f"usage {args}", 3, "UNKNOWN", *args)
    verify("help", 0, "paysafe-verify:", "--help")


for test in (test_leaves, test_rebuilt, test_end, test_files, test_checkpoints, test_parts, test_payloads, test_proofs,
             test_usage):
    test()
if failed:
    print("\n".join(failed))
    sys.exit(f"{len(failed)} of {checks} not seen as they should be")
print(f"{checks} changed logs")
