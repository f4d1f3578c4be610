#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_tokens.py FOLDER: a key of each kind, their set, and tokens good and bad.

Writes FOLDER/jwks.json and FOLDER/NAME.jwt: rs256, es256, hs256, and what must be
refused: expired, early, none, confused (HS256 with the RSA key's text as secret),
unknown (kid), forged (claims changed), foreign (signed by a key outside the set).
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time

FOLDER = sys.argv[1]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


def path(name):
    return os.path.join(FOLDER, name)


def make_key(name, *how):
    openssl("genpkey", "-out", path(name), *how)
    return name


def rsa_members(name):
    text = openssl("rsa", "-in", path(name), "-noout", "-modulus").decode()
    return {"n": b64(bytes.fromhex(text.strip().split("=")[1])), "e": "AQAB"}


def ec_members(name):
    der = openssl("pkey", "-in", path(name), "-pubout", "-outform", "DER")
    return {"crv": "P-256", "x": b64(der[-64:-32]), "y": b64(der[-32:])}


def raw_signature(der):
    """r and s of 32 bytes each, out of SEQUENCE { INTEGER, INTEGER }."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return numbers


def sign(algorithm, key, text):
    if algorithm == "HS256":
        return hmac.new(key, text, hashlib.sha256).digest()
    signature = openssl("dgst", "-sha256", "-sign", path(key), data=text)
    return raw_signature(signature) if algorithm == "ES256" else signature


def token(name, algorithm, key, kid, **change):
    now = int(time.time())
    claims = {"tenant_id": "acme", "iat": now, "exp": now + 600, "iss": "tests"} | change
    text = (b64(json.dumps({"alg": algorithm, "kid": kid, "typ": "JWT"}).encode()) + "." +
            b64(json.dumps(claims).encode()))
    made = text + "." + b64(sign(algorithm, key, text.encode()) if key else b"")
    with open(path(name + ".jwt"), "w", encoding="ascii") as out:
        out.write(made)
    return made


def main():
    rsa = make_key("rsa.key", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    foreign = make_key("foreign.key", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    curve = make_key("ec.key", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    secret = os.urandom(32)
    keys = [
        {"kty": "RSA", "kid": "r1", "use": "sig", "alg": "RS256"} | rsa_members(rsa),
        {"kty": "EC", "kid": "e1", "use": "sig"} | ec_members(curve),
        {"kty": "oct", "kid": "h1", "k": b64(secret)},
    ]
    with open(path("jwks.json"), "w", encoding="ascii") as out:
        json.dump({"keys": keys}, out)
    public = openssl("pkey", "-in", path(rsa), "-pubout")
    now = int(time.time())
    good = token("rs256", "RS256", rsa, "r1")
    token("es256", "ES256", curve, "e1", roles=["admin"])
    token("hs256", "HS256", secret, "h1", tenant_id="beta")
    token("expired", "RS256", rsa, "r1", exp=now - 3600)
    token("early", "RS256", rsa, "r1", nbf=now + 3600)
    token("none", "none", None, "r1")
    token("confused", "HS256", public, "r1")
    token("unknown", "RS256", rsa, "r2")
    token("foreign", "RS256", foreign, "r1")
    head, _, tail = good.split(".")
    claims = {"tenant_id": "beta", "exp": now + 600, "iss": "tests"}
    with open(path("forged.jwt"), "w", encoding="ascii") as out:
        out.write(head + "." + b64(json.dumps(claims).encode()) + "." + tail)


main()
