"""Assertions made here, judged by the database and by libraries that are not ours.

Each case is accepted or refused by all, or is one of the differences that doc/passkeys.md explains.
Prints how many cases and by whom; stops where somebody judges otherwise than is known."""
import hashlib
import json
import os
import subprocess
import sys

import psycopg
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from authenticator import ALGORITHMS, AT, BE, BS, ED, UP, UV, Authenticator, b64, cbor, unb64

ORIGIN, RP_ID = 'https://pay.example', 'pay.example'
P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


def cases():
    """(name, authenticator, challenge, assertion, public key)"""
    for algorithm in ALGORITHMS:
        key, challenge = Authenticator(algorithm), os.urandom(32)
        yield algorithm, key, challenge, key.assertion(key.client_data(challenge), key.authenticator_data())
        bad = key.assertion(key.client_data(challenge), key.authenticator_data())
        signature = bytearray(unb64(bad['response']['signature']))
        signature[-1] ^= 1
        bad['response']['signature'] = b64(bytes(signature))
        yield f'{algorithm}, another signature', key, challenge, bad
    key, challenge = Authenticator(), os.urandom(32)

    def client(name, text=None, **members):
        data = text.encode() if text else key.client_data(**{'challenge': challenge, **members})
        return name, key, challenge, key.assertion(data, key.authenticator_data())

    def data(name, **options):
        return name, key, challenge, key.assertion(key.client_data(challenge), key.authenticator_data(**options))
    yield client('another challenge', challenge=os.urandom(32))
    yield client('another type', type='webauthn.create')
    yield client('another origin', origin='https://evil.example')
    yield client('an origin in capitals', origin='https://PAY.example')
    yield client('no crossOrigin', crossOrigin=None)
    yield client('cross-origin', crossOrigin=True)
    yield client('within another page', crossOrigin=True, topOrigin='https://evil.example')
    yield client('an unknown member', more={'a': [1]})
    yield client('a padded challenge', challenge=b64(challenge) + '=')
    whole = '{"type":"webauthn.get","challenge":"%s","origin":"%s","crossOrigin":false' % (b64(challenge), ORIGIN)
    yield client('a member twice', text=whole + ',"origin":"%s"}' % ORIGIN)
    yield client('origin twice, the last one good', text='{"origin":"https://evil.example",' + whole[1:] + '}')
    yield client('a byte order mark', text='\ufeff' + whole + '}')
    yield client('something after it', text=whole + '} {}')
    yield client('crossOrigin in quotes', text=whole.replace('false', '"true"') + '}')
    yield data('another relying party', rp_id='evil.example')
    yield data('nobody there', flags=UV)
    yield data('nobody recognised', flags=UP)
    yield data('may have copies', flags=UP | UV | BE)
    yield data('has copies', flags=UP | UV | BE | BS)
    yield data('has copies, may not', flags=UP | UV | BS)
    yield data('a bit that is reserved', flags=UP | UV | 2)
    yield data('an extension', extensions={'credProtect': 2})
    yield data('bytes after the end', more=b'\0')
    yield data('extensions that are not there', flags=UP | UV | ED)
    yield data('an extension twice', flags=UP | UV | ED, more=b'\xa2\x61a\xf5\x61a\xf5')
    yield data('extensions of no length', flags=UP | UV | ED, more=b'\xbf\x61a\xf5\xff')
    yield data('a number in a longer form', flags=UP | UV | ED, more=b'\xa1\x61a\x18\x01')
    yield data('a new key', flags=UP | UV | AT, more=key.attested())
    good = key.assertion(key.client_data(challenge), key.authenticator_data())
    r, s = decode_dss_signature(unb64(good['response']['signature']))
    yield 'the other s of the same signature', key, challenge, {**good, 'response': {
        **good['response'], 'signature': b64(encode_dss_signature(r, P256 - s))}}
    der = unb64(good['response']['signature'])
    long = b'\x30\x81' + der[1:]
    yield 'DER in a longer form', key, challenge, {**good, 'response': {**good['response'], 'signature': b64(long)}}
    yield 'bytes after a signature', key, challenge, {**good, 'response': {**good['response'], 'signature': b64(der + b'\0')}}
    cose = key.cose()
    for name, public in {
            'a key with its id in it': b'\xa6' + cose[1:] + cbor({2: b'x'})[1:],
            'a key of another curve': cose.replace(b'\x20\x01', b'\x20\x02', 1),
            'a key for another algorithm': cose.replace(b'\x03\x26', b'\x03\x27', 1),
            'a point off the curve': cose[:-1] + bytes([cose[-1] ^ 1]),
            'bytes after a key': cose + b'\0'}.items():
        yield name, key, challenge, good, public


