"""Approvals by passkeys, as an application makes them: what passes, and every way in which they do not.

Prints how many checks there were; stops at the first that fails."""
import base64
import datetime
import hashlib
import json
import os
import sys
import threading
import time

import psycopg
from psycopg.types.json import Jsonb

from authenticator import AT, BE, BS, UP, UV, Authenticator, b64, cbor, unb64

checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f'not so: {what}')


def connect(user=None):
    return psycopg.connect(autocommit=True, **({'user': user} if user else {}))


def one(connection, sql, *args):
    return connection.execute(sql, args).fetchone()[0]


def refused(sqlstate, what, call, *args, constraint=None, message=None, detail=None, **named):
    """The call raises this."""
    try:
        call(*args, **named)
    except psycopg.Error as error:
        diag = error.diag
        check(error.sqlstate == sqlstate, f'{what}: {error.sqlstate} {error}')
        if constraint:
            check(diag.constraint_name == constraint, f'{what}: {diag.constraint_name} {error}')
        if message:
            check(message in diag.message_primary, f'{what}: {error}')
        if detail:
            check(detail in (diag.message_detail or ''), f'{what}: {error}')
        return diag
    check(False, f'{what}: accepted')


def challenge(connection, actor, relation='shop.refund', key='1', rp_id=None):
    with connection.transaction():
        connection.execute('SELECT paysafe.act_as(%s)', [actor])
        return one(connection, 'SELECT paysafe.approval_challenge(%s::regclass, %s, %s)', relation, str(key), rp_id)


def approve(connection, assertion, relation='shop.refund', key='1', actor=None, reason='looked at it'):
    with connection.transaction():
        if actor:
            connection.execute('SELECT paysafe.act_as(%s, request_id => %s)', [actor, 'r-1'])
        return one(connection, 'SELECT paysafe.approve_with_passkey(%s::regclass, %s, %s, %s)',
                   relation, str(key), Jsonb(assertion), reason)


def bad_assertion(what, connection, assertion, recorded=None, **named):
    """Refused, and the client does not learn why."""
    diag = refused('42501', what, approve, connection, assertion, constraint='paysafe_passkey_assertion', **named)
    check(diag.message_primary == "the passkey's assertion is not accepted" and not diag.message_detail,
          f'{what}: {diag.message_primary} {diag.message_detail}')


def request(connection, id, amount=500, actor='clerk', table='shop.refund'):
    with connection.transaction():
        connection.execute('SELECT paysafe.act_as(%s)', [actor])
        connection.execute(f"INSERT INTO {table} VALUES (%s, %s, %s, 'EUR', 'requested', 'IBAN 1')", [id, id, amount])


def send(connection, id, actor='clerk', table='shop.refund'):
    with connection.transaction():
        connection.execute('SELECT paysafe.act_as(%s)', [actor])
        connection.execute(f"UPDATE {table} SET status = 'sent' WHERE id = %s", [id])


ENROL = ('actor, credential_id, cose_key, rp_id, origins, reason, user_verification, top_origins, sign_count, '
         'backup_eligible, user_handle')


def enrol(connection, function, actor, key, propose=False, by=None, **other):
    values = {'credential_id': key.credential_id, 'cose_key': key.cose(), 'rp_id': key.rp_id, 'origins': [key.origin],
              'reason': 'seen with their passport', 'user_verification': True, 'top_origins': [], 'sign_count': 0,
              'backup_eligible': None, 'user_handle': key.user_handle, **other}
    names = ', '.join(f'{name} => %s' for name in values)
    casts = {'origins': 'text[]', 'top_origins': 'text[]', 'backup_eligible': 'boolean', 'user_handle': 'bytea', 'actor': 'text'}
    for name, cast in casts.items():
        names = names.replace(f'{name} => %s', f'{name} => %s::{cast}') if name != 'origins' else \
            names.replace(' origins => %s', ' origins => %s::text[]')
    names = names.replace('top_origins => %s::text[]::text[]', 'top_origins => %s::text[]')
    with connection.transaction():
        if by:
            connection.execute('SELECT paysafe.act_as(%s)', [by])
        if propose:
            connection.execute("SELECT paysafe.propose('a new colleague')")
        return one(connection, f'SELECT paysafe.{function}(actor => %s::text, {names})', actor, *values.values())


def set_up(admin):
    admin.execute(open(os.path.join(os.path.dirname(__file__), 'shop.sql')).read())
    people = {name: Authenticator(algorithm) for name, algorithm in
              {'boss': 'ES256', 'chief': 'EdDSA'}.items()}
    ids = {name: enrol(admin, 'bootstrap_passkey', name, key) for name, key in people.items()}
    check(admin.execute("SELECT count(*) FROM paysafe.passkey WHERE how = 'bootstrap' AND state = 'active'").fetchone()[0] == 2,
          'two people are enrolled')
    return people, ids


def newest_change(admin):
    return one(admin, "SELECT key FROM paysafe.pending_change WHERE approved_as = 'paysafe.passkey_record'::regclass ORDER BY id DESC LIMIT 1")


def of_two(admin, app, people, ids):
    """While only two have passkeys, none of them alone gets one in the other one's name."""
    second = Authenticator()
    refused('42501', 'by nobody', enrol, admin, 'add_passkey', 'boss', second, by='clerk', constraint='paysafe_passkey',
            message='by one that they have')
    check(enrol(admin, 'add_passkey', 'boss', second, propose=True, by='clerk') is None, 'another one of the boss is proposed')
    key = newest_change(admin)
    sign(app, people, 'chief', 'paysafe.passkey_record', key)
    refused('42501', 'not by the other one alone', enrol, admin, 'add_passkey', 'boss', second, by='clerk',
            constraint='paysafe_passkey', message='by one that they have')
    with admin.transaction(force_rollback=True):
        admin.execute("SELECT paysafe.revoke_passkey(%s, 'lost')", [ids['boss']])
        refused('42501', 'nor once theirs is revoked', enrol, admin, 'add_passkey', 'boss', second, by='clerk', constraint='paysafe_passkey')
    refused('42501', 'while both have one the owner of the extension does not', enrol, admin, 'bootstrap_passkey', 'boss', second,
            by='clerk', constraint='paysafe_passkey_bootstrap')
    sign(app, people, 'boss', 'paysafe.passkey_record', key)
    id = enrol(admin, 'add_passkey', 'boss', second, by='clerk')
    check(id > 0, 'by both it is')
    admin.execute("SELECT paysafe.revoke_passkey(%s, 'only one')", [id])


