import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { REPOSITORY } from "../tree";

const BASE = path.join(REPOSITORY, "flux/apps/traversion/base");
const SCRIPTS = path.join(BASE, "backup/scripts");
const ALL = [
  ...["common", "daily", "hourly", "weekly", "monthly", "restore"].map((name) => `${SCRIPTS}/${name}.sh`),
  path.join(BASE, "timescaledb/files/start.sh"),
  path.join(BASE, "timescaledb/files/roles.sh"),
  path.join(BASE, "redis/files/start.sh"),
];

/** Stand-ins for PostgreSQL's programs and rclone: each writes its arguments to the log and leaves what the real one would. */
const PROGRAMS: Readonly<Record<string, string>> = {
  pg_basebackup: `
    for argument in "$@"; do case $argument in --pgdata=*) target=\${argument#*=} ;; esac; done
    mkdir -p "$target"
    [ ! -e "$WORK/basebackup-fails" ] || exit 1
    mkdir -p "$WORK/content" && echo data >"$WORK/content/file"
    tar -czf "$target/base.tar.gz" -C "$WORK/content" .
    tar -czf "$target/pg_wal.tar.gz" -C "$WORK/content" .
    printf '{ "PostgreSQL-Backup-Manifest-Version": 2,\\n"System-Identifier": %s,\\n' "$(cat "$WORK/identifier")" >"$target/backup_manifest"`,
  pg_dump:
    'for argument in "$@"; do case $argument in --file=*) echo dump >"$' + '{argument#*=}" ;; esac; done',
  pg_restore: "",
  psql: '[ ! -e "$WORK/database-down" ] || exit 2; cat "$WORK/identifier"',
  pg_combinebackup: `
    for argument in "$@"; do case $argument in --output=*) target=\${argument#*=} ;; *) last=$argument ;; esac; done
    cp -R "$last" "$target"`,
  pg_verifybackup: '[ ! -e "$WORK/damaged" ]',
  rclone: "",
};

let work: string;
beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), "traversion-scripts-"));
  for (const folder of ["bin", "backups/chains", "backups/dumps", "data", "scratch"]) {
    mkdirSync(path.join(work, folder), { recursive: true });
  }
  writeFileSync(path.join(work, "identifier"), "7123456789012345678\n");
  for (const [name, body] of Object.entries(PROGRAMS)) program(name, body);
});
afterEach(() => rmSync(work, { recursive: true }));

