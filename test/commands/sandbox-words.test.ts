import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describeWithSops } from "../secrets/sops-project";
import { REPOSITORY } from "../support/example";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";
import { strayWords } from "../support/sandbox-words";

const NEXTCLOUD = ["flux", "apps", "nextcloud", "staging", "secrets", "nextcloud-admin.yaml"];
const KEY = [".secrets", "staging", "age.agekey"];
const RULES = [".sops.yaml"];
const RECORD = ["flux", ".backups", "configured.txt"];
const STATE = ["state", "staging-cluster.tfstate"];

/** The key pair of the tests of age: valid, and of no environment. */
const FOREIGN_KEY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const FOREIGN_RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

test("what would be followed in the checkout is found", () => {
  const stray = (text: string): string[] => strayWords(text, "mine");
  expect(stray("remove .secrets/staging/age.agekey, or put it into .env")).toEqual([
    ".secrets/staging/age.agekey",
    ".env",
  ]);
  expect(stray("delete state/in-bucket.json: npm run deploy")).toEqual([
    "state/in-bucket.json",
    "npm run deploy",
  ]);
  expect(stray("npm run secrets -- check --sandbox mi; npm run status -- --environment staging")).toEqual([
    "npm run secrets -- check --sandbox mi;",
    "npm run status --",
  ]);
  expect(
    stray(
      "`npm run state -- restore --sandbox mine --stack x`, .sandbox/mine/.secrets/staging, (cd .sandbox/mine && sops updatekeys flux/x), npm run tools, npm run secrets -- edit .sandbox/mine/flux/x --sandbox mine",
    ),
  ).toEqual([]);
});