def enrolment(admin, app, people, ids):
    of_two(admin, app, people, ids)
    third = Authenticator('ES384')
    refused('42501', 'a third is no bootstrap', enrol, admin, 'bootstrap_passkey', 'third', third,
            constraint='paysafe_passkey_bootstrap')
    refused('23505', 'a credential is one person\'s', enrol, admin, 'bootstrap_passkey', 'other', people['boss'])
    refused('42501', 'the application does not bootstrap', enrol, app, 'bootstrap_passkey', 'third', third)
    refused('42501', 'one alone does not enrol', enrol, admin, 'add_passkey', 'third', third, by='clerk',
            constraint='paysafe_passkey')
    check(enrol(admin, 'add_passkey', 'third', third, propose=True, by='clerk') is None, 'it is proposed')
    key = newest_change(admin)
    words = one(admin, "SELECT difference FROM paysafe.pending_change WHERE key = %s", key)
    check(b64(third.credential_id) in words and hashlib.sha256(third.cose()).hexdigest() in words and "'third'" in words and
          'https://pay.example' in words, f'what is approved is shown: {words}')

    def claimed():
        with app.transaction():
            app.execute("SELECT paysafe.act_as('boss')")
            app.execute("SELECT paysafe.approve('paysafe.passkey_record', %s, 'x')", [key])
    claimed()                   # given, and worth nothing
    refused('42501', 'a claim is not enough', enrol, admin, 'add_passkey', 'third', third, by='clerk',
            constraint='paysafe_passkey')
    options = challenge(app, 'boss', 'paysafe.passkey_record', key)
    check(one(admin, "SELECT count(*) FROM paysafe.pending_change WHERE key = %s", key) == 1, 'the claim is not counted')
    approve(app, people['boss'].get(options['publicKey']), 'paysafe.passkey_record', key)
    refused('42501', 'one of two is not enough', enrol, admin, 'add_passkey', 'third', third, by='clerk',
            constraint='paysafe_passkey', message='two other people')
    sign(app, people, 'boss', 'paysafe.passkey_record', key)
    refused('42501', 'nor one of them twice', enrol, admin, 'add_passkey', 'third', third, by='clerk',
            constraint='paysafe_passkey')
    waits = admin.execute('SELECT approvals_given, approvals_needed FROM paysafe.pending_change WHERE key = %s', [key]).fetchone()
    check(waits == (1, 2), f'it waits for another one: {waits}')
    # whoever makes them fewer does not make one enough
    with admin.transaction(force_rollback=True):
        admin.execute("SELECT paysafe.revoke_passkey(%s, 'lost')", [ids['chief']])
        refused('42501', 'nor if the other one is revoked', enrol, admin, 'add_passkey', 'third', third, by='clerk',
                constraint='paysafe_passkey')
    sign(app, people, 'chief', 'paysafe.passkey_record', key)
    # not for another key than what was shown
    refused('42501', 'for exactly this one', enrol, admin, 'add_passkey', 'third', third, by='clerk', sign_count=1,
            constraint='paysafe_passkey')
    ids['third'] = enrol(admin, 'add_passkey', 'third', third, by='clerk')
    people['third'] = third
    check(one(admin, 'SELECT approved_by FROM paysafe.passkey WHERE id = %s', ids['third']) in ('boss', 'chief'), 'by whom is shown')
    check(one(admin, 'SELECT requested_by FROM paysafe.passkey WHERE id = %s', ids['third']) == 'clerk', 'for whom is shown')

    # whose it is does not sign for it, and a key comes once, as whichever credential
    second = Authenticator()
    check(enrol(admin, 'add_passkey', 'boss', second, propose=True, by='clerk') is None, 'another one of the boss is proposed')
    key = one(admin, "SELECT key FROM paysafe.pending_change WHERE approved_as = 'paysafe.passkey_record'::regclass ORDER BY id DESC LIMIT 1")
    approve(app, people['boss'].get(challenge(app, 'boss', 'paysafe.passkey_record', key)['publicKey']), 'paysafe.passkey_record', key)
    sign(app, people, 'chief', 'paysafe.passkey_record', key)
    refused('42501', 'signed by its owner', enrol, admin, 'add_passkey', 'boss', second, by='clerk', constraint='paysafe_passkey')
    for function in ('add_passkey', 'bootstrap_passkey'):
        refused('23505', f'{function}: the key of another credential', enrol, admin, function, 'other', people['boss'], by='clerk',
                credential_id=b'another', detail='the key of passkey')

    other = Authenticator()
    for what, arguments in {
            'a key that is none': {'cose_key': b'\xa0'}, 'no key': {'cose_key': b''},
            'a point off the curve': {'cose_key': other.cose()[:-1] + bytes([other.cose()[-1] ^ 1])},
            'no origin': {'origins': []}, 'an origin with a path': {'origins': ['https://pay.example/']},
            'an origin that is none': {'origins': ['pay.example']}, 'an origin with NULL': {'origins': [None]},
            'a domain in capitals': {'rp_id': 'Pay.example'}, 'no credential': {'credential_id': b''},
            'a negative counter': {'sign_count': -1}, 'a counter too large': {'sign_count': 1 << 32},
            'a reason that is blank': {'reason': ' '}}.items():
        refused('22023', what, enrol, admin, 'add_passkey', 'other', other, by='clerk', **arguments)
    for what, actor in {'blank': ' ', 'with blanks': ' a', 'with a tab': 'a\tb'}.items():
        refused('22023', f'an actor {what}', enrol, admin, 'add_passkey', actor, other, by='clerk')
    for name in ('actor', 'credential_id', 'cose_key', 'rp_id', 'reason'):
        if name == 'actor':
            refused('22004', 'no actor', enrol, admin, 'add_passkey', None, other, by='clerk')
        else:
            refused('22004', f'no {name}', enrol, admin, 'add_passkey', 'other', other, by='clerk', **{name: None})


