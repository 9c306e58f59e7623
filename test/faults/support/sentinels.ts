import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { unzip } from "../../support/unzip";

/** A value that stands nowhere but where a secret was given. */
export function sentinel(name: string): string {
  // Signs that look different in an address and in JSON, all of them such that tokens have.
  return `s3ntinel+${name.toLowerCase().replaceAll("_", "-")}/${randomBytes(12).toString("hex")}=`;
}

/** Something that holds a secret, and in which form. */
export interface Leak {
  readonly where: string;
  readonly secret: string;
  readonly form: string;
}

/** Looks for secrets, in each form in which programs write them. */
export class Scanner {
  private readonly needles: ReadonlyArray<{
    readonly secret: string;
    readonly form: string;
    readonly bytes: Buffer;
  }>;

  /** @param secrets values by the name that a leak is reported with */
  constructor(secrets: Readonly<Record<string, string>>) {
    this.needles = Object.entries(secrets).flatMap(([secret, value]) =>
      formsOf(value).map(([form, text]) => ({ secret, form, bytes: Buffer.from(text) })),
    );
  }

  /** How many texts it looks for. */
  get size(): number {
    return this.needles.length;
  }

  scan(where: string, content: string | Buffer): Leak[] {
    const bytes = Buffer.from(content as string);
    return this.needles
      .filter((needle) => bytes.includes(needle.bytes))
      .map(({ secret, form }) => ({ where, secret, form }));
  }

  /** Scans every file below a folder, and what is inside zip files, which plans are. @returns leaks and how many files were read */
  scanFolder(folder: string, leaveOut: (path: string) => boolean): { leaks: Leak[]; files: number } {
    const files = (readdirSync(folder, { recursive: true, withFileTypes: true }) as any[])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => !leaveOut(relative(folder, file)));
    const leaks = files.flatMap((file) => {
      const where = relative(folder, file);
      const content = readFileSync(file);
      const inside = content.subarray(0, 4).toString("latin1") === "PK\u0003\u0004" ? [...unzip(file)] : [];
      return [
        ...this.scan(where, content),
        ...inside.flatMap(([name, entry]) => this.scan(`${where}: ${name}`, entry)),
      ];
    });
    return { leaks, files: files.length };
  }

  /** Scans every object of a Git repository, reachable or not. */
  scanGit(repository: string): { leaks: Leak[]; bytes: number } {
    const { stdout, status } = spawnSync("git", ["cat-file", "--batch-all-objects", "--batch"], {
      cwd: repository,
      maxBuffer: 2 ** 29,
    });
    if (status !== 0) throw new Error(`git cat-file failed in ${repository}`);
    return { leaks: this.scan("Git", stdout), bytes: stdout.length };
  }
}

function formsOf(value: string): Array<[string, string]> {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((before): [string, string] => {
    // Whole groups only: the first and the last mix with what stands around them.
    const text = Buffer.concat([Buffer.alloc(before, "x"), bytes]).toString("base64");
    return [
      `base64 behind ${before} bytes`,
      text.slice(before === 0 ? 0 : 4, Math.floor((before + bytes.length) / 3) * 4),
    ];
  });
  return [
    ["plain", value],
    ["JSON", JSON.stringify(value).slice(1, -1)],
    ["URL", encodeURIComponent(value)],
    ["hex", bytes.toString("hex")],
    ["HEX", bytes.toString("hex").toUpperCase()],
    ...base64,
    ...base64.map(([form, text]): [string, string] => [
      `${form} (url)`,
      text.replaceAll("+", "-").replaceAll("/", "_"),
    ]),
  ];
}