def by_database(connection, case, public):
    r = case[3]['response']
    return connection.execute(
        'SELECT paysafe.verify_assertion(%s, %s, %s, %s, %s, %s, %s)',
        [public, case[2], unb64(r['clientDataJSON']), unb64(r['authenticatorData']), unb64(r['signature']), RP_ID, [ORIGIN]]).fetchone()[0]


def by_webauthn(case, public):
    from webauthn import verify_authentication_response
    try:
        verify_authentication_response(
            credential=json.dumps(case[3]), expected_challenge=case[2], expected_rp_id=RP_ID, expected_origin=ORIGIN,
            credential_public_key=public, credential_current_sign_count=0, require_user_verification=True)
        return True
    except Exception:
        return False


def by_fido2(case, public):
    import fido2.features
    from fido2 import cbor as fido_cbor
    from fido2.cose import CoseKey
    from fido2.server import Fido2Server
    from fido2.webauthn import (Aaguid, AttestedCredentialData, AuthenticationResponse, PublicKeyCredentialRpEntity,
                                UserVerificationRequirement)
    try:
        server = Fido2Server(PublicKeyCredentialRpEntity(name='x', id=RP_ID), verify_origin=lambda origin: origin == ORIGIN)
        known = AttestedCredentialData.create(Aaguid.NONE, case[1].credential_id, CoseKey.parse(fido_cbor.decode(public)))
        _, state = server.authenticate_begin([known], UserVerificationRequirement.REQUIRED, challenge=case[2])
        server.authenticate_complete(state, [known], AuthenticationResponse.from_dict(case[3]))
        return True
    except Exception:
        return False


# What some judge otherwise than the database, and are known to: doc/passkeys.md says why.
DIFFERENCES = json.load(open(os.path.join(os.path.dirname(__file__), 'differences.json')))


def main():
    everything = [(c[0], c, c[4] if len(c) > 4 else c[1].cose()) for c in cases()]
    connection = psycopg.connect(autocommit=True)
    answers = {'database': [by_database(connection, c, public) for _, c, public in everything],
               'webauthn': [by_webauthn(c, public) for _, c, public in everything],
               'fido2': [by_fido2(c, public) for _, c, public in everything]}
    node = os.environ.get('SIMPLEWEBAUTHN')
    if node:
        given = [{'challenge': b64(c[2]), 'response': c[3], 'id': b64(c[1].credential_id), 'key': b64(public)} for _, c, public in everything]
        answers['simplewebauthn'] = json.loads(subprocess.run(
            ['node', 'interop.mjs'], input=json.dumps(given), capture_output=True, text=True, check=True, cwd=node).stdout)
    wrong = []
    for n, (name, _, _) in enumerate(everything):
        known = DIFFERENCES.get(name, [])
        for who, answer in answers.items():
            if who != 'database' and (answer[n] != answers['database'][n]) != (who in known):
                wrong.append(f"{name}: database {answers['database'][n]}, {who} {answer[n]}")
    if os.environ.get('SHOW'):
        for n, (name, _, _) in enumerate(everything):
            print(name, {who: answer[n] for who, answer in answers.items()})
    if wrong:
        sys.exit('\n'.join(wrong))
    good = sum(answers['database'])
    if good < 12 or len(everything) - good < 25:
        sys.exit(f'{good} of {len(everything)} are good')
    print(len(everything), ', '.join(sorted(set(answers) - {'database'})))


main()