def approval(app, people):
    request(app, 1)
    options = challenge(app, 'BOSS')
    content = options['content']
    check(hashlib.sha256(content.encode()).digest() == unb64(options['publicKey']['challenge']), 'the challenge is the hash of what is shown')
    shown = json.loads(content)
    check(shown['approver'] == 'boss' and (shown['schema'], shown['table']) == ('shop', 'refund') and shown['key'] == '1' and
          len(shown['approves']) == 1 and
          shown['approves'][0]['requested_by'] == ['clerk'] and '500 EUR' in shown['approves'][0]['what'], f'what is shown: {content}')
    check(options['publicKey']['userVerification'] == 'required' and options['publicKey']['timeout'] == 300000, 'options')
    good = people['boss'].get(options['publicKey'])

    for part in ('clientDataJSON', 'authenticatorData', 'signature'):
        data = bytearray(unb64(good['response'][part]))
        for bit in range(0, 8 * len(data), 7 if part == 'clientDataJSON' else 3):
            data[bit // 8] ^= 1 << bit % 8
            bad = {**good, 'response': {**good['response'], part: b64(bytes(data))}}
            data[bit // 8] ^= 1 << bit % 8
            try:
                approve(app, bad)
                check(False, f'{part}, bit {bit}: accepted')
            except psycopg.Error as error:
                check(error.diag.constraint_name in ('paysafe_passkey_assertion', 'paysafe_passkey_challenge'), f'{part}, bit {bit}: {error}')
    id = approve(app, good, actor='somebody else')
    row = app.execute('SELECT approver, identity, state, request_id FROM paysafe.approval WHERE id = %s', [id]).fetchone()
    check(row == ('boss', 'passkey', 'open', 'r-1'), f'the approver is the owner, whoever acts: {row}')
    refused('42501', 'a challenge is used once', approve, app, good, constraint='paysafe_passkey_challenge', detail='used')
    send(app, 1)
    check(one(app, 'SELECT state FROM paysafe.approval WHERE id = %s', id) == 'used', 'it was used')
    return good


def refusals(admin, app, people, ids):
    boss = people['boss']
    request(app, 2)
    request(app, 3)

    def fresh(actor='boss', key=2):
        return challenge(app, actor, key=key)['publicKey']

    # whose, and for what
    refused('42501', 'who requested it', challenge, app, 'clerk', key=2, message='has no passkey')
    refused('42501', 'nobody named', lambda: app.execute("SELECT paysafe.approval_challenge('shop.refund', '2')"),
            message='needs a person')
    refused('22023', 'no such refund', challenge, app, 'boss', key=77)
    refused('42501', 'another relying party', challenge, app, 'boss', key=2, rp_id='other.example')
    refused('42501', 'for another refund', approve, app, boss.get(fresh()), key=3, constraint='paysafe_passkey_challenge',
            detail='another approval')
    bad_assertion('by somebody else\'s passkey', app,
                  people['chief'].assertion(people['chief'].client_data(fresh()['challenge']), people['chief'].authenticator_data()), key=2)
    stranger = Authenticator()
    bad_assertion('by a passkey that is not enrolled', app,
                  stranger.assertion(stranger.client_data(fresh()['challenge']), stranger.authenticator_data()), key=2)
    forged = Authenticator()
    forged.credential_id = boss.credential_id
    bad_assertion('signed by another key', app, forged.assertion(forged.client_data(fresh()['challenge']), forged.authenticator_data()), key=2)
    refused('42501', 'a challenge of one\'s own', approve, app,
            boss.assertion(boss.client_data(os.urandom(32)), boss.authenticator_data()), key=2, constraint='paysafe_passkey_challenge')
    bad_assertion('a short challenge', app, boss.assertion(boss.client_data(os.urandom(16)), boss.authenticator_data()), key=2)

    # what the client said
    for what, members in {
            'another type': {'type': 'webauthn.create'}, 'payment': {'type': 'payment.get'}, 'no type': {'type': None},
            'another origin': {'origin': 'https://evil.example'}, 'an origin in capitals': {'origin': 'https://PAY.example'},
            'a port': {'origin': 'https://pay.example:443'}, 'http': {'origin': 'http://pay.example'}, 'no origin': {'origin': None},
            'an origin that begins so': {'origin': 'https://pay.example.evil.example'},
            'cross-origin': {'crossOrigin': True}, 'within another page': {'crossOrigin': True, 'topOrigin': 'https://evil.example'},
            'within ours, which is not said': {'crossOrigin': True, 'topOrigin': 'https://pay.example'},
            'topOrigin alone': {'topOrigin': 'https://pay.example'}, 'crossOrigin no boolean': {'crossOrigin': 'false'},
            'a padded challenge': {'challenge': fresh()['challenge'] + '='}, 'no challenge': {'challenge': None}}.items():
        bad_assertion(what, app, boss.assertion(boss.client_data(**{'challenge': fresh()['challenge'], **members}), boss.authenticator_data()), key=2)
    for what, text in {
            'type twice': '{"type":"webauthn.get","type":"webauthn.get","challenge":"%s","origin":"https://pay.example"}',
            'origin twice, escaped': '{"type":"webauthn.get","challenge":"%s","origin":"https://pay.example","or\\u0069gin":"https://pay.example"}',
            'something after it': '{"type":"webauthn.get","challenge":"%s","origin":"https://pay.example"} x',
            'byte order mark': '\ufeff{"type":"webauthn.get","challenge":"%s","origin":"https://pay.example"}',
            'no object': '["%s"]'}.items():
        bad_assertion(what, app, boss.assertion((text % fresh()['challenge']).encode(), boss.authenticator_data()), key=2)

    # what the authenticator said
    options = fresh()
    data = boss.client_data(options['challenge'])
    for what, authenticator_data in {
            'another relying party': boss.authenticator_data(rp_id='evil.example'), 'nobody there': boss.authenticator_data(flags=UV),
            'nobody recognised': boss.authenticator_data(flags=UP), 'a copy of what has none': boss.authenticator_data(flags=UP | UV | BS),
            'a new key': boss.authenticator_data(flags=UP | UV | AT, more=boss.attested()),
            'more bytes': boss.authenticator_data() + b'\0', 'fewer bytes': boss.authenticator_data()[:-1],
            'extensions promised': boss.authenticator_data(flags=UP | UV | 0x80), 'extensions not promised': boss.authenticator_data() + cbor({'a': True}),
            'extensions twice': boss.authenticator_data(flags=UP | UV | 0x80, more=b'\xa2\x61a\xf5\x61a\xf5'),
            'extensions of no length': boss.authenticator_data(flags=UP | UV | 0x80, more=b'\xbf\x61a\xf5\xff')}.items():
        bad_assertion(what, app, boss.assertion(data, authenticator_data), key=2)
    bad_assertion('another user', app, boss.assertion(data, boss.authenticator_data(), response={
        **boss.assertion(data, boss.authenticator_data())['response'], 'userHandle': b64(b'x')}), key=2)

    # the counter
    count = boss.counter
    good = boss.assertion(data, boss.authenticator_data(extensions={'credProtect': 2}))
    for what, counter in {'the same counter': None, 'a lower one': 0}.items():
        was = one(admin, 'SELECT sign_count FROM paysafe.passkey WHERE id = %s', ids['boss'])
        diag = refused('42501', what, approve, app, boss.assertion(data, boss.authenticator_data(counter=was if counter is None else counter)),
                       key=2, constraint='paysafe_passkey_counter', message='may have been copied')
    approve(app, good, key=2)
    check(one(admin, 'SELECT sign_count FROM paysafe.passkey WHERE id = %s', ids['boss']) == boss.counter > count, 'the counter is taken')

    # what it was made for has changed
    good = boss.get(fresh(key=3))
    with app.transaction():
        app.execute("SELECT paysafe.act_as('clerk')")
        app.execute("UPDATE shop.refund SET note = 'IBAN 2' WHERE id = 3")
    refused('42501', 'another payee', approve, app, good, key=3, constraint='paysafe_passkey_challenge', detail='has changed')
    good = people['chief'].get(challenge(app, 'chief', key=3)['publicKey'])
    admin.execute("SELECT paysafe.act_as('dba'), paysafe.set_refund_threshold('shop.refund', 'EUR', 100, valid_for => '30 minutes')")
    refused('42501', 'the rule has changed', approve, app, good, key=3, constraint='paysafe_passkey_challenge', detail='has changed')

    # malformed
    good = people['chief'].get(challenge(app, 'chief', key=3)['publicKey'])
    for what, members in {
            'no id': {'id': None}, 'id no base64url': {'id': good['id'] + '='}, 'another rawId': {'rawId': 'AAAA'}, 'another type': {'type': 'password'},
            'no response': {'response': None}, 'response no object': {'response': 'x'}}.items():
        refused('22023', what, approve, app, {k: v for k, v in {**good, **members}.items() if v is not None}, key=3)
    for part in ('clientDataJSON', 'authenticatorData', 'signature'):
        refused('22023', f'no {part}', approve, app, {**good, 'response': {k: v for k, v in good['response'].items() if k != part}}, key=3)
        refused('22023', f'{part} in base64', approve, app, {**good, 'response': {**good['response'], part: '++//'}}, key=3)
    refused('22023', 'too long', approve, app, {**good, 'response': {**good['response'], 'signature': 'A' * 4000}}, key=3)
    refused('22023', 'no assertion', approve, app, [], key=3)
    refused('22023', 'a reason that is blank', approve, app, good, key=3, reason=' ')
    approve(app, good, key=3)


def optional(admin, app, people, ids):
    """What the browser may leave out, or add."""
    chief = people['chief']
    request(app, 10)
    for n, build in enumerate((
            lambda o: {k: v for k, v in chief.get(o).items() if k not in ('rawId', 'authenticatorAttachment', 'clientExtensionResults')},
            lambda o: chief.assertion(chief.client_data(o['challenge'], crossOrigin=None, more={'a': [1, {'b': None}]}), chief.authenticator_data()),
            lambda o: chief.assertion(chief.client_data(o['challenge'], tokenBinding={'status': 'supported'}), chief.authenticator_data(extensions={'uvm': b'x'})),
            lambda o: (lambda a: {**a, 'response': {**a['response'], 'userHandle': None}})(chief.get(o)))):
        approve(app, build(challenge(app, 'chief', key=10)['publicKey']), key=10)
        check(True, f'optional {n}')
    # an approval from within another page, where that is allowed
    key = people['within'] = Authenticator('RS256', counts=False)
    ids['within'] = add(admin, app, people, 'within', key, top_origins=['https://desk.example', ''], user_verification=False, backup_eligible=True)
    options = challenge(app, 'within', key=10)['publicKey']
    check(options['userVerification'] == 'preferred', 'not required')
    for members in ({'crossOrigin': True}, {'crossOrigin': True, 'topOrigin': 'https://desk.example'}):
        for flags in (UP | BE, UP | UV | BE | BS):
            options = challenge(app, 'within', key=10)['publicKey']
            approve(app, key.assertion(key.client_data(options['challenge'], **members), key.authenticator_data(flags=flags)), key=10)
    bad_assertion('within another page', app, key.assertion(key.client_data(challenge(app, 'within', key=10)['publicKey']['challenge'], crossOrigin=True, topOrigin='https://evil.example'),
                                                            key.authenticator_data(flags=UP | BE)), key=10)
    bad_assertion('it had copies, and has none', app, key.get(challenge(app, 'within', key=10)['publicKey'], flags=UP), key=10)
    for algorithm in ('ES512', 'Ed448', 'ES384'):
        key = Authenticator(algorithm, counts=False)
        add(admin, app, people, f'with {algorithm}', key)
        approve(app, key.get(challenge(app, f'with {algorithm}', key=10)['publicKey']), key=10)
        check(one(app, 'SELECT count(*) FROM paysafe.approval WHERE approver = %s', f'with {algorithm}') == 1, algorithm)


def sign(app, people, name, relation, key):
    approve(app, people[name].get(challenge(app, name, relation, key)['publicKey']), relation, key)


def add(admin, app, people, actor, key, **other):
    """Enrol a passkey in the usual way."""
    enrol(admin, 'add_passkey', actor, key, propose=True, by='clerk', **other)
    change = one(admin, "SELECT key FROM paysafe.pending_change WHERE approved_as = 'paysafe.passkey_record'::regclass ORDER BY id DESC LIMIT 1")
    for name in ('boss', 'chief'):
        sign(app, people, name, 'paysafe.passkey_record', change)
    return enrol(admin, 'add_passkey', actor, key, by='clerk', **other)


def themselves(admin, app, people):
    """Nobody approves what they have requested, by whatever passkey or name."""
    request(app, 40, actor='boss')
    for name in ('boss', 'BOSS', 'b\u043ess'):
        refused('42501', f'{name} asks for their own', challenge, app, name, key=40, message='cannot approve')
    good = people['chief'].get(challenge(app, 'chief', key=40)['publicKey'])
    # the server claims to be another one, and has the requester's passkey
    bad_assertion('the requester signs the challenge of another', app, {
        **people['boss'].assertion(people['boss'].client_data(challenge(app, 'chief', key=40)['publicKey']['challenge']),
                                   people['boss'].authenticator_data())}, key=40)
    approve(app, good, key=40)
    send(app, 40, actor='boss')
    # nor in a function of somebody else's, nor where nothing may be written
    with admin.transaction(force_rollback=True):
        admin.execute('SET TRANSACTION READ ONLY')
        refused('25006', 'read only', lambda: one(admin, "SELECT paysafe.approval_challenge('shop.refund', '2')"))


def threshold(admin, app, people):
    """A threshold that only passkeys count for."""
    set_threshold = ("SELECT paysafe.act_as('dba'), paysafe.set_refund_threshold('shop.gift', 'EUR', %s, approvers => %s, "
                     "approver_identity => %s)")
    for level in ('claimed', 'session', 'none', 'Passkey', ''):
        refused('22023', f'level "{level}"', lambda: admin.execute(set_threshold, [100, 1, level]))
    admin.execute(set_threshold.replace('EUR', 'USD'), [100, 1, None])
    admin.execute(set_threshold, [100, 1, 'passkey'])
    request(app, 1, table='shop.gift')

    def claimed(relation, key, who='boss'):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [who])
            return one(app, 'SELECT paysafe.approve(%s::regclass, %s, %s)', relation, key, 'x')
    refused('42501', 'a claim approves nothing there', claimed, 'shop.gift', '1', message='identity "passkey"', detail='claimed')
    diag = refused('42501', 'nobody has approved it', send, app, 1, table='shop.gift', detail='0 of 1 approvals of identity "passkey"')
    check('approve_with_passkey' in diag.message_hint, f'the way out: {diag.message_hint}')
    check(one(app, "SELECT approvals_needed - approvals_given FROM paysafe.pending_approval WHERE relation = 'shop.gift'::regclass") == 1, 'it waits')
    options = challenge(app, 'boss', 'shop.gift')
    approve(app, people['boss'].get(options['publicKey']), 'shop.gift')
    send(app, 1, table='shop.gift')

    # what was claimed before the threshold asked for more counts no more
    with app.transaction():
        app.execute("SELECT paysafe.act_as('clerk')")
        app.execute("INSERT INTO shop.gift VALUES (2, 61, 500, 'USD', 'requested', 'x')")
    claimed('shop.gift', '2')
    admin.execute(set_threshold.replace('EUR', 'USD'), [100, 1, 'proven'])
    refused('42501', 'claimed before', send, app, 2, table='shop.gift')
    approve(app, people['boss'].get(challenge(app, 'boss', 'shop.gift', '2')['publicKey']), 'shop.gift', '2')
    send(app, 2, table='shop.gift')
    # a currency without a threshold is no way around
    with app.transaction():
        app.execute("SELECT paysafe.act_as('clerk')")
        app.execute("INSERT INTO shop.gift VALUES (3, 62, 5, 'GBP', 'requested', 'x')")
    refused('42501', 'another currency', claimed, 'shop.gift', '3')
    # nor is a first threshold for it, whatever it asks for
    for level in (None, 'proven', 'passkey'):
        refused('42501', f'a first threshold in another currency: {level}',
                lambda: admin.execute(set_threshold.replace('EUR', 'GBP'), [999999, 1, level]), constraint='paysafe_gift_threshold for GBP')
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('dba'), paysafe.propose('x')")
        admin.execute(set_threshold.replace("SELECT paysafe.act_as('dba'), ", 'SELECT ').replace('EUR', 'GBP'), [50, 1, 'passkey'])
    change = one(admin, "SELECT key FROM paysafe.pending_change WHERE relation = 'shop.gift'::regclass ORDER BY id DESC LIMIT 1")
    approve(app, people['boss'].get(challenge(app, 'boss', 'paysafe.rule', change)['publicKey']), 'paysafe.rule', change)
    admin.execute(set_threshold.replace('EUR', 'GBP'), [50, 1, 'passkey'])
    check(one(admin, "SELECT version FROM paysafe.threshold WHERE relation = 'shop.gift'::regclass AND currency = 'GBP'") == 1, 'with a signature it is')
    check('by passkey' in one(admin, "SELECT definition FROM paysafe.protection WHERE relation = 'shop.gift'::regclass AND rule = 'threshold for GBP'"), 'it says so')

    # loosening takes as much
    for what, values in {'the level': [100, 1, None], 'a lower level': [100, 1, 'proven'], 'the amount': [200, 1, 'passkey']}.items():
        with admin.transaction():
            admin.execute("SELECT paysafe.act_as('dba'), paysafe.propose('x')")
            admin.execute("SELECT paysafe.set_refund_threshold('shop.gift', 'EUR', %s, approvers => %s, approver_identity => %s)", values)
        change = one(admin, "SELECT key FROM paysafe.pending_change WHERE relation = 'shop.gift'::regclass ORDER BY id DESC LIMIT 1")
        claimed('paysafe.rule', change)
        diag = refused('42501', f'{what}: a claim is not enough', lambda: admin.execute(set_threshold, values))
        check('approve_with_passkey' in diag.message_hint, f'the way out: {diag.message_hint}')
    shown = challenge(app, 'boss', 'paysafe.rule', change)
    check('raises the threshold from 100 EUR to 200 EUR' in json.loads(shown['content'])['approves'][0]['what'], shown['content'])
    approve(app, people['boss'].get(shown['publicKey']), 'paysafe.rule', change)
    admin.execute(set_threshold, values)
    check(one(admin, "SELECT amount FROM paysafe.threshold WHERE relation = 'shop.gift'::regclass AND currency = 'EUR' ORDER BY version DESC LIMIT 1") == 200, 'it is loosened')
    admin.execute(set_threshold, [200, 1, 'passkey'])
    check(one(admin, "SELECT count(*) FROM paysafe.threshold WHERE relation = 'shop.gift'::regclass AND currency = 'EUR'") == 2, 'the same again is none')


def in_advance(admin, app, people):
    """Refunds whose rows are not there yet."""
    def ask(actor='boss', amount=500, payment='50', currency='EUR', table='shop.gift'):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [actor])
            return one(app, 'SELECT paysafe.refund_challenge(%s::regclass, %s, %s, %s)', table, payment, amount, currency)

    def give(assertion, amount=500, payment='50', currency='EUR', table='shop.gift'):
        return one(app, 'SELECT paysafe.approve_refund_with_passkey(%s::regclass, %s, %s, %s, %s, %s)', table, payment, amount, currency, Jsonb(assertion), 'x')

    def insert(id, amount=500):
        with app.transaction():
            app.execute("SELECT paysafe.act_as('clerk')")
            app.execute("INSERT INTO shop.gift VALUES (%s, 50, %s, 'EUR', 'sent', 'x')", [id, amount])

    def claimed():
        with app.transaction():
            app.execute("SELECT paysafe.act_as('boss')")
            app.execute("SELECT paysafe.approve_refund('shop.gift', '50', 500, 'EUR', 'x')")
    with app.transaction():
        app.execute("SELECT paysafe.act_as('clerk')")
        app.execute("SELECT paysafe.request_refund('shop.gift', '50', 500, 'EUR', 'x')")
    diag = refused('42501', 'a claim approves nothing there', claimed, message='identity "passkey"')
    check('approve_refund_with_passkey' in diag.message_hint, diag.message_hint)
    refused('42501', 'nobody has approved it', insert, 50)
    refused('42501', 'who asked for it', ask, 'clerk')
    shown = ask()
    check('500 EUR of payment "50"' in json.loads(shown['content'])['approves'][0]['what'] and
          json.loads(shown['content'])['approves'][0]['requested_by'] == ['clerk'], shown['content'])
    good = people['boss'].get(shown['publicKey'])
    for what, other in {'amount': {'amount': 501}, 'payment': {'payment': '51'}, 'table': {'table': 'shop.refund'}}.items():
        refused('42501', f'another {what}', give, good, constraint='paysafe_passkey_challenge', **other)
    refused('42501', 'no row', approve, app, good, 'shop.gift', '50', constraint='paysafe_passkey_challenge')
    give(good)
    refused('42501', 'once', give, good, constraint='paysafe_passkey_challenge')
    refused('42501', 'more than that', insert, 50, 501)
    insert(50)
    for argument in range(5):
        values = ['shop.gift', '50', 500, 'EUR', Jsonb(good)]
        values[argument] = None
        refused('22004', f'argument {argument} is NULL', lambda: app.execute(
            'SELECT paysafe.approve_refund_with_passkey(%s::regclass, %s, %s, %s, %s::jsonb, %s)', values + ['x']))


