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
