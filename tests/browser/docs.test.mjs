// `/docs` and `/redoc`: readable without a network, and usable with one's own account.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { register } from "./account.mjs";
import { openPage, startChromium } from "./chromium.mjs";
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

async function opened(path, work) {
  const tab = await openPage(browser);
  try {
    await tab.page.goto(server.url + path);
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