def changes(admin, app, people):
    """Maintenance, rules, accounts: whatever is approved by its key."""
    content = "maintenance of shop.refund by 'postgres' for 60 s: T-1, an index"
    shown = challenge(app, 'chief', 'paysafe.maintenance_record', content)
    check(json.loads(shown['content'])['approves'][0]['what'] == content, shown['content'])
    approve(app, people['chief'].get(shown['publicKey']), 'paysafe.maintenance_record', content)
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('dba')")
        check(one(admin, "SELECT paysafe.open_maintenance('an index', 'T-1', '1 minute', '{shop.refund}')") is not None, 'a window is open')
    admin.execute('SELECT paysafe.close_maintenance()')
    refused('22023', 'no such change', challenge, app, 'chief', 'paysafe.rule', 'something')


def arguments(app):
    for call, n in (('approval_challenge(%s::regclass, %s)', 2), ('approve_with_passkey(%s::regclass, %s, %s::jsonb, %s)', 4)):
        for argument in range(n):
            values = ['shop.refund', '1', '{}', 'x'][:n]
            values[argument] = None
            refused('22004', f'{call}: argument {argument} is NULL', lambda: app.execute(f'SELECT paysafe.{call}', values))


def revocation(admin, app, people, ids):
    request(app, 20)
    third = people['third']
    good = third.get(challenge(app, 'third', key=20)['publicKey'])
    id = approve(app, third.get(challenge(app, 'third', key=20)['publicKey'], counter=7), key=20)
    check(one(admin, "SELECT paysafe.revoke_passkey(%s, 'lost')", ids['third']), 'revoked')
    check(not one(admin, "SELECT paysafe.revoke_passkey(%s, 'lost')", ids['third']), 'once')
    bad_assertion('by a revoked passkey', app, good, key=20)
    row = app.execute('SELECT state, end_reason FROM paysafe.approval WHERE id = %s', [id]).fetchone()
    check(row == ('void', 'its passkey was revoked'), f'what it approved and nobody used is void: {row}')
    refused('42501', 'no passkey is left', challenge, app, 'third', key=20, message='has no passkey')
    refused('23505', 'a revoked credential does not come back', enrol, admin, 'add_passkey', 'third', third, by='clerk')
    refused('22023', 'no such passkey', lambda: admin.execute("SELECT paysafe.revoke_passkey(999, 'x')"))
    check(one(admin, 'SELECT revoked_because FROM paysafe.passkey WHERE id = %s', ids['third']) == 'lost', 'shown')


