// The real server, one per test file: a free port, an empty data folder, both gone afterwards.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 20_000;
const END_MS = 10_000;

/**
 * Starts the binary named by PORTCULLIS_BIN and waits until it says where it listens.
 * @returns {Promise<{url: string, setupUrl: string | undefined, stop: () => Promise<void>}>}
 */
export async function startServer() {
  const binary = process.env.PORTCULLIS_BIN;
  if (!binary) throw new Error("PORTCULLIS_BIN must name the server's binary; `cargo xtask test browser` sets it");
  const home = await mkdtemp(join(tmpdir(), "portcullis-browser-"));
  const args = ["serve", "--listen", "127.0.0.1:0", "--data", join(home, "data")];
  const child = spawn(binary, args, { cwd: home, env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  // If this process is ended, the server goes with it.
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);

  const stop = async () => {
    process.off("exit", endWithUs);
    if (child.exitCode === null && child.signalCode === null) {
      const force = setTimeout(() => child.kill("SIGKILL"), END_MS);
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      clearTimeout(force);
    }
    await rm(home, { recursive: true, force: true });
  };
  try {
    return { ...(await readiness(child)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves with the addresses the server prints; the set-up link may stand before or after the other line. */
function readiness(child) {
  let log = "";
  child.stderr.on("data", (chunk) => (log = (log + chunk).slice(-4000)));
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      reject(new Error(`the server ${why}; it logged:\n${log}`));
    };
    const timer = setTimeout(() => fail("doesn't say that it listens and where to set it up"), START_MS);
    child.once("error", (error) => fail(`can't be started: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    const found = {};
    createInterface({ input: child.stdout }).on("line", (line) => {
      found.url ??= line.match(/listening on (http:\/\/localhost:\d+)/)?.[1];
      found.setupUrl ??= line.match(/set-up:\s+(http:\/\/\S+)/)?.[1];
      if (found.url && found.setupUrl) {
        clearTimeout(timer);
        child.removeAllListeners("exit");
        resolve(found);
      }
    });
  });
}

function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PORTCULLIS_")));
}
