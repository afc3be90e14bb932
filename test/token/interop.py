"""Tokens made by jwcrypto before paysafe: what is accepted, what only jwcrypto accepts, and
what happens when two sessions present one token.

    interop.py    the server is PGHOST's; the last line says how many checks
"""
import json
import os
import threading
import time

import psycopg
from jwcrypto import jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode

ISSUER = "https://login.example"
checks = 0


def check(condition, what):
    global checks
    checks += 1
    assert condition, what


def connect():
    return psycopg.connect(dbname=os.environ["TOKEN_DATABASE"], autocommit=True)


def by_two(db, call, *arguments):
    """Make a change that takes two persons."""
    with db.transaction():
        db.execute("SELECT paysafe.act_as('ann'), paysafe.propose('because')")
        check(db.execute(f"SELECT {call}", arguments).fetchone()[0] is None, "proposed only")
    with db.transaction():
        db.execute("SELECT paysafe.act_as('bob')")
        db.execute("SELECT paysafe.approve(approved_as, key, 'so be it') FROM paysafe.pending_change")
    with db.transaction():
        db.execute("SELECT paysafe.act_as('ann')")
        return db.execute(f"SELECT {call}", arguments).fetchone()[0]


def claims(**differs):
    now = int(time.time())
    result = {"iss": ISSUER, "aud": "payments", "sub": "anna", "iat": now, "nbf": now, "exp": now + 60,
              "jti": base64url_encode(os.urandom(12))}
    result.update(differs)
    return {name: value for name, value in result.items() if value is not None}


def sign(key, algorithm, kid, payload=None, **header):
    token = jws.JWS(json.dumps(payload or claims()).encode())
    token.allowed_algs = [algorithm]
    token.add_signature(key, algorithm, json.dumps({"alg": algorithm, "kid": kid, **header}))
    return token.serialize(compact=True)


def takes(db, token):
    """The actor, or None; a token that is refused is refused in one way."""
    try:
        with db.transaction():
            return db.execute("SELECT paysafe.act_as_token(%s::text)", (token,)).fetchone()[0]
    except psycopg.errors.InsufficientPrivilege as error:
        check(error.diag.message_primary == "the token is not accepted" and error.diag.message_detail is None,
              str(error))
        check(token[:40] not in str(error) or len(token) < 40, "the token is in the error")
        return None


def other_accepts(key, algorithm, token):
    verified = jws.JWS()
    verified.allowed_algs = [algorithm]
    verified.deserialize(token, key)
    return True


db = connect()
db.execute("CREATE EXTENSION paysafe")
by_two(db, "paysafe.set_token_issuer(%s, '{payments}', 'our login')", ISSUER)

# each algorithm, as JWK and as PEM
keys = {}
for name, algorithm, parameters in (
        ("ed25519", "EdDSA", {"kty": "OKP", "crv": "Ed25519"}), ("ed448", "EdDSA", {"kty": "OKP", "crv": "Ed448"}),
        ("p256", "ES256", {"kty": "EC", "crv": "P-256"}), ("p384", "ES384", {"kty": "EC", "crv": "P-384"}),
        ("p521", "ES512", {"kty": "EC", "crv": "P-521"}), ("rsa", "RS256", {"kty": "RSA", "size": 2048}),
        ("pss", "PS256", {"kty": "RSA", "size": 3072})):
    key = jwk.JWK.generate(**parameters)
    keys[name] = key, algorithm
    made = [by_two(db, "paysafe.set_token_key(%s, %s, %s, %s, 'a key')", ISSUER, f"{name}-{form}", algorithm, text)
            for form, text in (("jwk", key.export_public()), ("pem", key.export_to_pem().decode()))]
    check(made[0] == made[1] and len(made[0]) == 64, f"{name}: one fingerprint")
    for form in ("jwk", "pem"):
        check(takes(db, sign(key, algorithm, f"{name}-{form}")) == "anna", f"{name} {form}")
    check(takes(db, sign(jwk.JWK.generate(**parameters), algorithm, f"{name}-jwk")) is None, f"{name}: another key")

# the wrong algorithm, by a key that could
check(takes(db, sign(keys["rsa"][0], "PS256", "rsa-jwk")) is None, "PS256 by a key of RS256")
check(takes(db, sign(keys["pss"][0], "RS256", "pss-jwk")) is None, "RS256 by a key of PS256")
for name, (key, algorithm) in keys.items():
    secret = jwk.JWK(kty="oct", k=base64url_encode(key.export_to_pem()))
    check(takes(db, sign(secret, "HS256", f"{name}-jwk")) is None, f"{name}: its public key as a secret")

