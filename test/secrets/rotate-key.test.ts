import { statSync } from "node:fs";
import { parse } from "yaml";
import { readAgeKey, readAgeKeys } from "../../src/secrets/age-key";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { checkSecrets } from "../../src/secrets/check";
import { beginKeyRotation, finishKeyRotation, nextStep } from "../../src/secrets/rotate-key";
import { clusterRecipients, readRecipients } from "../../src/secrets/sops-configuration";
import { stackInputs } from "../../src/workspace";
import { describeWithSops, SopsProject } from "./sops-project";

const secret = (name: string): ApplicationSecret => ({
  folder: "flux/apps/app",
  name,
  namespace: "app",
  values: { password: { random: "hex", bytes: 32 } },
});
const FILES = ["cache", "database"].map((name) => `flux/apps/app/staging/secrets/${name}.yaml`);
const PRIVATE = ".secrets/staging/age.agekey";
const NEXT = ".secrets/staging/next.agekey";
const PERSON = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

let project: SopsProject;
let before: {
  readonly key: string;
  readonly rules: string;
  readonly files: string[];
  readonly values: unknown;
};
const values = () => ["cache", "database"].map((name) => project.open(name, "staging"));
const begin = (dryRun = false) => beginKeyRotation(project.directory, "staging", project.sops, dryRun);
const finish = (dryRun = false) => finishKeyRotation(project.directory, "staging", project.sops, dryRun);
const step = () => nextStep(project.directory, "staging");
const recipients = () => readRecipients(project.directory, "staging") as string[];
const findings = async () =>
  (await checkSecrets(project.context("staging"), ["production"], project.sops)).findings;
/** Puts texts in the place of the files, the first `from` left out. */
const writeFiles = (texts: readonly string[], from = 0): void => {
  for (const [index, file] of FILES.entries()) if (index >= from) project.write(file, texts[index] as string);
};
/** Opens the files with one private key only, as a cluster that has no other one would. */
const openWith = (key: string): unknown => {
  const present = project.read(PRIVATE);
  project.write(PRIVATE, key);
  try {
    return values();
  } finally {
    project.write(PRIVATE, present);
  }
};

