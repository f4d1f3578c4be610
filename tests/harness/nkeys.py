#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what NATS authenticates by, with nothing but openssl for Ed25519.

    nkeys.py FOLDER

In FOLDER then: user.creds, stranger.creds (of an account that the server does not know),
user.nk, stranger.nk (seeds of NKeys); jwt.conf and nkey.conf, to be included by a
nats-server's configuration. Keys and claims: github.com/nats-io/nkeys (base32 of prefix,
32 bytes and CRC-16/XMODEM, little end first), github.com/nats-io/jwt version 2.
"""
import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
SEED = 18 << 3
DER_BEFORE_SEED = bytes.fromhex("302e020100300506032b657004220420")
NO_LIMITS = {"subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1, "payload": -1}
JETSTREAM = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def text_of(data):
    data += crc16(data).to_bytes(2, "little")
    return base64.b32encode(data).decode().rstrip("=")


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Key:
    def __init__(self, kind):
        raw = openssl("rand", "32")
        self.der = DER_BEFORE_SEED + raw
        spki = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=self.der)
        self.public = text_of(bytes([kind]) + spki[-32:])
        self.seed = text_of(bytes([SEED | kind >> 5, (kind & 31) << 3]) + raw)

    def sign(self, data):
        with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as text:
            key.write(self.der)
            key.flush()
            text.write(data)
            text.flush()
            of = ("-keyform", "DER", "-inkey", key.name, "-in", text.name)
            return openssl("pkeyutl", "-sign", "-rawin", *of)

    def claims(self, subject, name, nats):
        """A JWT of ours about @subject."""
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        body = {"jti": b64(openssl("rand", "16")), "iat": int(time.time()), "iss": self.public}
        body |= {"name": name, "sub": subject, "nats": nats | {"version": 2}}
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, body))
        return f"{text}.{b64(self.sign(text.encode()))}"


def account(operator, key, name, more):
    limits = NO_LIMITS | more
    return operator.claims(key.public, name, {"type": "account", "limits": limits})


def write(path, text):
    path.touch(mode=0o600)
    path.write_text(text)


def credentials(folder, name, owner):
    user = Key(USER)
    claims = {"type": "user", "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
    jwt = owner.claims(user.public, name, claims)
    lines = ["-----BEGIN NATS USER JWT-----", jwt, "------END NATS USER JWT------", ""]
    lines += ["-----BEGIN USER NKEY SEED-----", user.seed, "------END USER NKEY SEED------", ""]
    write(folder / f"{name}.creds", "\n".join(lines))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(mode=0o700, exist_ok=True)
    operator, system, owner, other = (Key(kind) for kind in (OPERATOR, ACCOUNT, ACCOUNT, ACCOUNT))
    credentials(folder, "user", owner)
    credentials(folder, "stranger", other)
    accounts = {
        system.public: account(operator, system, "SYS", {}),
        owner.public: account(operator, owner, "PIPELINE", JETSTREAM),
    }
    said = operator.claims(operator.public, "tests", {"type": "operator", "system_account": system.public})
    lines = [f"operator: {said}", f"system_account: {system.public}", "resolver: MEMORY", "resolver_preload: {"]
    lines += [f"  {key}: {jwt}" for key, jwt in accounts.items()] + ["}", ""]
    (folder / "jwt.conf").write_text("\n".join(lines))

    user, stranger = Key(USER), Key(USER)
    write(folder / "user.nk", user.seed + "\n")
    write(folder / "stranger.nk", stranger.seed + "\n")
    (folder / "nkey.conf").write_text(f"authorization: {{users: [{{nkey: {user.public}}}]}}\n")


if __name__ == "__main__":
    main()
