// Accounts for the tests, made through the public API.
import assert from "node:assert/strict";

/** Registers an account and returns what it logs in with. */
export async function register(url, name) {
  const account = { email: `${name}@example.com`, password: "correct-horse-battery-staple-9" };
  const answer = await fetch(`${url}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(account),
  });
  assert.equal(answer.status, 201, await answer.text());
  return account;
}