describeWithSops("the rotation of a key", () => {
  beforeEach(async () => {
    project = new SopsProject([secret("cache"), secret("database")]);
    await project.create("staging");
    await project.create("production");
    before = {
      key: project.read(PRIVATE),
      rules: project.read(".sops.yaml"),
      files: FILES.map((file) => project.read(file)),
      values: values(),
    };
  });
  afterEach(() => project.dispose());

  test("its first step encrypts every file for both keys, and the cluster gets both", async () => {
    const [old] = recipients();
    const rotation = await begin();
    const [present] = recipients();
    expect(rotation).toEqual({ environment: "staging", step: "begin", present, retiring: old, files: FILES });
    expect([present === old, clusterRecipients(project.directory, "staging")]).toEqual([
      false,
      [present, old],
    ]);
    const identities = readAgeKeys(project.directory, "staging").map(({ identity }) => identity);
    expect(identities).toHaveLength(2);
    expect(stackInputs({ directory: project.directory }, { name: "staging-flux-configuration" })).toEqual({
      sops_age_key: identities.join("\n"),
    });
    expect(statSync(project.path(PRIVATE)).mode & 0o777).toBe(0o600);
    expect(openWith(before.key)).toEqual(before.values);
    expect(openWith(identities[0] as string)).toEqual(before.values);
    expect([await findings(), step()]).toEqual([[], "finish"]);
  });

  test("its second step leaves the new key only, and keeps the old one for old commits", async () => {
    await begin();
    const rotation = await finish();
    expect(rotation).toMatchObject({ step: "finish", files: FILES, kept: ".secrets/staging/retired.agekey" });
    expect(values()).toEqual(before.values);
    expect(() => openWith(before.key)).toThrow(/no key could decrypt|Failed to get the data key/i);
    expect(project.read(".sops.yaml")).not.toContain(rotation.retiring);
    expect(clusterRecipients(project.directory, "staging")).toEqual([rotation.present]);
    expect(readAgeKeys(project.directory, "staging")).toHaveLength(1);
    expect(project.read(".secrets/staging/retired.agekey")).toContain(before.key.trim());
    expect(statSync(project.path(".secrets/staging/retired.agekey")).mode & 0o777).toBe(0o600);
    expect([await findings(), step()]).toEqual([[], "begin"]);
  });

  test("every commit opens with every key that the cluster can have at that time", async () => {
    const commits = [before.files];
    await begin();
    commits.push(FILES.map((file) => project.read(file)));
    const both = project.read(PRIVATE);
    await finish();
    commits.push(FILES.map((file) => project.read(file)));
    const clusters = [before.key, both, project.read(PRIVATE)];
    // The cluster goes at most one step ahead of Git or behind it.
    const pairs = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ] as const;
    for (const [commit, cluster] of pairs) {
      writeFiles(commits[commit] as string[]);
      expect([commit, cluster, openWith(clusters[cluster] as string)]).toEqual([
        commit,
        cluster,
        before.values,
      ]);
    }
  });

  test("a dry run changes nothing", async () => {
    expect(await begin(true)).toMatchObject({ step: "begin", files: FILES });
    expect([project.read(PRIVATE), project.read(".sops.yaml"), project.has(NEXT)]).toEqual([
      before.key,
      before.rules,
      false,
    ]);
    await begin();
    const files = FILES.map((file) => project.read(file));
    await finish(true);
    expect([FILES.map((file) => project.read(file)), step()]).toEqual([files, "finish"]);
  });

  test("people's own keys and other environments' rules stay", async () => {
    const [old] = recipients();
    project.write(".sops.yaml", before.rules.replace(old as string, `${old},${PERSON}`));
    for (const file of FILES) project.runSops("staging", "updatekeys", "--yes", file);
    await begin();
    expect(recipients()).toEqual([expect.any(String), old, PERSON]);
    await finish();
    expect(recipients()).toEqual([expect.any(String), PERSON]);
    expect(await findings()).toEqual([]);
    const production = (text: string) =>
      parse(text).creation_rules.find((rule: any) => rule.path_regex.includes("production"));
    expect(production(project.read(".sops.yaml"))).toEqual(production(before.rules));
  });

  describe("that was cut off goes on with the same key", () => {
    const cutOff: ReadonlyArray<readonly [string, () => void]> = [
      [
        "before the new key was in the key file",
        () => {
          project.write(NEXT, `${readAgeKey(project.directory, "staging")?.identity}\n`);
          project.write(PRIVATE, before.key);
          project.write(".sops.yaml", before.rules);
          writeFiles(before.files);
        },
      ],
      [
        "before .sops.yaml had it",
        () => {
          project.write(NEXT, `${readAgeKey(project.directory, "staging")?.identity}\n`);
          project.write(".sops.yaml", before.rules);
          writeFiles(before.files);
        },
      ],
      ["before any file had it", () => writeFiles(before.files)],
      ["between two files", () => project.write(FILES[1] as string, before.files[1] as string)],
    ];
    test.each(cutOff)("in its first step, %s", async (_, damage) => {
      await begin();
      const present = readAgeKey(project.directory, "staging");
      damage();
      // What is there opens at this moment as well, with what a cluster has.
      expect(openWith(before.key)).toEqual(before.values);
      expect(step()).toBe("begin");
      await begin();
      expect([readAgeKey(project.directory, "staging"), step(), project.has(NEXT)]).toEqual([
        present,
        "finish",
        false,
      ]);
      expect([await findings(), values()]).toEqual([[], before.values]);
    });

    test.each([
      ["before any file lost the old key", 0],
      ["between two files", 1],
      ["before the old key left the key file", 2],
    ])("in its second step, %s", async (_, done) => {
      await begin();
      const present = readAgeKey(project.directory, "staging");
      const [both, files] = [project.read(PRIVATE), FILES.map((file) => project.read(file))];
      await finish();
      project.write(PRIVATE, both);
      writeFiles(files, done);
      expect(openWith(present?.identity as string)).toEqual(before.values);
      expect(step()).toBe("finish");
      await finish();
      expect([readAgeKeys(project.directory, "staging"), step()]).toEqual([[present], "begin"]);
      expect([await findings(), values()]).toEqual([[], before.values]);
      expect(project.read(".secrets/staging/retired.agekey").match(/AGE-SECRET-KEY/g)).toHaveLength(1);
    });
  });

  test("isn't begun without the private key, with another one, or with a file in plain text", async () => {
    project.write(FILES[0] as string, "kind: Secret\nstringData:\n  password: sentinel\n");
    await expect(begin()).rejects.toThrow(/cache\.yaml is in plain text: npm run secrets -- check/);
    project.write(FILES[0] as string, before.files[0] as string);
    project.write(PRIVATE, project.read(".secrets/production/age.agekey"));
    await expect(begin()).rejects.toThrow(/is not the key of staging in \.sops\.yaml/);
    project.remove(PRIVATE);
    await expect(begin()).rejects.toThrow(/age\.agekey is not on this machine.*where that file is/);
    expect([project.read(".sops.yaml"), project.has(NEXT)]).toEqual([before.rules, false]);
  });

  test("a machine that has one of the two keys only doesn't give the cluster that one alone", async () => {
    await begin();
    const [present, old] = readAgeKeys(project.directory, "staging");
    project.write(PRIVATE, `${present?.identity}\n`);
    expect(() =>
      stackInputs({ directory: project.directory }, { name: "staging-flux-configuration" }),
    ).toThrow(new RegExp(`lacks the private half of ${old?.recipient}`));
  });
});
