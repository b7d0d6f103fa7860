// Debian's Chromium, driven by playwright-core, with everything that talks to the outside switched off.
import { chromium } from "playwright-core";

/** Starts the browser. The sandbox needs a user other than root, and the tests run as root in CI. */
export function startChromium() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * Opens a page that records what it asks for, and what goes wrong in it. A request that would leave the machine is
 * refused, and stays in the list.
 */
export async function openPage(browser) {
  const context = await browser.newContext();
  const requests = [];
  const faults = [];
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("pageerror", (error) => faults.push(error.message));
  await context.route("**", (route) => {
    const url = route.request().url();
    requests.push(url);
    return isOutside(url) ? route.abort() : route.continue();
  });
  return { page, faults, outside: () => requests.filter(isOutside), close: () => context.close() };
}

function isOutside(url) {
  const { protocol, hostname } = new URL(url);
  return !["data:", "blob:", "about:"].includes(protocol) && !["localhost", "127.0.0.1"].includes(hostname);
}
