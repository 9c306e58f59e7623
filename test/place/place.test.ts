import { join } from "node:path";
import { bringBack, npmRunIn, sandboxAt, shellIn, shownPath } from "../../src/place";
import { REPOSITORY } from "../support/example";

const CHECKOUT = REPOSITORY;
const MINE = join(CHECKOUT, ".sandbox", "mine");

test("a directory tells its sandbox, also from below, and the checkout is none", () => {
  expect(
    [MINE, `${MINE}/cdktf.out/stacks/staging-cluster`, CHECKOUT, "", join(CHECKOUT, ".sandbox")].map(
      sandboxAt,
    ),
  ).toEqual(["mine", "mine", undefined, undefined, undefined]);
});

test("a checkout below another one's sandboxes is in none of its own", () => {
  const other = join(MINE, "..", "..", "..", ".sandbox", "project");
  expect([other, join(other, ".sandbox", "x"), join(MINE, "checkout")].map(sandboxAt)).toEqual([
    undefined,
    undefined,
    "mine",
  ]);
});

test("files are named from the checkout, where npm runs commands", () => {
  expect(shownPath(MINE, ".secrets/staging/age.agekey")).toBe(".sandbox/mine/.secrets/staging/age.agekey");
  expect(shownPath(CHECKOUT, ".secrets/staging/age.agekey")).toBe(".secrets/staging/age.agekey");
});

test("commands have the sandbox behind their subcommand and before their options", () => {
  expect(npmRunIn(MINE, "deploy")).toBe("npm run deploy -- --sandbox mine");
  expect(npmRunIn(MINE, "secrets", "edit", "app/x", "--environment", "staging")).toBe(
    "npm run secrets -- edit app/x --sandbox mine --environment staging",
  );
  expect(npmRunIn(CHECKOUT, "secrets", "check")).toBe("npm run secrets -- check");
  expect(npmRunIn(CHECKOUT, "deploy")).toBe("npm run deploy");
});

test("other programs are run in the sandbox, whose .sops.yaml they find there", () => {
  expect(shellIn(MINE, "sops updatekeys flux/x.yaml")).toBe(
    "(cd .sandbox/mine && sops updatekeys flux/x.yaml)",
  );
  expect(shellIn(CHECKOUT, "sops updatekeys flux/x.yaml")).toBe("sops updatekeys flux/x.yaml");
});

test("Git brings nothing of a sandbox back", () => {
  expect(bringBack(CHECKOUT, ".sops.yaml")).toBe("restore it with `git checkout -- .sops.yaml`");
  expect(bringBack(MINE, ".sops.yaml")).toBe(
    "Git has no copy of a sandbox's files: delete .sandbox/mine/.sops.yaml if it is there, and npm run secrets -- create --sandbox mine recreates it",
  );
});