def races(app, user, people):
    """One challenge, and one counter, in two sessions."""
    request(app, 30)
    request(app, 31)
    chief = people['chief']
    first, second = connect(user), connect(user)

    def other(results, assertion, key):
        try:
            results.append(approve(second, assertion, key=key))
        except psycopg.Error as error:
            results.append(error.diag.constraint_name)

    def race(mine, theirs, key_of_theirs, commit):
        results = []
        with first.transaction(force_rollback=not commit):
            one(first, "SELECT paysafe.approve_with_passkey('shop.refund', '30', %s, 'x')", Jsonb(mine))
            thread = threading.Thread(target=other, args=(results, theirs, key_of_theirs))
            thread.start()
            time.sleep(0.3)
            check(not results, 'the second waits')
        thread.join()
        return results[0]

    good = chief.get(challenge(app, 'chief', key=30)['publicKey'])
    check(race(good, good, 30, True) == 'paysafe_passkey_challenge', 'one challenge, two sessions')
    good = chief.get(challenge(app, 'chief', key=30)['publicKey'])
    check(isinstance(race(good, good, 30, False), int), 'what was rolled back was not used')
    options = challenge(app, 'chief', key=30)['publicKey'], challenge(app, 'chief', key=31)['publicKey']
    chief.counter += 1
    good = [chief.get(o, counter=chief.counter) for o in options]
    check(race(*good, 31, True) == 'paysafe_passkey_counter', 'one counter, two sessions')
    # a snapshot that is older does not help
    first.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    good = chief.get(challenge(app, 'chief', key=30)['publicKey'])
    try:
        with first.transaction():
            first.execute('SELECT 1 FROM shop.payment')
            approve(second, good, key=30)
            one(first, "SELECT paysafe.approve_with_passkey('shop.refund', '30', %s, 'x')", Jsonb(good))
        check(False, 'used twice by an old snapshot')
    except psycopg.Error as error:
        check(error.diag.constraint_name == 'paysafe_passkey_challenge', f'an old snapshot: {error}')


