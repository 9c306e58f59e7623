import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        hasInstallScript?: boolean;
        optionalDependencies?: Record<string, string>;
        resolved?: string;
        version?: string;
      }
    >
  >;
}
const lock: Lock = JSON.parse(readFileSync(join(REPOSITORY, "package-lock.json"), "utf8"));
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));

test("the lock file has the packages of every platform, so that npm ci works on all of them", () => {
  const names = new Set(
    Object.keys(lock.packages).map((path) =>
      path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
    ),
  );
  const missing = Object.values(lock.packages)
    .flatMap(({ optionalDependencies = {} }) => Object.entries(optionalDependencies))
    .filter(([name, version]) => /^\d/.test(version) && !names.has(name))
    .map(([name]) => name);
  // Mended by `node scripts/complete-lock.mjs`.
  expect(missing).toEqual([]);
});

test("the lock file names no registry", () => {
  expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

test("every dependency is pinned to an exact version", () => {
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect([name, version]).toEqual([name, expect.stringMatching(/^(?:npm:\S+@)?\d+\.\d+\.\d+$/)]);
  }
});

// Newer versions of npm leave install scripts out, and a laptop may have no compiler: node-pty compiled itself on Node 24 (decision 0001).
test("no package needs its install script", () => {
  const scripts = Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace("node_modules/", ""));
  // Each of these finds its binary in a package of the platform, or only prints.
  expect(scripts.sort()).toEqual(["@parcel/watcher", "@swc/core", "esbuild", "protobufjs"]);
});
