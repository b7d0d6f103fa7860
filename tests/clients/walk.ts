// What a program in TypeScript does with types made of the document: compiled strictly, then run against the server.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const password = "correct-horse-battery-staple-9";

export async function walk(url: string): Promise<void> {
  const anybody = createClient<paths>({ baseUrl: url });

  const refused = await anybody.POST("/auth/login", { body: { identifier: "nobody", password, delivery: "tokens", remember_me: false } });
  assert.equal(refused.response.status, 401);
  const problem: components["schemas"]["Problem"] | undefined = refused.error;
  assert.equal(problem?.code, "invalid_credentials");
  assert.ok(refused.response.headers.get("www-authenticate"));

  // @ts-expect-error the kind of grant must be named
  const lacking: components["schemas"]["TokenForm"] = { username: "nobody" };
  // @ts-expect-error there is no such path
  void anybody.GET.bind(anybody, "/auth/nowhere");
  assert.ok(lacking);

  const email = "types@example.com";
  const account = await anybody.POST("/auth/register", { body: { email, password } });
  assert.equal(account.response.status, 201);

  const tokens = await anybody.POST("/oauth/token", {
    body: { grant_type: "password", username: email, password },
    bodySerializer: (body) => new URLSearchParams(Object.entries(body ?? {}).map(([name, value]) => [name, String(value)])),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  const issued = tokens.data;
  assert.ok(issued);
  const seconds: number = issued.expires_in;
  assert.ok(seconds > 0);

  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${issued.access_token}` } });
  const me = await client.GET("/auth/me");
  assert.equal(me.data?.email, email);
  const sessions = await client.GET("/auth/sessions");
  const current: boolean[] | undefined = sessions.data?.items.map((session) => session.current);
  assert.deepEqual(current, [true]);

  const made = await client.POST("/auth/organizations", { body: { name: "Types", slug: "types" } });
  assert.equal(made.response.status, 201);
  const members = await client.GET("/auth/organizations/{organization}/members", {
    params: { path: { organization: "types" }, query: { limit: 10 } },
  });
  assert.equal(members.data?.items.length, 1);

  const keys = await anybody.GET("/.well-known/jwks.json");
  assert.ok(keys.data?.keys.every((key) => key.kid));
  const gone = await client.POST("/auth/logout");
  assert.equal(gone.response.status, 204);
  assert.equal((await client.GET("/auth/me")).response.status, 401);
}