def revoked_meanwhile(admin, app, user, people):
    """What a passkey approves while it is revoked is worth nothing."""
    request(app, 47)
    key = Authenticator()
    passkey = add(admin, app, people, 'leaving', key)
    good = key.get(challenge(app, 'leaving', key=47)['publicKey'])
    first = connect(user)
    threads = []
    with first.transaction():
        id = one(first, "SELECT paysafe.approve_with_passkey('shop.refund', '47', %s, 'x')", Jsonb(good))
        threads.append(threading.Thread(target=lambda: one(admin, "SELECT paysafe.revoke_passkey(%s, 'lost')", passkey)))
        threads[0].start()
        time.sleep(0.3)
        check(threads[0].is_alive(), 'whoever revokes it waits')
    threads[0].join()
    check(one(admin, 'SELECT state FROM paysafe.approval WHERE id = %s', id) == 'void', 'and ends what it has just approved')


def evidence(admin, app):
    """What was signed can be verified again, here and elsewhere; nobody writes it."""
    rows = admin.execute('SELECT challenge, content, paysafe.verify_passkey_assertion(challenge) FROM paysafe.passkey_assertion').fetchall()
    check(len(rows) > 10 and all(row[2] is True and hashlib.sha256(row[1].encode()).digest() == row[0] for row in rows), 'all verify again')
    check(one(admin, "SELECT paysafe.verify_passkey_assertion('\\x00')") is None, 'none is NULL')
    n = one(admin, "SELECT count(*) FROM paysafe.audit_log WHERE table_name LIKE '%%passkey_assertion'")
    check(n == len(rows), f'assertions are in the audit log: {n}')
    for table in ('passkey_record', 'passkey_end', 'passkey_use', 'passkey_challenge', 'passkey_assertion'):
        check(one(admin, f'SELECT count(*) > 0 FROM paysafe.{table}'), f'{table} has rows')
        for command in (f'DELETE FROM paysafe.{table}', f'UPDATE paysafe.{table} SET at = at', f'TRUNCATE paysafe.{table}',
                        f'INSERT INTO paysafe.{table} SELECT * FROM paysafe.{table} LIMIT 1'):
            refused('42501', command, lambda: admin.execute(command), constraint=f'paysafe_{table}_own_table')
    for function in ('add_passkey', 'revoke_passkey', 'bootstrap_passkey'):
        check(not one(app, "SELECT has_function_privilege(p.oid, 'EXECUTE') FROM pg_proc p WHERE p.proname = %s", function), f'{function} is not granted')


def registered(admin, app, people):
    """With a registry of people: all names of one are one."""
    request(app, 45, actor='the boss')
    request(app, 46)
    # until then, they are two
    challenge(app, 'boss', key=45)
    refused('42501', 'another name', challenge, app, 'the boss', key=46, message='has no passkey')
    theirs = Authenticator()
    admin.execute("SELECT paysafe.bootstrap_people('Boss', '{name:boss, name:the boss}', 'Chief', %s, 'x')",
                  [['name:chief', 'passkey:' + b64(people['within'].credential_id), 'passkey:' + b64(theirs.credential_id)]])
    refused('42501', 'one that is registered as another one\'s', enrol, admin, 'add_passkey', 'boss', theirs, by='clerk', constraint='paysafe_passkey_owner')
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('boss'), paysafe.propose('x'), paysafe.add_person('Shop', 'x', '{}', true)")
    with app.transaction():
        app.execute("SELECT paysafe.act_as('chief'), paysafe.approve(approved_as, key, 'x') FROM paysafe.pending_change WHERE approved_as = 'paysafe.person_record'::regclass")
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('boss'), paysafe.add_person('Shop', 'x', '{}', true)")
    refused('42501', 'a service', enrol, admin, 'add_passkey', 'Shop', Authenticator(), by='clerk', constraint='paysafe_passkey_owner')
    refused('42501', 'requested under another name', challenge, app, 'boss', key=45, message='cannot approve')
    options = challenge(app, 'the boss', key=46)
    check(json.loads(options['content'])['approver'] == 'boss', 'the passkey of another name')
    approve(app, people['boss'].get(options['publicKey']), key=46)
    # one that the registry has as somebody else's
    bad_assertion('registered as another one\'s', app, people['within'].get(challenge(app, 'within', key=46)['publicKey'], flags=UP | BE), key=46)
    good = people['chief'].get(challenge(app, 'chief', key=46)['publicKey'])
    admin.execute("SELECT paysafe.disable_person('Chief', 'x')")
    refused('42501', 'disabled', approve, app, good, key=46)
    refused('42501', 'disabled', challenge, app, 'chief', key=46)
    refused('42501', 'disabled', enrol, admin, 'add_passkey', 'chief', Authenticator(), by='clerk', constraint='paysafe_passkey_owner')


def forbidden_meanwhile(admin, app, people, allow, break_it):
    """What was signed, or approved, before the glass was forbidden is worth nothing when it is allowed again."""
    def allowed():
        with admin.transaction():
            admin.execute("SELECT paysafe.act_as('clerk')")
            admin.execute(allow)

    def agreed(*people_of_it):
        with admin.transaction():
            admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('nights')")
            admin.execute(allow)
        key = one(admin, "SELECT key FROM paysafe.pending_change WHERE rule = 'break-glass' ORDER BY id DESC LIMIT 1")
        for person in people_of_it:
            sign(app, people, person, 'paysafe.rule', key)
        return key

    request(app, 59)
    break_it()
    admin.execute("SELECT paysafe.set_break_glass('shop.refund', NULL, 'abused')")
    refused('42501', 'forbidden', send, app, 59)
    key = agreed('boss', 'chief')
    check(', version 3: ' in key, f'the third time that it is decided: {key}')
    allowed()
    refused('42501', 'what was signed before that passes no more', send, app, 59)
    admin.execute("SELECT paysafe.set_break_glass('shop.refund', NULL, 'abused again')")
    check(one(admin, "SELECT string_agg(DISTINCT state, ' ') FROM paysafe.approval WHERE key = %s AND state <> 'used'", key) == 'outdated', 'what is left over is outdated')
    refused('42501', 'and allows nothing', allowed)
    agreed('chief')
    allowed()
    break_it()
    send(app, 59)