describeWithSops("no message of a sandbox leads into the checkout", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });
  afterAll(() => project.remove());

  let stray: string[] = [];
  beforeEach(() => {
    stray = [];
  });
  afterEach(() => expect(stray).toEqual([]));

  /** Runs a command and looks at its words. Returns all that it said. */
  const said = (code: number, command: string, ...args: string[]): string => {
    const verbs = args.findIndex((word) => word.startsWith("-"));
    const at = verbs < 0 ? args.length : verbs;
    const result: CliResult = cli(
      [command, ...args.slice(0, at), "--sandbox", project.name, ...args.slice(at)],
      { VISUAL: "true" },
    );
    const text = result.stdout + result.stderr;
    expect([command, ...args, text, result.code]).toEqual([command, ...args, text, code]);
    stray.push(...strayWords(text, project.name).map((words) => [command, ...args, words].join(" > ")));
    return text;
  };

  /** Does something with other files in place, and brings them back. */
  const withFile = (path: readonly string[], text: string | undefined, work: () => void): void => {
    const file = join(project.directory, ...path);
    renameSync(file, `${file}.aside`);
    try {
      if (text !== undefined) project.write([...path], text);
      work();
    } finally {
      rmSync(file, { force: true });
      renameSync(`${file}.aside`, file);
    }
  };

  const inside = (...path: string[]): string => [".sandbox", project.name, ...path].join("/");

  test("a first deploy, and what tells how things are", () => {
    expect(said(1, "secrets", "check")).toContain(`secrets do not exist, such as ${inside("flux")}/`);
    expect(said(1, "secrets", "rotate", "--age-key")).toContain("npm run secrets -- create --sandbox");
    said(1, "secrets", "edit", "nextcloud-admin");
    expect(said(0, "secrets", "create")).toContain(inside(...KEY));
    said(0, "secrets", "check");
    said(0, "deploy", "--yes");
    for (const command of ["status", "diff"]) said(0, command);
    for (const verb of ["check", "list", "prepare", "backup"]) said(0, "state", verb);
    said(0, "state", "unlock", "--stack", "staging-cluster");
    said(1, "state", "migrate");
    said(1, "state", "restore", "--stack", "staging-cluster");
    said(0, "restore", "--dry-run");
  });

  test("without the private key", () => {
    withFile(KEY, undefined, () => {
      expect(said(1, "secrets", "edit", "nextcloud-admin")).toContain(
        `${inside(...KEY)} is not on this machine`,
      );
      expect(said(1, "secrets", "rotate", "--age-key")).toContain(`${inside(...KEY)} is not on this machine`);
      expect(said(1, "secrets", "rotate")).toContain(`${inside(...KEY)} is not on this machine`);
      said(0, "secrets", "create");
      said(0, "secrets", "check");
    });
  });

  test("with a key that is another one, and with one that is none", () => {
    withFile(KEY, `${FOREIGN_KEY}\n`, () => {
      for (const [command, ...args] of [
        ["secrets", "check"],
        ["secrets", "create"],
        ["secrets", "rotate", "--age-key"],
        ["secrets", "edit", "nextcloud-admin"],
        ["deploy", "--yes"],
      ] as const)
        expect(said(1, command, ...args)).toContain(`${inside(...KEY)} is not the key of staging`);
    });
    withFile(KEY, "nonsense\n", () => {
      expect(said(1, "secrets", "check")).toContain(`${inside(...KEY)} holds no age key`);
      said(1, "deploy", "--yes");
    });
  });

  test("with rules of SOPS that are gone, damaged, or for somebody else", () => {
    const rules = project.read(...RULES);
    withFile(RULES, undefined, () => {
      expect(said(1, "secrets", "check")).toContain(`${inside(...RULES)} has no rule for staging`);
      expect(said(1, "secrets", "edit", "nextcloud-admin")).toContain(`delete ${inside(...RULES)} if`);
    });
    withFile(RULES, "creation_rules: [", () => {
      expect(said(1, "secrets", "check")).toContain(`${inside(...RULES)} is damaged`);
    });
    withFile(RULES, rules.replace(/age1\S+/, `$&,${FOREIGN_RECIPIENT}`), () => {
      expect(said(1, "secrets", "check")).toContain(
        `(cd ${inside()} && sops updatekeys flux/`.replace("/ &&", " &&"),
      );
    });
  });

  test("with secrets in plain text and damaged ones", () => {
    withFile(
      NEXTCLOUD,
      "apiVersion: v1\nkind: Secret\nmetadata:\n  name: nextcloud-admin\nstringData:\n  password: x\n",
      () => {
        expect(said(1, "secrets", "check")).toContain(`${inside(...NEXTCLOUD)} is in plain text`);
        expect(said(1, "secrets", "edit", "nextcloud-admin")).toContain("secrets -- check --sandbox");
        said(1, "secrets", "rotate", "--age-key");
      },
    );
    withFile(NEXTCLOUD, "a: [", () => {
      expect(said(1, "secrets", "check")).toContain(`delete ${inside(...NEXTCLOUD)} if`);
    });
    withFile(NEXTCLOUD, project.read(...NEXTCLOUD).replace(/password: ENC\[\S+/, "password: open"), () => {
      expect(said(1, "secrets", "check")).toContain(
        `${inside(...NEXTCLOUD)} holds stringData.password in plain text`,
      );
    });
  });

  test("when values and the key get new ones", () => {
    said(0, "secrets", "rotate", "--dry-run");
    said(1, "secrets", "rotate", "--secret", "nextcloud-admin");
    said(1, "secrets", "rotate", "--secret", "no-such-secret");
    expect(said(0, "secrets", "edit", inside(...NEXTCLOUD))).toContain(
      `${inside(...NEXTCLOUD)}: nothing was changed`,
    );
    said(0, "secrets", "rotate", "--age-key");
    expect(said(1, "secrets", "rotate", "--age-key")).toContain("npm run deploy -- --sandbox");
    expect(said(0, "secrets", "rotate", "--age-key", "--force")).toContain(
      inside(".secrets", "staging", "retired.agekey"),
    );
    said(0, "deploy", "--yes");
  });

  test("with a state that is damaged, and a record that is gone", () => {
    withFile(STATE, project.read(...STATE), () => {
      truncateSync(join(project.directory, ...STATE), 100);
      expect(said(1, "state", "check")).toContain(inside(...STATE));
      said(1, "state", "backup");
      expect(said(1, "deploy", "--yes")).toContain("npm run state -- restore --sandbox");
      said(1, "diff");
      said(1, "status");
    });
    withFile(STATE, undefined, () => {
      expect(said(1, "state", "check")).toContain("npm run state -- restore --sandbox");
      said(1, "deploy", "--yes");
    });
    withFile(RECORD, undefined, () => {
      expect(said(0, "deploy", "--yes")).toContain(`Delete ${inside("flux")}, and the next command`);
    });
    withFile(RECORD, "<<<<<<<\n", () => said(1, "restore"));
    mkdirSync(join(project.directory, "state"), { recursive: true });
    project.write(
      ["state", "in-bucket.json"],
      JSON.stringify({ bucket: "acme", region: "nyc3", endpoint: "https://nyc3.digitaloceanspaces.com" }),
    );
    withFile(STATE, undefined, () => {
      expect(said(1, "deploy", "--yes")).toContain("acme");
    });
    rmSync(join(project.directory, "state", "in-bucket.json"));
  });

  test("when files of the tree were edited or an environment has no folder", () => {
    const file = ["flux", "apps", "mattermost", "staging", "kustomization.yaml"];
    const configured = project.read(...RECORD).match(/^file\t(\S+)/m)?.[1] ?? file.join("/");
    withFile(configured.split("/"), "edited: true\n", () => {
      expect(said(1, "restore")).toContain(inside(configured));
    });
    const before = project.json("infrastructure.config.json");
    project.configure((document) => {
      document.environments[0].name = "preview";
    });
    said(1, "deploy", "--yes");
    project.write(["infrastructure.config.json"], JSON.stringify(before));
  });
});

