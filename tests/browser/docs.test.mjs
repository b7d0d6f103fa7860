// `/docs` and `/redoc`: readable without a network, and usable with one's own account.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { register } from "./account.mjs";
import { openPage, startChromium } from "./chromium.mjs";
import { startPrefix } from "./prefix.mjs";
import { startServer } from "./server.mjs";

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function opened(path, work, base = server.url) {
  const tab = await openPage(browser);
  try {
    await tab.page.goto(base + path);
    await work(tab);
    assert.deepEqual(tab.outside(), [], "the page asked another host");
    assert.deepEqual(tab.faults, [], "the page's scripts failed");
  } finally {
    await tab.close();
  }
}

async function apiTitle() {
  const answer = await fetch(`${server.url}/openapi.json`);
  return (await answer.json()).info.title;
}

/** Unfolds `GET /auth/me`, sends it, and returns the status and the body that the page shows. */
async function tryMe(page) {
  const operation = page.locator(".opblock-get").filter({ has: page.locator('[data-path="/auth/me"]') });
  const send = operation.locator(".execute");
  if (!(await send.isVisible())) {
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".try-out__btn").click();
  }
  const answered = page.waitForResponse((response) => response.url().endsWith("/auth/me"));
  await send.click();
  await answered;
  const shown = operation.locator(".live-responses-table .response").first();
  await shown.waitFor();
  return {
    status: (await shown.locator(".response-col_status").innerText()).trim().slice(0, 3),
    body: await shown.locator(".response-col_description").innerText(),
  };
}

/** Fills the password form of the Authorize dialog. */
async function authorize(page, username, password) {
  await page.locator(".btn.authorize").first().click();
  const form = page.locator(".auth-container").filter({ has: page.locator("#oauth_username") }).first();
  await form.locator("#oauth_username").fill(username);
  await form.locator("#oauth_password").fill(password);
  const answered = page.waitForResponse((response) => response.url().endsWith("/oauth/token"));
  await form.locator("button.authorize").click();
  return { form, status: (await answered).status() };
}

test("docs_without_login_refuse_the_call", () =>
  opened("/docs", async ({ page }) => {
    assert.equal((await tryMe(page)).status, "401");
  }));

test("docs_with_a_wrong_password_stay_locked", () =>
  opened("/docs", async ({ page }) => {
    const { email } = await register(server.url, "wrong");
    const { form, status } = await authorize(page, email, "not-the-password-of-anybody");
    assert.equal(status, 400);
    await form.locator(".errors").first().waitFor();
    await page.locator(".close-modal").first().click();
    assert.equal((await tryMe(page)).status, "401");
  }));

test("docs_with_the_password_form_call_a_protected_route", () =>
  opened("/docs", async ({ page }) => {
    const { email, password } = await register(server.url, "reader");
    const { status } = await authorize(page, email, password);
    assert.equal(status, 200);
    await page.locator(".modal-ux").getByText("Authorized", { exact: true }).waitFor();
    await page.locator(".btn-done").first().click();
    const shown = await tryMe(page);
    assert.equal(shown.status, "200", shown.body);
    assert.ok(shown.body.includes(email), shown.body);
  }));

test("docs_carry_the_name_of_the_api", () =>
  opened("/docs", async ({ page }) => {
    const title = await apiTitle();
    assert.ok(title);
    assert.ok((await page.title()).includes(title), await page.title());
    const heading = await page.locator(".info .title").innerText();
    assert.ok(heading.includes(title), heading);
  }));

test("redoc_shows_the_operations", () =>
  opened("/redoc", async ({ page }) => {
    await page.getByRole("heading", { name: await apiTitle() }).first().waitFor();
    await page.getByText("/auth/me").first().waitFor({ state: "attached" });
  }));

/** Logs in by cookie, as a page of ours does, in the browser that shows `page`. */
async function logInByCookie(page, identifier, password) {
  const status = await page.evaluate(
    async (form) => {
      const answer = await fetch("auth/login", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(form),
      });
      return answer.status;
    },
    { identifier, password, delivery: "cookie" },
  );
  assert.equal(status, 200);
}

test("docs_call_with_what_was_authorized_and_not_with_the_browsers_cookie", () =>
  opened("/docs", async ({ page }) => {
    const { email, password } = await register(server.url, "cookie");
    await logInByCookie(page, email, password);
    assert.equal((await tryMe(page)).status, "200", "the cookie alone");
    const { status } = await authorize(page, email, password);
    assert.equal(status, 200);
    await page.locator(".btn-done").first().click();
    const shown = await tryMe(page);
    assert.equal(shown.status, "200", shown.body);
    const cookies = await page.context().cookies();
    assert.ok(cookies.some(({ name }) => name === "__Host-portcullis"), "the cookie stays");
  }));

for (const path of ["/redoc", "/scalar"]) {
  test(`${path.slice(1)}_leaves_the_cookie_out_of_calls_with_a_credential`, () =>
    opened(path, async ({ page }) => {
      const { email, password } = await register(server.url, `with${path.slice(1)}`);
      await logInByCookie(page, email, password);
      const tokens = await (
        await fetch(`${server.url}/auth/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ identifier: email, password }),
        })
      ).json();
      const ask = (headers) => page.evaluate(async (headers) => (await fetch("auth/me", { headers })).status, headers);
      assert.equal(await ask({ Authorization: `Bearer ${tokens.access_token}` }), 200);
      assert.equal(await ask({}), 200, "the cookie alone");
    }));
}

test("docs_below_a_prefix_call_the_server_below_it", async () => {
  const prefix = await startPrefix(server.url);
  try {
    const { email, password } = await register(server.url, "prefix");
    await opened(
      "/docs",
      async ({ page }) => {
        const { status } = await authorize(page, email, password);
        assert.equal(status, 200);
        await page.locator(".btn-done").first().click();
        const shown = await tryMe(page);
        assert.equal(shown.status, "200", shown.body);
      },
      prefix.url,
    );
    for (const path of ["/redoc", "/scalar"]) {
      await opened(path, ({ page }) => page.getByText("/auth/me").first().waitFor({ state: "attached" }), prefix.url);
    }
    await opened("/", ({ page }) => page.getByRole("link", { name: "Swagger" }).click(), prefix.url);
  } finally {
    prefix.stop();
  }
});