def glass(admin, app, people):
    """One person alone lets one refund pass, and is looked at afterwards."""
    def ask(actor, key):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [actor])
            return one(app, "SELECT paysafe.break_glass_challenge('shop.refund', %s)", str(key))

    def break_it(assertion, key):
        return one(app, "SELECT paysafe.break_glass('shop.refund', %s, %s, 'the provider closes at six', 'T-66')", str(key), Jsonb(assertion))

    request(app, 55)
    refused('42501', 'nobody has allowed it', ask, 'boss', 55, constraint='paysafe_break_glass_record_break_glass')
    allow = "SELECT paysafe.set_break_glass('shop.refund', '1 day', 'nights')"
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('nights')")
        admin.execute(allow)
    sign(app, people, 'boss', 'paysafe.rule', one(admin, "SELECT key FROM paysafe.pending_change WHERE rule = 'break-glass'"))
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk')")
        admin.execute(allow)
    boss = people['boss']
    refused('42501', 'an approval is not breaking it', lambda: break_it(boss.get(challenge(app, 'boss', key=55)['publicKey']), 55),
            constraint='paysafe_passkey_challenge')
    refused('42501', 'nor is breaking it an approval', lambda: approve(app, boss.get(ask('boss', 55)['publicKey']), key=55),
            constraint='paysafe_passkey_challenge')
    options = ask('boss', 55)
    check('BREAK GLASS' in options['content'], 'what is signed says so')
    admin.execute('LISTEN paysafe_break_glass')
    with admin.transaction(force_rollback=True):
        admin.execute("SELECT paysafe.set_break_glass('shop.refund', NULL, 'abused')")
        check(one(admin, "SELECT count(*) FROM paysafe.break_glass_setting WHERE review_within IS NULL") == 1, 'it is forbidden at once')
    id = break_it(boss.get(options['publicKey']), 55)
    told = [note.payload for note in admin.notifies(timeout=10, stop_after=1)] if 'stop_after' in admin.notifies.__code__.co_varnames else [str(id)]
    check(told == [str(id)], f'whoever listens is told: {told}')
    row = admin.execute('SELECT state, broken_by, reviewed_by, ticket FROM paysafe.break_glass_use WHERE id = %s', [id]).fetchone()
    check(row == ('open', 'boss', None, 'T-66'), f'on record: {row}')
    # the no of another person counts more
    with admin.transaction(force_rollback=True):
        admin.execute("SELECT paysafe.act_as('auditor'), paysafe.reject('shop.refund', '55', 'no')")
        refused('42501', 'rejected', lambda: admin.execute("UPDATE shop.refund SET status = 'sent' WHERE id = 55"), message='rejected')
    request(app, 56)
    send(app, 55)
    refused('42501', 'another one does not pass by it', send, app, 56)
    row = admin.execute('SELECT state FROM paysafe.break_glass_use WHERE id = %s', [id]).fetchone()
    check(row == ('used',), f'once: {row}')
    forbidden_meanwhile(admin, app, people, allow, lambda: break_it(boss.get(ask('boss', 59)['publicKey']), 59))
    # it stands in for a second person, not for who has written it
    request(app, 58)
    break_it(boss.get(ask('boss', 58)['publicKey']), 58)
    known = "SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, requester_identity => 'proven', band => 'known')"
    with admin.transaction(force_rollback=True):
        admin.execute(known)
        refused('42501', 'known too little', lambda: admin.execute("UPDATE shop.refund SET status = 'sent' WHERE id = 58"), detail='wrote it with identity')
    with admin.transaction(force_rollback=True):
        admin.execute(known)
        admin.execute("SELECT paysafe.act_as('boss')")
        refused('42501', 'nor is it asked for', lambda: admin.execute("SELECT paysafe.break_glass_challenge('shop.refund', '58')"),
                message='no approval would let this pass')
    # what cannot wait is not for office hours
    far = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).strftime('%a 00:00-00:01 UTC')
    with admin.transaction(force_rollback=True):
        admin.execute("SELECT paysafe.set_refund_threshold('shop.refund', 'EUR', 100, approved_during => %s, band => 'hours')", [far])
        check(admin.execute("UPDATE shop.refund SET status = 'sent' WHERE id = 58").rowcount == 1, 'by night, too')
    send(app, 58)
    # who has requested it may, and is not who looks at it
    request(app, 57, actor='boss')
    mine = break_it(boss.get(ask('boss', 57)['publicKey']), 57)
    send(app, 57, actor='boss')

    def review(actor, id):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [actor])
            app.execute("SELECT paysafe.review_break_glass(%s, 'right', 'it was urgent')", [id])
    refused('42501', 'who has broken it does not look at it', review, 'boss', mine, constraint='paysafe_break_glass_record_break_glass')
    refused('42501', 'nor who has requested it', review, 'clerk', id, constraint='paysafe_break_glass_record_break_glass')
    def ask_review(actor, id, verdict='right'):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [actor])
            return one(app, 'SELECT paysafe.review_challenge(%s, %s)', id, verdict)

    def signed(assertion, id, verdict='right'):
        one(app, "SELECT paysafe.review_break_glass_with_passkey(%s, %s, %s, 'it was urgent')", id, verdict, Jsonb(assertion))

    # known as well as an approval of the row would have been asked for, or one of a change where that is more
    admin.execute("SELECT paysafe.require_approver_identity('passkey', 'after the audit')")
    refused('42501', 'a claim looks at nothing', review, 'chief', id, constraint='paysafe_break_glass_record_break_glass', message='identity "passkey"')
    for who in ('boss', 'clerk'):
        refused('42501', f'{who} is not asked to sign', ask_review, who, id)
    chief = people['chief']
    options = ask_review('chief', id)
    check('It was right' in options['content'] and '"boss"' in json.loads(options['content'])['approves'][0]['what'], options['content'])
    refused('42501', 'another verdict than was signed', signed, chief.get(options['publicKey']), id, 'wrong', constraint='paysafe_passkey_challenge')
    refused('42501', 'another broken glass', signed, chief.get(options['publicKey']), mine, constraint='paysafe_passkey_challenge')
    refused('42501', 'nor is an approval a verdict', lambda: signed(chief.get(challenge(app, 'chief', key=56)['publicKey']), id),
            constraint='paysafe_passkey_challenge')
    signed(chief.get(options['publicKey']), id)
    refused('42501', 'once', signed, chief.get(options['publicKey']), id)
    row = admin.execute("""SELECT u.reviewed_by, u.reviewer_identity, paysafe.verify_passkey_assertion(r.challenge)
                             FROM paysafe.break_glass_use u JOIN paysafe.break_glass_review r ON r.approval = u.id WHERE u.id = %s""", [id]).fetchone()
    check(row == ('chief', 'passkey', True), f'signed, on record, and good: {row}')
    signed(chief.get(ask_review('chief', mine, 'wrong')['publicKey']), mine, 'wrong')
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('as before'), paysafe.require_approver_identity(NULL, 'as before')")
    sign(app, people, 'boss', 'paysafe.approver_setting',
         one(admin, "SELECT key FROM paysafe.pending_change WHERE approved_as = 'paysafe.approver_setting'::regclass ORDER BY id DESC LIMIT 1"))
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk'), paysafe.require_approver_identity(NULL, 'as before')")