describe("the configuration of a sandbox", () => {
  const name = `first-use-${process.pid}`;
  const directory = join(REPOSITORY, ".sandbox", name);
  const hasOwn = existsSync(join(REPOSITORY, "infrastructure.config.json"));
  const used = `infrastructure.config.json${hasOwn ? "" : ".example"}`;
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("is named when the sandbox is made, once, and not where a script reads", () => {
    const first = cli(["secrets", "list", "--json", "--sandbox", name]);
    const why = hasOwn ? "" : ", since there is no infrastructure.config.json";
    expect([first.code, first.stderr.split("\n")[0]]).toEqual([
      0,
      `Sandbox ${name} uses ${used}${why}; .sandbox/${name}/infrastructure.config.json would be its own.`,
    ]);
    expect(JSON.parse(first.stdout).environments.length).toBeGreaterThan(0);
    expect(cli(["secrets", "list", "--json", "--sandbox", name]).stderr).not.toContain(`Sandbox ${name}`);
  });

  test("is checked by check-config --sandbox, as its own when it has one", () => {
    const check = (...words: string[]) => cli(["check-config", ...words]);
    expect(check("--sandbox", name).stdout).toContain(
      `The configuration of sandbox ${name} (${used}) is fine: `,
    );
    const own = `.sandbox/${name}/infrastructure.config.json`;
    writeFileSync(join(REPOSITORY, own), "{");
    const broken = check("--sandbox", name, "--json");
    expect([broken.code, JSON.parse(broken.stdout).valid, broken.stderr]).toEqual([
      1,
      false,
      expect.stringContaining(own),
    ]);
    const document = JSON.parse(readFileSync(join(REPOSITORY, "infrastructure.config.json.example"), "utf8"));
    document.environments[0].name = "none-such";
    writeFileSync(join(REPOSITORY, own), JSON.stringify(document));
    const folder = `.sandbox/${name}/flux/clusters/none-such`;
    const unfinished = check("--sandbox", name);
    expect([unfinished.code, unfinished.stdout]).toEqual([1, ""]);
    expect(unfinished.stderr).toContain(
      `${folder}: the folder is missing, so Flux would have nothing to deploy. Copy every folder below .sandbox/${name}/flux/`,
    );
    expect(JSON.parse(check("--sandbox", name, "--json").stdout)).toMatchObject({
      valid: false,
      problems: [{ path: "flux/clusters/none-such" }],
    });
    expect(check("x.json", "--sandbox", name).stderr).toContain("leave one of them out");
    expect(check("--sandbox", "no-such-sandbox").stderr).toContain("there is no such sandbox, only ");
  });
});
