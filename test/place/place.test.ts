import { addressed, bringBack, npmRunIn, sandboxAt, shellIn, shownPath } from "../../src/place";

const MINE = "/home/somebody/project/.sandbox/mine";
const CHECKOUT = "/home/somebody/project";

test("a directory tells its sandbox, also from below, and the checkout is none", () => {
  expect(
    [MINE, `${MINE}/cdktf.out/stacks/staging-cluster`, CHECKOUT, "", "/x/.sandbox"].map(sandboxAt),
  ).toEqual(["mine", "mine", undefined, undefined, undefined]);
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
    "Git has no copy of a sandbox's files: delete .sandbox/mine/.sops.yaml if it is there, and npm run secrets -- create --sandbox mine makes it anew",
  );
});

test.each([
  [
    "run npm run secrets -- check (npm run validate -- --fix does it), then npm run deploy.",
    "run npm run secrets -- check --sandbox mine (npm run validate -- --sandbox mine --fix does it), then npm run deploy -- --sandbox mine.",
  ],
  [
    "npm run secrets -- edit app/x, npm run deploy",
    "npm run secrets -- edit --sandbox mine app/x, npm run deploy -- --sandbox mine",
  ],
  ["flux/apps/x.yaml:3, .sops.yaml", ".sandbox/mine/flux/apps/x.yaml:3, .sandbox/mine/.sops.yaml"],
  ["put it into .env or the environment", "put it into .sandbox/mine/.env or the environment"],
  ["npm run tools; ./flux/x, /a/flux/b, test.env", "npm run tools; ./flux/x, /a/flux/b, test.env"],
])("a text that doesn't know where it is read gets the sandbox: %s", (text, expected) => {
  expect(addressed(MINE, text)).toBe(expected);
  expect(addressed(MINE, expected)).toBe(expected);
  expect(addressed(CHECKOUT, text)).toBe(text);
});
