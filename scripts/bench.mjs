// `npm run bench`: how long the commands take against the stock way and against bare terraform, as ratios within one run
// (absolute times say more about the machine than about the program). Medians of RUNS runs, taken in turn.
// Prints a line for each ratio with its limit; exits with 1 when one is missed.
// `npm run bench -- static-configuration` runs that part alone.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { allMet, compare, RUNS, report, run as runHere, verdict } from "./bench/measure.mjs";
import { benchStaticConfiguration } from "./bench/static-configuration.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const work = join(root, ".sandbox", "bench");
const stock = join(root, ".sandbox", "bench-stock");
const MEMORY_LIMIT_MB = 250;

const run = (command, args, options) => runHere(command, args, { cwd: root, ...options });

/** The same program as `cdktf init` sets it up: run by ts-node with type checking, providers imported through their barrels. */
function writeStockProgram() {
  rmSync(stock, { recursive: true, force: true });
  mkdirSync(stock, { recursive: true });
  for (const path of ["main.ts", "src"]) cpSync(join(root, path), join(stock, path), { recursive: true });
  for (const path of readdirSync(join(stock, "src", "stacks")).map((name) =>
    join(stock, "src", "stacks", name),
  )) {
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(
        /import \{ (\w+)(?: as (\w+))? \} from "(@cdktf\/provider-\w+)\/lib\/([\w-]+)";/g,
        (_, name, alias, provider, module) => {
          const namespace = module.replace(/-(\w)/g, (_dash, letter) => letter.toUpperCase());
          const local = `${namespace}Of${provider.replace(/\W/g, "")}`;
          return `import { ${namespace} as ${local} } from "${provider}";\nimport ${alias ?? name} = ${local}.${name};`;
        },
      ),
    );
  }
  writeFileSync(
    join(stock, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: { types: ["node"], noUnusedLocals: false },
      files: ["main.ts"],
    }),
  );
}

function benchSynth() {
  writeStockProgram();
  const outdir = join(tmpdir(), `hybrid-gitops-bench-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const env = {
    ...process.env,
    CDKTF_OUTDIR: outdir,
    HYBRID_GITOPS_DIRECTORY: work,
    HYBRID_GITOPS_CONFIG: join(root, "infrastructure.config.json.example"),
  };
  const times = compare({
    ours: () => run(process.execPath, ["scripts/hybrid-gitops.mjs", "app"], { env }),
    stock: () =>
      run(join(root, "node_modules", ".bin", "ts-node"), ["--project", "tsconfig.json", "main.ts"], {
        env,
        cwd: stock,
      }),
  });
  rmSync(outdir, { recursive: true, force: true });
  rmSync(stock, { recursive: true, force: true });
  report("synth of six stacks, of the stock way (ts-node, barrel imports)", times.ours, times.stock, 0.08);
}

/** Keeps a sandbox running for the other ways, and hands out the variables they need. */
async function serveSandbox() {
  const child = spawn(process.execPath, ["scripts/hybrid-gitops.mjs", "sandbox", "--sandbox", "bench"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  await new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("runs until Ctrl-C")) resolve();
    });
    child.once("exit", () => reject(new Error("the sandbox ended")));
  });
  const env = { ...process.env };
  for (const [, name, value] of text.matchAll(/^export (\w+)='(.*)'$/gm))
    env[name] = value.replaceAll("'\\''", "'");
  delete env.TF_CLI_CONFIG_FILE;
  return { env, close: () => child.kill("SIGINT") };
}

async function benchDeploy() {
  // Each command as a process of its own; npm and npx, which take 0.1 s before they start anything, are left out on both sides.
  const ours = (command, ...args) =>
    run(process.execPath, ["scripts/hybrid-gitops.mjs", command, "--sandbox", "bench", ...args]);
  ours("deploy", "--yes");
  const sandbox = await serveSandbox();
  process.once("exit", sandbox.close);
  const stacks = readdirSync(join(work, "cdktf.out", "stacks"));
  const cdktf = join(root, "node_modules", ".bin", "cdktf");
  try {
    run(cdktf, ["deploy", "*", "--auto-approve"], { env: sandbox.env });
    const times = compare({
      deploy: () => ours("deploy", "--yes"),
      diff: () => ours("diff"),
      cdktf: () => run(cdktf, ["deploy", "*", "--auto-approve"], { env: sandbox.env }),
      bare: () => {
        const runs = stacks.map((stack) =>
          run("terraform", ["plan", "-input=false"], {
            cwd: join(work, "cdktf.out", "stacks", stack),
            env: sandbox.env,
          }),
        );
        return { seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0) };
      },
    });
    report("deploy without changes, of cdktf deploy '*' --auto-approve", times.deploy, times.cdktf, 0.35);
    report("deploy without changes, of six bare terraform plans", times.deploy, times.bare, 1.5);
    report("diff of six stacks, of six bare terraform plans", times.diff, times.bare, 1.5);
  } finally {
    sandbox.close();
  }
}

/** The largest resident size of each command's own process (terraform runs in processes of its own). */
function benchMemory() {
  const hook = join(work, "memory-hook.cjs");
  const log = join(work, "memory.log");
  mkdirSync(work, { recursive: true });
  writeFileSync(
    hook,
    `process.on("exit", () => require("node:fs").appendFileSync(${JSON.stringify(log)}, process.resourceUsage().maxRSS + "\\n"));\n`,
  );
  const peak = (...args) => {
    rmSync(log, { force: true });
    run(process.execPath, ["scripts/hybrid-gitops.mjs", ...args], {
      env: { ...process.env, NODE_OPTIONS: `--require ${hook}` },
      accepted: [0, 2],
    });
    return Math.max(...readFileSync(log, "utf8").trim().split("\n").map(Number)) / 1024;
  };
  for (const args of [
    ["synth", "--sandbox", "bench"],
    ["diff", "--sandbox", "bench"],
    ["deploy", "--sandbox", "bench", "--yes"],
    ["outputs", "--sandbox", "bench"],
    ["demo"],
  ]) {
    const megabytes = peak(...args);
    verdict(
      megabytes < MEMORY_LIMIT_MB,
      `peak memory of ${args[0]}: ${megabytes.toFixed(0)} MB (limit ${MEMORY_LIMIT_MB} MB)`,
    );
  }
}

console.log(
  `Medians of ${RUNS} runs, taken in turn on ${process.platform} with Node ${process.versions.node}.`,
);
const configureProgram = join(root, "dist", "configure.js");
const [part] = process.argv.slice(2);
if (part !== undefined && part !== "static-configuration") {
  console.error(`bench: there is no part "${part}"; it is static-configuration, or nothing for all`);
  process.exit(1);
}
if (part === undefined) {
  if (existsSync(work)) rmSync(work, { recursive: true, force: true });
  cpSync(join(root, "flux"), join(work, "flux"), { recursive: true });
  benchSynth();
  await benchDeploy();
  benchMemory();
  rmSync(work, { recursive: true, force: true });
}
benchStaticConfiguration(configureProgram);
process.exitCode = allMet() ? 0 : 1;
