"""A passkey in software: keys, registrations and assertions, with every knob to turn."""
import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa

ALGORITHMS = {'ES256': -7, 'ES384': -35, 'ES512': -36, 'EdDSA': -8, 'Ed448': -53, 'RS256': -257}
CURVES = {'ES256': (ec.SECP256R1(), hashes.SHA256(), 1, 32), 'ES384': (ec.SECP384R1(), hashes.SHA384(), 2, 48),
          'ES512': (ec.SECP521R1(), hashes.SHA512(), 3, 66)}
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def cbor(value):
    def head(major, n):
        if n < 24:
            return bytes([major << 5 | n])
        for code, size, form in ((24, 1, '>B'), (25, 2, '>H'), (26, 4, '>I'), (27, 8, '>Q')):
            if n < 1 << 8 * size:
                return bytes([major << 5 | code]) + struct.pack(form, n)
    if value is True:
        return b'\xf5'
    if value is False:
        return b'\xf4'
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return head(5, len(value)) + b''.join(cbor(k) + cbor(v) for k, v in value.items())
    raise TypeError(value)


class Authenticator:
    def __init__(self, algorithm='ES256', rp_id='pay.example', origin='https://pay.example', counts=True):
        self.algorithm, self.rp_id, self.origin, self.counts = algorithm, rp_id, origin, counts
        self.credential_id = os.urandom(32)
        self.user_handle = os.urandom(16)
        self.counter = 0
        if algorithm in CURVES:
            self.key = ec.generate_private_key(CURVES[algorithm][0])
        elif algorithm == 'EdDSA':
            self.key = ed25519.Ed25519PrivateKey.generate()
        elif algorithm == 'Ed448':
            self.key = ed448.Ed448PrivateKey.generate()
        else:
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def cose(self):
        public, alg = self.key.public_key(), ALGORITHMS[self.algorithm]
        if self.algorithm in CURVES:
            numbers, (_, _, curve, size) = public.public_numbers(), CURVES[self.algorithm]
            return cbor({1: 2, 3: alg, -1: curve, -2: numbers.x.to_bytes(size, 'big'), -3: numbers.y.to_bytes(size, 'big')})
        if self.algorithm == 'RS256':
            numbers = public.public_numbers()
            return cbor({1: 3, 3: alg, -1: numbers.n.to_bytes(256, 'big'), -2: numbers.e.to_bytes(3, 'big')})
        return cbor({1: 1, 3: alg, -1: 6 if self.algorithm == 'EdDSA' else 7, -2: public.public_bytes_raw()})

    def sign(self, data):
        if self.algorithm in CURVES:
            return self.key.sign(data, ec.ECDSA(CURVES[self.algorithm][1]))
        if self.algorithm == 'RS256':
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data)

    def client_data(self, challenge, type='webauthn.get', **members):
        data = {'type': type, 'challenge': b64(challenge) if isinstance(challenge, bytes) else challenge,
                'origin': self.origin, 'crossOrigin': False}
        data.update(members)
        return json.dumps({k: v for k, v in data.items() if v is not None}, separators=(',', ':')).encode()

    def authenticator_data(self, flags=UP | UV, counter=None, extensions=None, rp_id=None, more=b''):
        if counter is None:
            self.counter += self.counts
            counter = self.counter
        return (hashlib.sha256((rp_id or self.rp_id).encode()).digest() + bytes([flags | (ED if extensions else 0)]) +
                struct.pack('>I', counter) + more + (cbor(extensions) if extensions else b''))

    def attested(self):
        """What follows the counter in a registration."""
        return bytes(16) + struct.pack('>H', len(self.credential_id)) + self.credential_id + self.cose()

    def assertion(self, client_data, authenticator_data, **members):
        signature = self.sign(authenticator_data + hashlib.sha256(client_data).digest())
        result = {'id': b64(self.credential_id), 'rawId': b64(self.credential_id), 'type': 'public-key',
                  'response': {'clientDataJSON': b64(client_data), 'authenticatorData': b64(authenticator_data),
                               'signature': b64(signature), 'userHandle': b64(self.user_handle)},
                  'authenticatorAttachment': 'platform', 'clientExtensionResults': {}}
        result.update(members)
        return result

    def get(self, options, **authenticator):
        """navigator.credentials.get, for the publicKey of paysafe.approval_challenge."""
        assert options['rpId'] == self.rp_id
        assert b64(self.credential_id) in [c['id'] for c in options['allowCredentials']]
        return self.assertion(self.client_data(options['challenge']), self.authenticator_data(**authenticator))
