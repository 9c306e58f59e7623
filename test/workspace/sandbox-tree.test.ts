import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { copyTree } from "../../src/workspace/sandbox-tree";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sandbox-tree-"));
  write("checkout", "flux/apps/app/base/deployment.yaml", "kind: Deployment\n");
  write("checkout", KUSTOMIZATION, "# kept\nresources:\n  - database.yaml\n");
  write("checkout", SECRET, "kind: Secret\nsops: {}\n");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const SECRET = "flux/apps/app/staging/secrets/database.yaml";
const KUSTOMIZATION = "flux/apps/app/staging/secrets/kustomization.yaml";

function write(place: "checkout" | "sandbox", file: string, text: string): void {
  mkdirSync(dirname(join(root, place, file)), { recursive: true });
  writeFileSync(join(root, place, file), text);
}
const read = (file: string): string => readFileSync(join(root, "sandbox", file), "utf8");
const copy = (): void => copyTree(join(root, "checkout"), join(root, "sandbox"), ["staging"]);

test("a sandbox doesn't get the real clouds' encrypted secrets, and its tree doesn't list them", () => {
  mkdirSync(join(root, "sandbox"));
  copy();
  expect(read("flux/apps/app/base/deployment.yaml")).toBe("kind: Deployment\n");
  expect(existsSync(join(root, "sandbox", SECRET))).toBe(false);
  expect(read(KUSTOMIZATION)).toContain("# kept\n");
  expect(parse(read(KUSTOMIZATION))).toEqual({ resources: [] });
});

test("what the sandbox has of its own stays: its secrets, and what was changed there", () => {
  mkdirSync(join(root, "sandbox"));
  copy();
  write("sandbox", SECRET, "the sandbox's own\n");
  write("sandbox", KUSTOMIZATION, "# kept\nresources:\n  - database.yaml\n");
  write("sandbox", "flux/apps/app/base/deployment.yaml", "changed\n");
  write("checkout", "flux/apps/app/base/service.yaml", "kind: Service\n");
  copy();
  expect(read(SECRET)).toBe("the sandbox's own\n");
  expect(parse(read(KUSTOMIZATION))).toEqual({ resources: ["database.yaml"] });
  expect(read("flux/apps/app/base/deployment.yaml")).toBe("changed\n");
  expect(read("flux/apps/app/base/service.yaml")).toBe("kind: Service\n");
});

test("what was removed in the sandbox stays removed, and what is new in the checkout still arrives", () => {
  write("checkout", "flux/apps/other/base/deployment.yaml", "kind: Deployment\n");
  write("checkout", "flux/clusters/staging/app.yaml", "kind: Kustomization\n");
  copy();
  const has = (path: string): boolean => existsSync(join(root, "sandbox/flux", path));
  for (const path of ["apps/app", "clusters/staging/app.yaml"]) {
    expect(has(path)).toBe(true);
    rmSync(join(root, "sandbox/flux", path), { recursive: true });
  }
  write("sandbox", "flux/clusters/qa/other.yaml", "kind: Kustomization\n");
  write("checkout", "flux/apps/app/base/service.yaml", "kind: Service\n");
  write("checkout", "flux/apps/third/base/deployment.yaml", "kind: Deployment\n");
  write("checkout", "flux/clusters/staging/third.yaml", "kind: Kustomization\n");
  for (const _ of ["first", "second"]) {
    copy();
    expect(has("apps/app")).toBe(false);
    expect(has("clusters/staging/app.yaml")).toBe(false);
    expect(has("apps/other/base/deployment.yaml")).toBe(true);
    expect(has("apps/third/base/deployment.yaml")).toBe(true);
    expect(has("clusters/staging/third.yaml")).toBe(true);
    expect(has("clusters/qa/other.yaml")).toBe(true);
  }
  // A new file leaves the earlier ones on the record.
  rmSync(join(root, "sandbox/flux/apps/third"), { recursive: true });
  rmSync(join(root, "checkout/flux/apps/other"), { recursive: true });
  copy();
  rmSync(join(root, "sandbox/flux/apps/other"), { recursive: true });
  write("checkout", "flux/apps/other/base/deployment.yaml", "kind: Deployment\n");
  copy();
  expect([has("apps/third"), has("apps/other")]).toEqual([false, false]);
  // Without its flux/ a sandbox gets the checkout's again.
  rmSync(join(root, "sandbox/flux"), { recursive: true });
  copy();
  expect([has("apps/app/base/service.yaml"), has("apps/third/base/deployment.yaml")]).toEqual([true, true]);
});
