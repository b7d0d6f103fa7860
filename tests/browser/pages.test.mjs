// The pages for people: on a phone as on a desk, in the dark, with the script that copies a code.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openPage, startChromium } from "./chromium.mjs";
import { startServer } from "./server.mjs";

const CODE = `pci_${"A".repeat(43)}`;
const PAGES = [
  "/",
  "/setup",
  "/setup/done",
  "/accept-invitation",
  `/accept-invitation?token=${CODE}`,
  "/accept-invitation/done",
  `/verify-email?token=pcv_${"A".repeat(43)}`,
  "/verify-email/again",
];

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
    await tab.page.goto(`${server.url}${path}`);
    await work(tab.page);
    assert.deepEqual(tab.outside(), [], "the page asked another host");
    assert.deepEqual(tab.faults, [], "the page's scripts failed");
  } finally {
    await tab.close();
  }
}

test("pages_fit_a_phone_and_a_desk", async () => {
  for (const path of PAGES) {
    await opened(path, async (page) => {
      for (const width of [320, 390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        const needed = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(needed <= width, `${path} needs ${needed} of ${width} pixels`);
        await kept(page, path, width);
      }
      const logo = page.locator("header img");
      assert.ok(await logo.evaluate((image) => image.complete && image.naturalWidth > 0), `${path}: the logo`);
    });
  }
});

/** A picture for whoever wants to look: PORTCULLIS_PICTURES names the folder. */
async function kept(page, path, width) {
  const folder = process.env.PORTCULLIS_PICTURES;
  if (!folder) return;
  const name = path.replace(/\?.*/, "-code").replaceAll("/", "_");
  await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
}

test("the_code_of_an_invitation_is_copied", () =>
  opened(`/accept-invitation?token=${CODE}`, async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
    await page.getByRole("button", { name: "Copy the code" }).click();
    await page.getByText("Copied.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), CODE);
  }));

test("a_code_that_may_not_be_copied_is_selected", () =>
  opened(`/accept-invitation?token=${CODE}`, async (page) => {
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
    });
    await page.getByRole("button", { name: "Copy the code" }).click();
    await page.getByText("the code is selected").waitFor();
    assert.equal(await page.evaluate(() => getSelection().toString().trim()), CODE);
  }));

test("an_invitation_with_a_wrong_password_is_not_accepted", () =>
  opened(`/accept-invitation?token=${CODE}`, async (page) => {
    await page.getByLabel("E-mail address or user name").fill("nobody@example.com");
    await page.getByLabel("Password").fill("correct-horse-battery-staple-9");
    await page.getByRole("button", { name: "Accept the invitation" }).click();
    await page.getByText("There is no account with this name and this password.").waitFor();
    assert.ok(!page.url().includes(CODE), "the code has left the address");
    await page.getByRole("button", { name: "Copy the code" }).waitFor();
  }));
