import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { withTemporaryFolder } from "../../src/terraform";

let mockFolder: string;
jest.mock("node:os", () => ({ ...jest.requireActual("node:os"), tmpdir: () => mockFolder }));
beforeEach(() => {
  mockFolder = mkdtempSync(join(jest.requireActual("node:os").tmpdir(), "temporary-folder-"));
});
afterEach(() => rmSync(mockFolder, { recursive: true, force: true }));

test("is its owner's alone, has the number of its process, and is gone afterwards", async () => {
  await withTemporaryFolder("kubeconfig", (path) => {
    expect(readdirSync(mockFolder)).toEqual([basename(path)]);
    expect(basename(path)).toMatch(new RegExp(`^hybrid-gitops-${process.pid}-kubeconfig-`));
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });
  expect(readdirSync(mockFolder)).toEqual([]);
});

test("what a killed process left is removed; what is a living one's, or somebody else's, stays", async () => {
  const { pid } = spawnSync("true");
  const stay = [`hybrid-gitops-${process.ppid}-kubeconfig-a`, "hybrid-gitops-faults-b", `other-${pid}-c`];
  for (const name of [`hybrid-gitops-${pid}-kubeconfig-x`, ...stay]) {
    mkdirSync(join(mockFolder, name));
    writeFileSync(join(mockFolder, name, "kubeconfig"), "token");
  }
  await withTemporaryFolder("state", () => {
    expect(existsSync(join(mockFolder, `hybrid-gitops-${pid}-kubeconfig-x`))).toBe(false);
  });
  expect(readdirSync(mockFolder).sort()).toEqual([...stay].sort());
});
