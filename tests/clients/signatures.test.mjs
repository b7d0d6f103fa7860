// Signed requests, as npm's http-message-signatures signs and verifies them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import signatures from "http-message-signatures";

const { createSigner, createVerifier, httpbis } = signatures;
const vectors = JSON.parse(await readFile(new URL("vectors/signatures.json", import.meta.url), "utf8"));
const { request } = vectors;
const fields = ["@method", "@authority", "@path", "@query", "content-digest"];

const message = (headers = {}) => ({
  method: request.method,
  url: request.url,
  headers: { "content-type": "application/json", "content-digest": request.content_digest, ...headers },
});

const verify = (vector, signed) => {
  const key = vector.algorithm === "ed25519" ? vectors.public_key : vectors.secret;
  const verifier = createVerifier(key, vector.algorithm);
  const keyLookup = async ({ keyid }) => ({ id: keyid, algs: [vector.algorithm], verify: verifier });
  const config = { keyLookup, requiredFields: fields, requiredParams: ["created", "keyid", "nonce"] };
  return httpbis.verifyMessage(config, signed);
};

for (const vector of vectors.signatures.filter(({ signer }) => signer === "portcullis")) {
  test(`what_portcullis_signs_with_${vector.algorithm}_is_verified`, async () => {
    const headers = { "signature-input": vector.signature_input, signature: vector.signature };
    assert.equal(await verify(vector, message(headers)), true);
    const changed = message(headers);
    changed.url = changed.url.replace("a=1", "a=3");
    assert.notEqual(await verify(vector, changed).catch(() => false), true);
  });
}

for (const vector of vectors.signatures.filter(({ signer }) => signer.startsWith("npm"))) {
  test(`what_is_signed_here_with_${vector.algorithm}_is_what_portcullis_verified`, async () => {
    const key =
      vector.algorithm === "ed25519"
        ? createSigner(vectors.private_key, "ed25519", "edward")
        : createSigner(vectors.secret, "hmac-sha256", "acme-1");
    const signed = await httpbis.signMessage(
      {
        key,
        name: "sig1",
        fields,
        params: ["created", "expires", "keyid", "alg", "nonce"],
        paramValues: {
          created: new Date(request.created * 1000),
          expires: new Date((request.created + 300) * 1000),
          nonce: "n-node",
        },
      },
      message(),
    );
    assert.equal(signed.headers["Signature-Input"], vector.signature_input);
    assert.equal(signed.headers.Signature, vector.signature);
  });
}
