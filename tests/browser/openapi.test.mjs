// `/openapi.json` is a valid OpenAPI 3.1 document that says what a client needs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";

import { startServer } from "./server.mjs";

let server;
let document;
before(async () => {
  server = await startServer();
  const answer = await fetch(`${server.url}/openapi.json`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^application\/([a-z.]+\+)?json/);
  document = await answer.json();
});
after(() => server?.stop());

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Every operation as `[name, operation]`. */
function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => [`${method.toUpperCase()} ${path}`, item[method]]),
  );
}

test("openapi_follows_the_schema_of_3_1", async () => {
  const validator = new Validator();
  // A copy: the validator resolves references in place.
  const result = await validator.validate(structuredClone(document));
  assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
  assert.equal(validator.version, "3.1");
});

test("openapi_with_a_fault_is_refused_by_the_same_validator", async () => {
  const broken = structuredClone(document);
  delete broken.info.title;
  assert.equal((await new Validator().validate(broken)).valid, false);
});

test("openapi_names_only_schemes_that_it_defines", () => {
  const defined = new Set(Object.keys(document.components?.securitySchemes ?? {}));
  const named = operations().flatMap(([name, { security = [] }]) =>
    security.flatMap((alternative) => Object.keys(alternative).map((scheme) => [name, scheme])),
  );
  assert.ok(named.length > 0);
  assert.deepEqual(named.filter(([, scheme]) => !defined.has(scheme)), []);
});

test("openapi_offers_the_password_form", () => {
  const flows = Object.values(document.components.securitySchemes).map((scheme) => scheme.flows?.password);
  const urls = flows.filter(Boolean).map((flow) => flow.tokenUrl);
  assert.ok(urls.length > 0);
  for (const url of urls) assert.equal(new URL(url, server.url).href, `${server.url}/oauth/token`);
});

test("openapi_says_which_operations_refuse", () => {
  const guarded = operations().filter(([, { security }]) => security?.some((one) => Object.keys(one).length > 0));
  assert.ok(guarded.some(([name]) => name === "GET /auth/me"), "GET /auth/me has no security");
  const silent = guarded.filter(([, { responses }]) => !responses?.["401"]).map(([name]) => name);
  assert.deepEqual(silent, [], "these need a login but document no 401");
});

test("openapi_operation_ids_are_unique", () => {
  const ids = operations().map(([, { operationId }]) => operationId).filter(Boolean);
  assert.deepEqual(ids.filter((id, at) => ids.indexOf(id) !== at), []);
});
