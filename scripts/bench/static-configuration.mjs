// The speed of the static configuration: the program that deploy starts on 10,000 generated YAML files, 2,000 of which hold placeholders, against
// what one would write by hand. All ways get the same tree and the same eleven placeholders, run in the C locale and work on
// a folder in memory where the machine has one: on a disk, its writing back of earlier rounds would be measured too.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, inform, RUNS, report, run, verdict } from "./measure.mjs";

const FILES = 10_000;
const CHANGED = 2_000;

/** The placeholders of a project with one environment, and values of the usual kind. */
const REPLACEMENTS = [
  ["chat.staging.example.com", "chat.staging.acme.io"],
  ["staging.example.com", "staging.acme.io"],
  ["registry.example.com", "ghcr.io/acme"],
  ["cloud.example.com", "cloud.acme.io"],
  ["chat.example.com", "chat.acme.io"],
  ["admin@example.com", "ops@acme.io"],
  ["example.com", "acme.io"],
  ["my-github-user/my-repository", "acme/platform"],
  ["my-cluster-staging", "acme-staging"],
  ["my-cluster", "acme-production"],
  ["my-project", "acme"],
];

/** One expression per placeholder, as sed wants it: `|` and `&` are in no value. */
const EXPRESSIONS = REPLACEMENTS.map(([from, to]) => `s|${from.replaceAll(".", "\\.")}|${to}|g`);
const PATTERN = REPLACEMENTS.map(([from]) => from.replaceAll(".", "\\.")).join("|");

/** Manifests of 1 to 4 kB in 300 folders; every fifth one has two to four placeholders. The same at every run. */
function generate(folder) {
  let seed = 1;
  const random = (limit) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const name = () => REPLACEMENTS[random(REPLACEMENTS.length)][0];
  for (let index = 0; index < FILES; index += 1) {
    const directory = join(folder, `app-${index % 100}`, ["base", "staging", "production"][index % 3]);
    mkdirSync(directory, { recursive: true });
    const lines = [
      "apiVersion: apps/v1",
      "kind: Deployment",
      "metadata:",
      `  name: web-${index}`,
      "  labels:",
      `    app.kubernetes.io/name: web-${index}`,
      "spec:",
      "  template:",
      "    spec:",
      "      containers:",
    ];
    const containers = 5 + random(20);
    for (let container = 0; container < containers; container += 1) {
      lines.push(
        `        - name: container-${container}`,
        `          image: ghcr.io/someone/web:1.${random(100)}.${random(100)}`,
        "          env:",
        `            - name: SETTING_${container}`,
        `              value: "${random(1_000_000_000)}"`,
      );
      if (index % (FILES / CHANGED) === 0 && (container < 2 || container % 10 === 9))
        lines.push(`            - name: HOST_${container}`, `              value: https://${name()}/path`);
    }
    writeFileSync(join(directory, `web-${index}.yaml`), `${lines.join("\n")}\n`);
  }
}

const C_LOCALE = { ...process.env, LC_ALL: "C" };

/** The one pass that somebody who knows these tools writes: find the files, copy them, replace in them. */
const BY_HAND = `mkdir ../backups
grep -rlZE --include='*.yaml' --include='*.yml' '${PATTERN}' flux >../found
xargs -0 cp --parents -t ../backups <../found
xargs -0 sed -i ${EXPRESSIONS.map((expression) => `-e '${expression}'`).join(" ")} <../found`;

/** With nothing left to change, the same grep alone. */
const GREP = `grep -rlZE --include='*.yaml' --include='*.yml' '${PATTERN}' flux || [ $? -eq 1 ]`;

/** One pass over all files for each placeholder, with as many files a sed as fit, and with a sed for each file. */
const PASSES = EXPRESSIONS.map(
  (expression) => `find flux -name '*.yaml' -print0 | xargs -0 sed -i '${expression}'`,
).join("\n");
const PASSES_ONE_BY_ONE = EXPRESSIONS.map(
  (expression) => `find flux -name '*.yaml' -exec sed -i '${expression}' {} \\;`,
).join("\n");

/** @param program dist/configure.js */
export function benchStaticConfiguration(program) {
  if (spawnSync("sed", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU") !== true) {
    console.log("      static configuration: left out, what it is compared with needs the GNU tools");
    return;
  }
  const memory = process.env.BENCH_DIRECTORY ?? (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
  const work = mkdtempSync(join(memory, "static-configuration-bench-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const shell = (text, cwd) => run("sh", ["-eu", "-c", text], { cwd, env: C_LOCALE });
  const configure = (cwd) =>
    run(process.execPath, [program], {
      cwd,
      env: { ...process.env, REPLACEMENTS: REPLACEMENTS.map((pair) => pair.join("\t")).join("\n") },
    });

  console.error("static configuration: generating files");
  generate(join(work, "original", "flux"));
  /** A fresh copy of the tree, with its pages in memory. */
  const fresh = (name, source = "original") => {
    const parent = join(work, name);
    rmSync(parent, { recursive: true, force: true });
    mkdirSync(parent);
    run("cp", ["-R", join(work, source), join(parent, "tree")]);
    return join(parent, "tree");
  };

  const first = compare({
    ours: () => configure(fresh("ours")),
    byHand: () => shell(BY_HAND, fresh("by-hand")),
  });
  const ours = join(work, "ours", "tree");
  const byHand = join(work, "by-hand", "tree");
  const { stdout: difference } = run(
    "diff",
    ["-r", "-x", ".backups", join(ours, "flux"), join(byHand, "flux")],
    {
      accepted: [0, 1],
    },
  );
  verdict(difference === "", "both ways give the same files");
  report(
    `configuring ${CHANGED} of ${FILES} files, of one pass of grep, cp and sed -i by hand`,
    first.ours,
    first.byHand,
    3,
  );

  // A tenth of a second each: many rounds cost little, and few would measure what else the machine does.
  const again = compare({ ours: () => configure(ours), grep: () => shell(GREP, byHand) }, { runs: RUNS * 5 });
  report("configuring with nothing left to change, of grep -rlZ alone", again.ours, again.grep, 4);

  console.error("static configuration: eleven passes over all files");
  const passes = compare({ all: () => shell(PASSES, fresh("passes")) }, { runs: 3, warmUps: 0 });
  // A sed per file takes minutes, so it works on a tenth of the folders, and its time is taken ten times.
  for (let index = 0; index < 10; index += 1)
    cpSync(join(work, "original", "flux", `app-${index}`), join(work, "tenth", "flux", `app-${index}`), {
      recursive: true,
    });
  const oneByOne = compare(
    { all: () => shell(PASSES_ONE_BY_ONE, fresh("one-by-one", "tenth")) },
    { runs: 1, warmUps: 0 },
  );
  report(
    "configuring, of eleven passes of find -exec sed -i (a sed per file)",
    first.ours,
    oneByOne.all * 10,
    0.02,
  );
  inform("configuring, of eleven passes of find | xargs sed -i (many files a sed)", first.ours, passes.all);
  inform("the pass by hand, of the same", first.byHand, passes.all);
}