# what jwcrypto accepts, and paysafe does not
key, algorithm = keys["p256"]
for what, token in (
        ("a header that is not known", sign(key, algorithm, "p256-jwk", x="y")),
        ("a key in the header", sign(key, algorithm, "p256-jwk", jwk=key.export_public(as_dict=True))),
        ("a place of keys", sign(key, algorithm, "p256-jwk", jku="https://login.example/keys")),
        ("a content type", sign(key, algorithm, "p256-jwk", cty="JWT")),
        ("a type in lower case", sign(key, algorithm, "p256-jwk", typ="jwt")),
        ("a fraction of a second", sign(key, algorithm, "p256-jwk", claims(exp=time.time() + 60))),
        ("no end", sign(key, algorithm, "p256-jwk", claims(exp=None))),
        ("no audience", sign(key, algorithm, "p256-jwk", claims(aud=None))),
        ("another's", sign(key, algorithm, "p256-jwk", claims(aud="shop"))),
        ("of yesterday", sign(key, algorithm, "p256-jwk", claims(exp=int(time.time()) - 86400))),
        ("of another issuer", sign(key, algorithm, "p256-jwk", claims(iss="https://login.example.attacker"))),
        ("without an id", sign(key, algorithm, "p256-jwk", claims(jti=None)))):
    check(other_accepts(key, algorithm, token), f"jwcrypto: {what}")
    check(takes(db, token) is None, f"paysafe: {what}")
check(takes(db, sign(key, algorithm, "p256-jwk", typ="JWT")) == "anna", "a type")
check(takes(db, sign(key, algorithm, "p256-jwk", typ="at+jwt")) == "anna", "an access token")

# a member twice, signed
twice = '{"iss":"%s","aud":"payments","sub":"anna","sub":"berta","exp":%d,"jti":"twice"}' % (ISSUER, time.time() + 60)
token = jws.JWS(twice.encode())
token.add_signature(key, algorithm, json.dumps({"alg": algorithm, "kid": "p256-jwk"}))
token = token.serialize(compact=True)
check(other_accepts(key, algorithm, token), "jwcrypto: a member twice")
check(takes(db, token) is None, "a member twice")

# another text of one signature: jwcrypto decodes both
token = sign(keys["p256"][0], "ES256", "p256-jwk")
digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
other = token[:-1] + digits[digits.index(token[-1]) | 1]
check(base64url_decode(other.split(".")[2]) == base64url_decode(token.split(".")[2]), "one signature")
check(other_accepts(key, algorithm, other) and takes(db, other) is None, "bits left over")
check(takes(db, token) == "anna" and takes(db, token) is None, "once")

# each bit of a token changed
token = sign(keys["ed25519"][0], "EdDSA", "ed25519-jwk").encode()
for i in range(0, len(token) * 8, 3):
    changed = bytearray(token)
    changed[i // 8] ^= 1 << i % 8
    if changed[i // 8] == 0 or changed[i // 8] >= 0x80:
        continue
    check(takes(db, changed.decode()) is None, f"bit {i}")
check(takes(db, token.decode()) == "anna", "as it was")

# two sessions with one token: one of them, whatever the other one does meanwhile
second = connect()
for end, expected in (("COMMIT", None), ("ROLLBACK", "anna")):
    token = sign(keys["ed25519"][0], "EdDSA", "ed25519-jwk")
    db.execute("BEGIN")
    check(db.execute("SELECT paysafe.act_as_token(%s)", (token,)).fetchone()[0] == "anna", "the first")
    result = []
    thread = threading.Thread(target=lambda: result.append(takes(second, token)))
    thread.start()
    time.sleep(0.5)
    check(not result, "the second one waits")
    db.execute(end)
    thread.join()
    check(result == [expected], f"after {end}")

# many at once: exactly one each
for _ in range(5):
    token = sign(keys["ed25519"][0], "EdDSA", "ed25519-jwk")
    sessions = [connect() for _ in range(6)]
    result = []
    threads = [threading.Thread(target=lambda s=s: result.append(takes(s, token))) for s in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(sorted(map(str, result)) == ["None"] * 5 + ["anna"], f"{result}")
    for session in sessions:
        session.close()

# a key that is revoked, while a transaction is open that has read it
second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
check(second.execute("SELECT paysafe.act_as_token(%s)", (sign(*keys["p384"], "p384-jwk"),)).fetchone()[0] == "anna", "before")
db.execute("SELECT paysafe.revoke_token_key(%s, 'p384-jwk', 'lost')", (ISSUER,))
try:
    second.execute("SELECT paysafe.act_as_token(%s)", (sign(*keys["p384"], "p384-jwk"),))
    check(False, "a revoked key")
except psycopg.errors.InsufficientPrivilege:
    check(True, "a revoked key")
second.execute("ROLLBACK")
check(takes(second, sign(*keys["p384"], "p384-pem")) == "anna", "the other one goes on")

# in the statement's text, as some drivers write it: not to be seen in the log, nor in an error
token = sign(keys["ed25519"][0], "EdDSA", "ed25519-jwk", claims(jti="seen"))
literal = psycopg.ClientCursor(second)
second.execute("BEGIN")
literal.execute("SELECT paysafe.act_as_token(%s)", (token,))
check(db.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%eyJ%%' AND pid <> pg_backend_pid()").fetchone()[0] == 0,
      "a token in pg_stat_activity")
second.execute("COMMIT")
for bad in (token, token + "x"):
    try:
        literal.execute("DO $$BEGIN PERFORM paysafe.act_as_token('%s'); END$$" % bad)
        check(False, "refused")
    except psycopg.errors.InsufficientPrivilege:
        check(True, "refused")
with open(os.environ["TOKEN_LOG"], errors="replace") as log:
    text = log.read()
check("act_as_token" in text, "the log has statements")
signature = token.split(".")[2]
check(signature not in text, "a token in the log")

print(f"{checks} with jwcrypto")
