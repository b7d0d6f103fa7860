// Types made of the document by openapi-typescript: a program that uses them compiles strictly and calls the server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { startServer } from "../browser/server.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const packages = join(here, "node_modules");

/** Runs one of the installed programs; what it says stands in the error. */
const run = (program, ...args) =>
  promisify(execFile)(process.execPath, [join(packages, program), ...args], { cwd: here }).catch((error) => {
    throw new Error(`${program}: ${error.stdout}${error.stderr}`);
  });

test("types_made_of_the_document_compile_and_their_client_calls_the_server", async () => {
  const server = await startServer();
  // Beside the packages that the program imports.
  const folder = await mkdtemp(join(packages, ".generated-"));
  try {
    const answer = await fetch(`${server.url}/openapi.json?scheme=bearer`);
    assert.equal(answer.status, 200);
    await writeFile(join(folder, "openapi.json"), await answer.text());
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await run("openapi-typescript/bin/cli.js", join(folder, "openapi.json"), "--output", join(folder, "schema.ts"));
    await copyFile(join(here, "walk.ts"), join(folder, "walk.ts"));
    const options = ["--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022"];
    await run("typescript/bin/tsc", ...options, "--skipLibCheck", join(folder, "walk.ts"));
    const { walk } = await import(pathToFileURL(join(folder, "walk.js")).href);
    await walk(server.url);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await server.stop();
  }
});