describe.each(ALL.map((file) => path.relative(BASE, file)))("%s", (name) => {
  const file = path.join(BASE, name);

  it("is a shell script without a syntax error", () => {
    expect(spawnSync("sh", ["-n", file], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it("has no problem that shellcheck knows", () => {
    const check = spawnSync("shellcheck", ["--external-sources", "--shell=sh", file], {
      encoding: "utf8",
      cwd: path.dirname(file),
    });
    if ((check.error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
      process.stderr.write(`\nSKIPPED (shellcheck is not installed): ${name}\n`);
      return;
    }
    expect(check).toMatchObject({ status: 0, stdout: "" });
  });
});

describe("the daily backup", () => {
  const settings = { CHAINS_KEPT: "2", DUMPS_KEPT: "2" };

  it("begins a chain with a full backup and writes a dump", () => {
    expect(run("daily", settings)).toMatchObject({ status: 0 });

    const [chain] = list("chains");
    expect(chain).toMatch(/^\d{8}T\d{6}Z$/);
    expect(list(`chains/${chain}`)).toEqual([`${chain}-full`]);
    expect(list(`chains/${chain}/${chain}-full`)).toEqual([
      "backup_manifest",
      "base.tar.gz",
      "pg_wal.tar.gz",
    ]);
    expect(list("dumps")).toEqual([expect.stringMatching(/^\d{8}T\d{6}Z\.dump$/)]);
    expect(calls("pg_basebackup")[0]).not.toContain("--incremental");
    expect(calls("pg_dump")[0]).toContain("--format=custom");
  });

  it("keeps the newest ones, and what was never finished goes", () => {
    for (const day of ["20250101", "20250102"]) {
      chain(`${day}T020000Z`);
      writeFileSync(path.join(work, `backups/dumps/${day}T020500Z.dump`), "old");
    }
    writeFileSync(path.join(work, "backups/dumps/.partial-20250103T020500Z"), "half");

    run("daily", settings);

    expect(list("chains")).toEqual(["20250102T020000Z", expect.stringMatching(/^20(2[6-9]|[3-9])/)]);
    expect(list("dumps")).toEqual(["20250102T020500Z.dump", expect.stringMatching(/\.dump$/)]);
  });

  it("removes nothing when it fails", () => {
    chain("20250101T020000Z");
    chain("20250102T020000Z");
    mark("basebackup-fails");

    expect(run("daily", settings).status).not.toBe(0);

    expect(list("chains").filter((name) => !name.startsWith("."))).toEqual([
      "20250101T020000Z",
      "20250102T020000Z",
    ]);
  });
});

describe("the hourly backup", () => {
  const settings = { CHAINS_KEPT: "2" };

  it("builds on the newest backup of the newest chain", () => {
    chain("20250101T020000Z");
    const newest = chain("20250102T020000Z", "20250102T034500Z-incremental");

    expect(run("hourly", settings)).toMatchObject({ status: 0 });

    const manifest = path.join(newest, "20250102T034500Z-incremental/backup_manifest");
    expect(calls("pg_basebackup")).toEqual([expect.stringContaining(`--incremental=${manifest} `)]);
    expect(list("chains/20250102T020000Z")).toEqual([
      "20250102T020000Z-full",
      "20250102T034500Z-incremental",
      expect.stringMatching(/^\d{8}T\d{6}Z-incremental$/),
    ]);
  });

  it("never builds on a backup that was cut off", () => {
    const newest = chain("20250102T020000Z");
    mkdirSync(path.join(newest, ".partial-20250102T034500Z"));

    run("hourly", settings);

    expect(calls("pg_basebackup")[0]).toContain("20250102T020000Z-full/backup_manifest");
    expect(existsSync(path.join(newest, ".partial-20250102T034500Z"))).toBe(false);
  });

  it.each([
    ["there is none", () => undefined, "no full backup to build on"],
    [
      "the database was restored",
      () => {
        chain("20250102T020000Z");
        writeFileSync(path.join(work, "backups/chains/.start-new-chain"), "");
      },
      "was restored",
    ],
    [
      "the last one is of another database",
      () => {
        chain("20250102T020000Z");
        writeFileSync(path.join(work, "identifier"), "71234567890123456789\n");
      },
      "is of another database",
    ],
  ])("takes a full one when %s", (_, given, why) => {
    given();

    const { status, stdout } = run("hourly", settings);

    expect(status).toBe(0);
    expect(stdout).toContain(why);
    expect(calls("pg_basebackup")[0]).not.toContain("--incremental");
    expect(list(`chains/${list("chains").at(-1)}`)).toEqual([expect.stringMatching(/-full$/)]);
    expect(existsSync(path.join(work, "backups/chains/.start-new-chain"))).toBe(false);
  });

  it("fails when the database does not answer, and takes nothing for a new chain", () => {
    chain("20250102T020000Z");
    mark("database-down");

    const { status, stderr } = run("hourly", settings);

    expect(status).toBe(1);
    expect(stderr).toContain("the database does not answer");
    expect(calls("pg_basebackup")).toEqual([]);
  });
});

describe("the monthly archive", () => {
  it("keeps the newest dump under the month's name, in no space of its own", () => {
    const dump = path.join(work, "backups/dumps/20250102T020500Z.dump");
    writeFileSync(dump, "newest");

    expect(run("monthly", { ARCHIVES_KEPT: "12" }).status).toBe(0);

    const [archive] = list("archive");
    expect(archive).toMatch(/^\d{4}-\d{2}\.dump$/);
    expect(statSync(path.join(work, `backups/archive/${archive}`)).ino).toBe(statSync(dump).ino);
  });

  it("refuses a dump that is too old, and says what to look at", () => {
    const dump = path.join(work, "backups/dumps/20250102T020500Z.dump");
    writeFileSync(dump, "old");
    const threeDaysAgo = Date.now() / 1000 - 3 * 86_400;
    utimesSync(dump, threeDaysAgo, threeDaysAgo);

    const { status, stderr } = run("monthly", { ARCHIVES_KEPT: "12" });

    expect(status).toBe(1);
    expect(stderr).toContain("older than two days: see why the daily backup fails");
  });
});

describe("the weekly backup", () => {
  const settings = { CLUSTER: "cluster", CLOUD_DAYS_KEPT: "60", BUCKET: "", ENDPOINT: "" };
  const bucket = {
    ...settings,
    BUCKET: "bucket",
    ENDPOINT: "sfo3.digitaloceanspaces.com",
    ACCESS_KEY_ID: "id",
    SECRET_ACCESS_KEY: "not-to-be-seen",
  };

  it("does nothing without a bucket, and says so", () => {
    const { status, stdout } = run("weekly", { ...settings, ACCESS_KEY_ID: "", SECRET_ACCESS_KEY: "" });

    expect(status).toBe(0);
    expect(stdout).toContain("no cloud storage is given");
    expect(calls("rclone")).toEqual([]);
  });

  it("refuses half of the settings and names the missing one", () => {
    const { status, stderr } = run("weekly", { ...bucket, ENDPOINT: "" });

    expect(status).toBe(1);
    expect(stderr).toContain("ENDPOINT is missing in the secret traversion-backup-cloud");
  });

  it("copies the newest dump and the archive, deletes old dumps there, and shows no key", () => {
    for (const name of ["20250101T020500Z", "20250102T020500Z"]) {
      writeFileSync(path.join(work, `backups/dumps/${name}.dump`), name);
    }
    mkdirSync(path.join(work, "backups/archive"));
    writeFileSync(path.join(work, "backups/archive/2024-12.dump"), "december");

    const { status, stdout } = run("weekly", bucket);

    expect(status).toBe(0);
    const dump = path.join(work, "backups/dumps/20250102T020500Z.dump");
    expect(calls("rclone")).toEqual([
      `copyto ${dump} cloud:bucket/cluster/weekly/20250102T020500Z.dump --checksum `,
      `copy ${path.join(work, "backups/archive")} cloud:bucket/cluster/archive --checksum --exclude .partial-* `,
      "delete cloud:bucket/cluster/weekly --min-age 60d ",
    ]);
    expect(stdout + calls("rclone").join("")).not.toContain("not-to-be-seen");
  });
});

describe("the restore", () => {
  const restore = (settings: Readonly<Record<string, string>> = {}): ReturnType<typeof run> =>
    run("restore", {
      DATA_DIRECTORY: path.join(work, "data"),
      SCRATCH_DIRECTORY: path.join(work, "scratch"),
      ...settings,
    });
  const combined = (): string[] =>
    (calls("pg_combinebackup")[0] ?? "")
      .trim()
      .split(" ")
      .slice(1)
      .map((folder) => path.basename(folder));

  beforeEach(() => {
    chain("20250101T020000Z", "20250101T024500Z-incremental", "20250101T034500Z-incremental");
    chain("20250102T020000Z", "20250102T024500Z-incremental");
    mkdirSync(path.join(work, "data/pgdata"));
    writeFileSync(path.join(work, "data/pgdata/old"), "");
  });

  it("combines the newest chain, full backup first, and keeps the old data", () => {
    expect(restore()).toMatchObject({ status: 0 });

    expect(combined()).toEqual(["20250102T020000Z-full", "20250102T024500Z-incremental"]);
    expect(readdirSync(path.join(work, "data/pgdata"))).toContain("file");
    const [old] = readdirSync(path.join(work, "data")).filter((name) => name.startsWith("pgdata.before-"));
    expect(readdirSync(path.join(work, `data/${old}`))).toEqual(["old"]);
    expect(readdirSync(path.join(work, "scratch"))).toEqual([]);
  });

  it("goes back to a named backup and no further", () => {
    expect(restore({ RESTORE_TO: "20250101T024500Z-incremental" }).status).toBe(0);

    expect(combined()).toEqual(["20250101T020000Z-full", "20250101T024500Z-incremental"]);
  });

  it("makes the next hourly backup begin a chain", () => {
    restore();
    run("hourly", { CHAINS_KEPT: "5" });

    expect(calls("pg_basebackup")[0]).not.toContain("--incremental");
  });

  it("deletes the old data first when told so", () => {
    restore({ KEEP_OLD: "no" });

    expect(readdirSync(path.join(work, "data"))).toEqual(["pgdata"]);
  });

  it.each([
    [
      "an unknown backup, and lists those there are",
      { RESTORE_TO: "x" },
      "there is no backup x; there are: 20250101T020000Z-full 20250101T024500Z-incremental",
    ],
    ["a wrong KEEP_OLD", { KEEP_OLD: "maybe" }, "KEEP_OLD is 'maybe': expected yes or no"],
  ])("refuses %s", (_, settings, message) => {
    const { status, stderr } = restore(settings);

    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(readdirSync(path.join(work, "data/pgdata"))).toEqual(["old"]);
  });

  it("refuses a database that runs, unless told that it doesn't", () => {
    writeFileSync(path.join(work, "data/pgdata/postmaster.pid"), "1");

    expect(restore().stderr).toContain("scale the database to 0 first");
    expect(calls("pg_combinebackup")).toEqual([]);
    expect(restore({ SERVER_IS_STOPPED: "yes" }).status).toBe(0);
  });

  it("leaves the old data in place when the result is damaged", () => {
    mark("damaged");

    expect(restore().status).not.toBe(0);

    expect(readdirSync(path.join(work, "data/pgdata"))).toEqual(["old"]);
    expect(existsSync(path.join(work, "backups/chains/.start-new-chain"))).toBe(false);
  });
});

describe("the databases' start", () => {
  it.each([
    [
      "2048",
      [
        "shared_buffers=512MB",
        "effective_cache_size=1024MB",
        "maintenance_work_mem=128MB",
        "work_mem=4096kB",
      ],
    ],
    [
      "512",
      ["shared_buffers=128MB", "effective_cache_size=256MB", "maintenance_work_mem=32MB", "work_mem=2048kB"],
    ],
  ])("of TimescaleDB follows a limit of %s MiB", (memory, expected) => {
    program("docker-entrypoint.sh", "");
    const { status } = start("timescaledb/files/start.sh", { MEMORY_MIB: memory });

    expect(status).toBe(0);
    const parameters = (calls("docker-entrypoint.sh")[0] ?? "").trim().split(/ -c /).slice(1);
    expect(parameters).toEqual(["config_file=/etc/postgresql/postgresql.conf", ...expected]);
  });

  it.each(["", "1Gi", "128"])("of TimescaleDB refuses a limit of '%s'", (memory) => {
    const { status, stderr } = start("timescaledb/files/start.sh", { MEMORY_MIB: memory });

    expect(status).toBe(1);
    expect(stderr).toContain("MEMORY_MIB is ");
  });

  it("of Redis leaves room beside the data", () => {
    program("redis-server", "");
    start("redis/files/start.sh", { MEMORY_MIB: "512" });

    expect(calls("redis-server")).toEqual(["/etc/redis/redis.conf --maxmemory 307mb "]);
  });
});

function program(name: string, body: string): void {
  const file = path.join(work, "bin", name);
  writeFileSync(
    file,
    `#!/bin/sh\nset -eu\n{ for argument in "$@"; do printf '%s ' "$argument"; done; echo; } >>"$WORK/${name}.log"\n${body}\n`,
  );
  chmodSync(file, 0o755);
}

function run(
  script: string,
  variables: Readonly<Record<string, string>>,
): { status: number | null; stdout: string; stderr: string } {
  return start(`backup/scripts/${script}.sh`, {
    BACKUP_DIRECTORY: path.join(work, "backups"),
    SCRIPTS,
    ...variables,
  });
}

function start(
  script: string,
  variables: Readonly<Record<string, string>>,
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync("sh", [path.join(BASE, script)], {
    encoding: "utf8",
    env: { PATH: `${path.join(work, "bin")}:${process.env.PATH}`, WORK: work, ...variables },
  });
}

/** The arguments of each call of a program, each argument followed by a space. */
function calls(name: string): string[] {
  const log = path.join(work, `${name}.log`);
  return existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : [];
}

function list(folder: string): string[] {
  return readdirSync(path.join(work, "backups", folder)).sort();
}

function mark(name: string): void {
  writeFileSync(path.join(work, name), "");
}

/** A chain of backups as the scripts leave it; returns its folder. */
function chain(time: string, ...incremental: string[]): string {
  const folder = path.join(work, "backups/chains", time);
  for (const backup of [`${time}-full`, ...incremental]) {
    const result = spawnSync("sh", [path.join(work, "bin/pg_basebackup"), `--pgdata=${folder}/${backup}`], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, WORK: work },
    });
    if (result.status !== 0) throw new Error(`the fixture ${backup} could not be written: ${result.stderr}`);
  }
  rmSync(path.join(work, "pg_basebackup.log"));
  return folder;
}
