"""paysafe-ship before a witness that is not ours (torchwood's litewitness), and before
servers that answer anything.

    ship.py PAYSAFE_SHIP PAYSAFE_VERIFY TOOL MAKE_LOG FOLDER [LITEWITNESS]
"""

import base64
import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time

SHIP, VERIFY, TOOL, MAKE_LOG, TOP = sys.argv[1:6]
LITEWITNESS = sys.argv[6] if len(sys.argv) > 6 else None
ORIGIN = "pay.example/log/ship"

checks = 0
failed = []


def run(*args, **more):
    return subprocess.run(args, capture_output=True, text=True, check=False, timeout=180, **more)


def newkey(name, kind):
    return run(TOOL, "newkey", name, str(kind)).stdout.split()


SKEY, VKEY = newkey(ORIGIN, 1)


def make_log(name, transactions, rows=5):
    folder = f"{TOP}/{name}"
    run(MAKE_LOG, folder, str(transactions), str(rows), SKEY, ORIGIN)
    return folder


def policy(name, vkey, url):
    path = f"{TOP}/{name}.policy"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"log {VKEY}\nwitness w {vkey} {url}\nquorum w\n")
    return path


def ship(what, status, expected, rules, folder, *args):
    global checks
    checks += 1
    out = run(SHIP, "--policy", rules, "--folder", folder, *args)
    if out.returncode != status or not re.search(expected, out.stdout):
        failed.append(f"{what}: status {out.returncode}, not {status}, or no \"{expected}\" in\n{out.stdout}{out.stderr}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


small = make_log("small", 100)
large = make_log("large", 900)
# the same size as the large one has, with other rows before
forked = make_log("forked", 900, 4)


class Witness:
    """torchwood's, with its key in an agent of its own"""

    def __init__(self):
        key, self.sock = f"{TOP}/key", f"{TOP}/s"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        self.port = free_port()
        # pylint: disable=consider-using-with
        self.agent = subprocess.Popen(["ssh-agent", "-D", "-a", self.sock], stdout=subprocess.DEVNULL)
        self.wait(lambda: os.path.exists(self.sock))
        run("ssh-add", key, env={**os.environ, "SSH_AUTH_SOCK": self.sock})
        fingerprint = run("ssh-keygen", "-l", "-f", key).stdout.split()[1]
        with open(key + ".pub", encoding="utf-8") as file:
            public = base64.b64decode(file.read().split()[1])[-32:]
        name = "litewitness.example/w"
        key_id = hashlib.sha256(name.encode() + b"\n\4" + public).digest()[:4].hex()
        self.vkey = f"{name}+{key_id}+{base64.b64encode(bytes([4]) + public).decode()}"
        db = sqlite3.connect(f"{TOP}/witness.db")
        db.executescript("""
            CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
            CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));""")
        empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
        db.execute("INSERT INTO log VALUES (?, 0, ?)", (ORIGIN, empty))
        db.execute("INSERT INTO key VALUES (?, ?)", (ORIGIN, VKEY))
        db.commit()
        db.close()
        with open(f"{TOP}/witness.log", "w", encoding="utf-8") as log:
            self.server = subprocess.Popen(
                [LITEWITNESS, "-db", f"{TOP}/witness.db", "-name", name, "-key", fingerprint, "-ssh-agent", self.sock,
                 "-listen", f"127.0.0.1:{self.port}"], stdout=log, stderr=log)
        self.wait(self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    @staticmethod
    def wait(condition):
        for _ in range(1200):
            if condition():
                return
            time.sleep(0.05)
        raise RuntimeError("it does not start")

    def end(self):
        for process in (self.server, self.agent):
            process.kill()
            process.wait()


def test_witness():
    witness = Witness()
    try:
        url = f"http://127.0.0.1:{witness.port}"
        rules = policy("witness", witness.vkey, url)
        cosigned = f"{TOP}/cosigned"
        ship("first", 0, "w: cosigned", rules, small, "--out", cosigned)
        out = run(VERIFY, "--policy", rules, "--checkpoint", cosigned, small)
        # the folder's own checkpoint is without: what was written is with it
        if out.returncode != 2 or "checkpoint: too few witnesses" not in out.stdout or "cosigned:" in out.stdout:
            failed.append(f"cosigned: {out.stdout}")
        os.replace(cosigned, f"{small}/checkpoint")
        out = run(VERIFY, "--policy", rules, small)
        if out.returncode != 0:
            failed.append(f"cosigned and in its place: {out.stdout}")
        ship("again, with nothing to do", 0, "as many have cosigned", rules, small)
        ship("grown", 0, "w: cosigned", rules, large, "--out", cosigned)
        ship("once more", 0, "w: cosigned", rules, large)
        other = policy("small", newkey("x.example", 4)[1], url)
        ship("rolled back", 2, "its end is lost", other, small)
        forked_rules = policy("forked", witness.vkey, url)
        ship("forked", 2, "its end is lost|another log under this name", forked_rules, forked)
        longer = make_log("longer", 1500, 4)
        ship("forked and longer", 2, "another log under this name", forked_rules, longer)
        ship("not its key", 3, "not its cosignature", other, large)
        program = f"{TOP}/program"
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"""#!/usr/bin/env python3
import socket, sys
body = sys.stdin.buffer.read()
s = socket.create_connection(("127.0.0.1", {witness.port}))
s.sendall(b"POST /add-checkpoint HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
assert sys.argv[1] == "https://w.example/add-checkpoint"
while data := s.recv(4096):
    sys.stdout.buffer.write(data)
""")
        os.chmod(program, 0o755)
        ship("by a program", 0, "w: cosigned", policy("tls", witness.vkey, "https://w.example/"), large, "--command", program)
    finally:
        witness.end()
    ship("nobody there", 3, "w: .*refused", rules, large)


def serve(answers):
    """A server that gives these answers, one after another, and the port that it has"""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop():
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                length = int(re.search(rb"Content-Length: (\d+)", data).group(1))
                while len(data.split(b"\r\n\r\n", 1)[1]) < length:
                    data += connection.recv(65536)
                try:
                    connection.sendall(answer(data.split(b"\r\n\r\n", 1)[1]) if callable(answer) else answer)
                except OSError:
                    pass
        listener.close()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def response(body, status="200 OK", head="", length=None):
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{head}\r\n".encode() + body


def test_answers():
    skey, vkey = newkey("w.example", 4)
    stranger = newkey("w.example", 4)[0]

    def line(key, body):
        text = body.split(b"\n\n", 1)[1].split(b"\n\n")[0] + b"\n"
        return subprocess.run([TOOL, "sign", key, "1700000000"], input=text, capture_output=True, check=True).stdout

    def good(body):
        return response(line(skey, body))

    def chunked(body):
        text = line(skey, body)
        parts = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (text[:10], text[10:])) + b"0\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts

    conflict = response(b"5\n", "409 Conflict")
    other = response(b"9999999\n", "409 Conflict")
    for what, answers, status, expected in (
            ("good", [good], 0, "cosigned"),
            ("in chunks", [chunked], 0, "cosigned"),
            ("after a conflict", [conflict, good], 0, "cosigned"),
            ("more lines than its own", [lambda b: response(line(skey, b) + line(stranger, b))], 0, "cosigned"),
            ("another's", [lambda b: response(line(stranger, b))], 3, "not its cosignature"),
            ("bad signature", [lambda b: response(line(skey, b.replace(b"\n\n" + ORIGIN.encode(), b"\n\nother")))], 3, "not its cosignature"),
            ("nothing", [response(b"")], 3, "not its cosignature"),
            ("text", [response(b"welcome\n")], 3, "not its cosignature"),
            ("a text before it", [lambda b: response(b"x\n\n" + line(skey, b))], 3, "not its cosignature"),
            ("torn", [lambda b: response(line(skey, b), length=9999)], 3, "torn"),
            ("torn chunks", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"], 3, "torn"),
            ("too much", [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000000], 3, "no whole answer"),
            ("no HTTP", [b"220 smtp.example\r\n\r\n"], 3, "no answer of HTTP"),
            ("an end", [b""], 3, "no answer of HTTP"),
            ("conflicts for ever", [conflict] * 4, 3, "refuses"),
            ("a conflict of nothing", [response(b"many\n", "409 Conflict")], 3, "refuses: many"),
            ("a larger log", [other], 2, "its end is lost"),
            ("another log", [conflict, response(b"no\n", "422 Unprocessable Entity")], 2, "another log"),
            ("unknown", [response(b"unknown log\nmore\n", "404 Not Found")], 3, "refuses: unknown log$"),
            ("control characters", [response(b"\x1b[2Jx\n", "403 Forbidden")], 3, "refuses: $")):
        port = serve(answers)
        rules = policy("any", vkey, f"http://127.0.0.1:{port}/prefix/")
        ship(what, status, f"(?m){expected}", rules, large, "--seconds", "60")
    moving = make_log("moving", 100)

    def published(_):
        shutil.copy(f"{large}/checkpoint", f"{moving}/checkpoint")
        with open(f"{large}/checkpoint", encoding="utf-8") as file:
            return response(file.read().split("\n")[1].encode() + b"\n", "409 Conflict")

    rules = policy("moving", vkey, f"http://127.0.0.1:{serve([published])}")
    ship("published meanwhile", 3, "a later checkpoint already", rules, moving)
    rules = policy("late", vkey, f"http://127.0.0.1:{free_listener().getsockname()[1]}")
    before = time.time()
    ship("late", 3, "no whole answer in time", rules, large, "--seconds", "1")
    if time.time() - before > 30:
        failed.append("late: it waits longer than it says")
    for url in ("ftp://w.example", "http:///", "http://w.example:x/", "w.example"):
        ship(url, 3, "no URL", policy("url", vkey, url), large)


listeners = []


def free_listener():
    """Somebody who never answers"""
    listeners.append(socket.create_server(("127.0.0.1", 0)))
    return listeners[-1]


test_answers()
if LITEWITNESS:
    test_witness()
if failed:
    print("\n".join(failed))
    sys.exit(f"{len(failed)} of {checks} conversations went wrong")
print(f"{checks} conversations with witnesses" + ("" if LITEWITNESS else ", none with torchwood's"))
