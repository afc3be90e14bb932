"""A passkey in software, of what every server has: OpenSSL's program and this Python.

  passkey.py new FILE        a key; prints SQL arguments: credential_id => ..., cose_key => ...
  passkey.py sign FILE       options (JSON) on standard input; prints the assertion
"""
import base64
import hashlib
import json
import struct
import subprocess
import sys

RP_ID, ORIGIN = 'pay.example', 'https://pay.example'


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def openssl(*arguments, data=None):
    return subprocess.run(['openssl', *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def credential(path):
    return hashlib.sha256(open(path, 'rb').read()).digest()


def new(path):
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path)
    # the last 64 bytes of a P-256 key's SPKI are its point
    point = openssl('ec', '-in', path, '-pubout', '-outform', 'DER')[-64:]
    cose = bytes.fromhex('a5010203262001215820') + point[:32] + bytes.fromhex('225820') + point[32:]
    print(f"credential_id => '\\x{credential(path).hex()}', cose_key => '\\x{cose.hex()}', "
          f"rp_id => '{RP_ID}', origins => '{{{ORIGIN}}}'")


def sign(path):
    options = json.load(sys.stdin)['publicKey']
    client = json.dumps({'type': 'webauthn.get', 'challenge': options['challenge'], 'origin': ORIGIN,
                         'crossOrigin': False}, separators=(',', ':')).encode()
    # present and recognised; it does not count
    device = hashlib.sha256(RP_ID.encode()).digest() + b'\x05' + struct.pack('>I', 0)
    signature = openssl('dgst', '-sha256', '-sign', path, data=device + hashlib.sha256(client).digest())
    name = b64(credential(path))
    print(json.dumps({'id': name, 'rawId': name, 'type': 'public-key', 'response': {
        'clientDataJSON': b64(client), 'authenticatorData': b64(device), 'signature': b64(signature)}}))


{'new': new, 'sign': sign}[sys.argv[1]](sys.argv[2])
