// The set-up page: the first administrator is made once, by whoever holds the printed link.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openPage, startChromium } from "./chromium.mjs";
import { startServer } from "./server.mjs";

const ADMINISTRATOR = { email: "first@example.com", password: "correct-horse-battery-staple-9" };

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

async function opened(url, work) {
  const tab = await openPage(browser);
  try {
    const answer = await tab.page.goto(url);
    await work(tab.page, answer);
    assert.deepEqual(tab.outside(), [], "the page asked another host");
    assert.deepEqual(tab.faults, [], "the page's scripts failed");
  } finally {
    await tab.close();
  }
}

async function submit(page, { email, password }) {
  await page.locator('input[name="email"]').fill(email);
  await page.locator('input[name="password"]').fill(password);
  await page.locator('input[name="password_again"]').fill(password);
  await page.locator('form button[type="submit"], form input[type="submit"]').first().click();
}

const login = ({ email, password }) =>
  fetch(`${server.url}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ identifier: email, password }),
  });

// One test in steps: each step needs the state that the one before left.
test("setup_makes_the_first_administrator_once", async (t) => {
  await t.test("setup_with_a_wrong_token_shows_no_form", async () => {
    const wrong = new URL(server.setupUrl);
    wrong.searchParams.set("token", "A".repeat(43));
    await opened(wrong.href, async (page, answer) => {
      assert.ok(answer.status() >= 400, `status ${answer.status()}`);
      assert.equal(await page.locator('input[name="password"]').count(), 0);
    });
  });

  await t.test("setup_with_a_weak_password_says_so_and_stays_open", () =>
    opened(server.setupUrl, async (page) => {
      await page.locator("form").first().evaluate((form) => (form.noValidate = true));
      await submit(page, { ...ADMINISTRATOR, password: "short" });
      await page.getByText(/at least 8 characters/i).first().waitFor();
      assert.equal((await login({ ...ADMINISTRATOR, password: "short" })).status, 401);
    }));

  await t.test("setup_with_a_good_password_makes_the_administrator", () =>
    opened(server.setupUrl, async (page) => {
      const field = page.locator('input[name="password"]');
      assert.equal(await field.getAttribute("type"), "password");
      await submit(page, ADMINISTRATOR);
      await page.getByText(/administrator/i).first().waitFor();
      await field.waitFor({ state: "detached" });
      assert.equal((await login(ADMINISTRATOR)).status, 200);
    }));

  await t.test("setup_opened_again_is_closed", () =>
    opened(server.setupUrl, async (page, answer) => {
      assert.ok(answer.status() >= 400, `status ${answer.status()}`);
      await page.getByText(/closed/i).first().waitFor();
      assert.equal(await page.locator('input[name="password"]').count(), 0);
    }));
});
