"""Signed requests, as PyPI's http-message-signatures signs and verifies them; and the simple form, with nothing but hmac."""

import datetime
import hashlib
import hmac
import json
import pathlib
import unittest

import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

VECTORS = json.loads((pathlib.Path(__file__).parent / "vectors" / "signatures.json").read_text(encoding="utf-8"))
MESSAGE = VECTORS["request"]
ALGORITHMS = {"hmac-sha256": algorithms.HMAC_SHA256, "ed25519": algorithms.ED25519}
COVERED = ("@method", "@authority", "@path", "@query", "content-digest")


class Keys(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id):
        if key_id == "acme-1":
            return VECTORS["secret"].encode()
        return load_pem_private_key(VECTORS["private_key"].encode(), None)

    def resolve_public_key(self, key_id):
        if key_id == "acme-1":
            return VECTORS["secret"].encode()
        return load_pem_public_key(VECTORS["public_key"].encode())


def message():
    request = requests.Request(
        MESSAGE["method"],
        MESSAGE["url"],
        headers={"Content-Type": "application/json", "Content-Digest": MESSAGE["content_digest"]},
        data=MESSAGE["body"],
    )
    return request.prepare()


def signed(vector):
    request = message()
    request.headers["Signature-Input"] = vector["signature_input"]
    request.headers["Signature"] = vector["signature"]
    return request


class Signatures(unittest.TestCase):
    def verify(self, vector, request):
        verifier = HTTPMessageVerifier(
            signature_algorithm=ALGORITHMS[vector["algorithm"]], key_resolver=Keys()
        )
        # Ends that have passed are refused whatever the age may be.
        return verifier.verify(request, max_age=None, require_components=COVERED, body=MESSAGE["body"].encode())

    def test_what_portcullis_signs_is_verified(self):
        ours = [vector for vector in VECTORS["signatures"] if vector["signer"] == "portcullis"]
        self.assertEqual(len(ours), 2)
        for vector in ours:
            with self.subTest(vector["algorithm"]):
                self.verify(vector, signed(vector))
                changed = signed(vector)
                changed.url = changed.url.replace("a=1", "a=3")
                with self.assertRaises(InvalidSignature):
                    self.verify(vector, changed)

    def test_what_is_signed_here_is_what_portcullis_verified(self):
        theirs = [vector for vector in VECTORS["signatures"] if vector["signer"].startswith("PyPI")]
        self.assertEqual(len(theirs), 2)
        for vector, key_id in zip(theirs, ("acme-1", "edward")):
            with self.subTest(vector["algorithm"]):
                request = message()
                signer = HTTPMessageSigner(
                    signature_algorithm=ALGORITHMS[vector["algorithm"]], key_resolver=Keys()
                )
                signer.sign(
                    request,
                    key_id=key_id,
                    created=datetime.datetime.fromtimestamp(MESSAGE["created"]),
                    nonce="n-python",
                    covered_component_ids=COVERED,
                    use_existing_digest=True,
                )
                self.assertEqual(request.headers["Signature-Input"], vector["signature_input"])
                self.assertEqual(request.headers["Signature"], vector["signature"])

    def test_simple_form_is_an_hmac_of_six_lines(self):
        simple = VECTORS["simple"]
        body = hashlib.sha256(MESSAGE["body"].encode()).hexdigest()
        lines = [MESSAGE["method"], MESSAGE["path"], MESSAGE["query"], body, str(MESSAGE["created"]), "n-simple"]
        self.assertEqual(lines, simple["lines"])
        tag = hmac.new(VECTORS["secret"].encode(), "\n".join(lines).encode(), "sha256")
        self.assertEqual(tag.hexdigest(), simple["signature"])


if __name__ == "__main__":
    unittest.main()