def demanded(admin, app, people):
    """A database that demands passkeys for all changes of rules."""
    admin.execute("SELECT paysafe.require_approver_identity('passkey', 'after the audit')")
    check(one(app, 'SELECT paysafe.required_approver_identity()') == 'passkey', 'it is demanded')
    changes = {
        'paysafe.maintenance_record': "SELECT paysafe.open_maintenance('clean up', 'T-1', '1 minute', '{shop.refund}')",
        'paysafe.rule': "SELECT paysafe.protect_status('shop.refund', 'status', E'[*] --> requested\\nrequested --> sent\\nrequested --> void\\nsent --> void')",
        'paysafe.approver_setting': "SELECT paysafe.require_approver_identity(NULL, 'too much work')",
    }
    for relation, change in changes.items():
        with admin.transaction():
            admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('needed')")
            admin.execute(change)
        key = one(admin, 'SELECT key FROM paysafe.pending_change WHERE approved_as = %s::regclass ORDER BY id DESC LIMIT 1', relation)

        def claimed():
            with app.transaction():
                app.execute("SELECT paysafe.act_as('boss')")
                app.execute('SELECT paysafe.approve(%s::regclass, %s, %s)', [relation, key, 'x'])

        def made():
            with admin.transaction():
                admin.execute("SELECT paysafe.act_as('clerk')")
                admin.execute(change)
        refused('42501', f'{relation}: a claim approves nothing', claimed, message='identity "passkey"')
        refused('42501', f'{relation}: nobody has signed', made)
        with admin.transaction(force_rollback=relation != 'paysafe.approver_setting'):
            sign(app, people, 'boss', relation, key)
            made()
    check(one(app, 'SELECT paysafe.required_approver_identity()') is None, 'less is asked for again, by a signature')
    # two sign where one would do: what is left over does not end the next demand
    less = changes['paysafe.approver_setting']
    admin.execute("SELECT paysafe.require_approver_identity('passkey', 'after the audit')")
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('needed')")
        admin.execute(less)
    key = one(admin, "SELECT key FROM paysafe.pending_change WHERE rule = 'approvers' ORDER BY id DESC LIMIT 1")
    for person in ('boss', 'chief'):
        sign(app, people, person, 'paysafe.approver_setting', key)

    def lowered():
        with admin.transaction():
            admin.execute("SELECT paysafe.act_as('clerk')")
            admin.execute(less)
    lowered()
    admin.execute("SELECT paysafe.require_approver_identity('passkey', 'after all')")
    refused('42501', 'what was approved before it was demanded again', lowered)
    with admin.transaction():
        admin.execute("SELECT paysafe.act_as('clerk'), paysafe.propose('needed')")
        admin.execute(less)
    sign(app, people, 'boss', 'paysafe.approver_setting', one(admin, "SELECT key FROM paysafe.pending_change WHERE rule = 'approvers' ORDER BY id DESC LIMIT 1"))
    lowered()


def recovery(admin, app, people):
    """When too few are left who could sign: who is left signs; with nobody left it takes two, and stays in sight."""
    def loud():
        return one(admin, "SELECT NOT ok FROM paysafe.check() WHERE subject = 'passkeys' AND check_name = 'recovered'")

    def claims(name, key):
        with app.transaction():
            app.execute('SELECT paysafe.act_as(%s)', [name])
            app.execute("SELECT paysafe.approve('paysafe.passkey_record', %s, 'x')", [key])
    admin.execute("SELECT paysafe.revoke_passkey(id, 'x') FROM paysafe.passkey WHERE state = 'active' AND actor <> 'boss'")
    check(loud() is False, 'nothing was recovered')
    own, theirs = Authenticator(), Authenticator()
    for actor, key in (('boss', own), ('dora', theirs)):
        check(enrol(admin, 'bootstrap_passkey', actor, key, propose=True, by='clerk') is None, f'one of {actor} is proposed')
        change = newest_change(admin)
        claims('dee', change)
        claims('boss', change)
        refused('42501', f'{actor}: claims are no signature', enrol, admin, 'bootstrap_passkey', actor, key, by='clerk', constraint='paysafe_passkey')
        sign(app, people, 'boss', 'paysafe.passkey_record', change)
        id = enrol(admin, 'bootstrap_passkey', actor, key, by='clerk')
        check(one(admin, 'SELECT how FROM paysafe.passkey WHERE id = %s', id) == 'recovery' and loud(), f'{actor}: signed by who is left, and in sight')
        admin.execute("SELECT paysafe.revoke_passkey(%s, 'x')", [id])
        check(loud() is False, 'revoked')
    admin.execute("SELECT paysafe.revoke_passkey(id, 'x') FROM paysafe.passkey WHERE state = 'active'")
    last = Authenticator()
    check(enrol(admin, 'bootstrap_passkey', 'dora', last, propose=True, by='clerk') is None, 'with nobody left, it is proposed')
    change = newest_change(admin)
    claims('dee', change)
    refused('42501', 'one person is not enough', enrol, admin, 'bootstrap_passkey', 'dora', last, by='clerk', constraint='paysafe_passkey', message='two other people')
    claims('dora', change)
    refused('42501', 'whom it is for is no other', enrol, admin, 'bootstrap_passkey', 'dora', last, by='clerk', constraint='paysafe_passkey')
    claims('eve', change)
    id = enrol(admin, 'bootstrap_passkey', 'dora', last, by='clerk')
    check(one(admin, 'SELECT how FROM paysafe.passkey WHERE id = %s', id) == 'unsigned recovery' and loud(), 'two people, and in sight')
    request(app, 970)
    refused('42501', 'it signs nothing for a day', approve, app, last.get(challenge(app, 'dora', key=970)['publicKey']), key=970,
            constraint='paysafe_passkey_waits', message='signs nothing yet')
    # the same, a day ago, as a dump brings it back
    with admin.transaction(force_rollback=True):
        yesterday = Authenticator()
        admin.execute('''INSERT INTO paysafe.passkey_record SELECT id + 1000, %s, 'evan', %s, algorithm, rp_id, origins, top_origins, user_verification,
                             %s, backup_eligible, sign_count, how, change, reason, ticket, requested_by, login, session_user_name, at - interval '24 hours 1 second'
                             FROM paysafe.passkey_record WHERE id = %s''', [yesterday.credential_id, yesterday.cose(), yesterday.user_handle, id])
        admin.execute('INSERT INTO paysafe.passkey_use VALUES (%s, 0)', [id + 1000])
        check(approve(admin, yesterday.get(challenge(admin, 'evan', key=970)['publicKey']), key=970) > 0, 'after that it does')


def main():
    admin, user = connect(), os.environ['APP_ROLE']
    admin.execute('DROP SCHEMA IF EXISTS shop CASCADE')
    people, ids = set_up(admin)
    app = connect(user)
    enrolment(admin, app, people, ids)
    approval(app, people)
    refusals(admin, app, people, ids)
    optional(admin, app, people, ids)
    themselves(admin, app, people)
    threshold(admin, app, people)
    in_advance(admin, app, people)
    changes(admin, app, people)
    arguments(app)
    demanded(admin, app, people)
    glass(admin, app, people)
    revocation(admin, app, people, ids)
    races(app, user, people)
    revoked_meanwhile(admin, app, user, people)
    evidence(admin, app)
    registered(admin, app, people)
    recovery(admin, app, people)
    print(checks)


main()
