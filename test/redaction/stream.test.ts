import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { setTimeout as later } from "node:timers/promises";
import { buildSync } from "esbuild";
import { concealValues, redactStream } from "../../src/redaction";
import { REPOSITORY } from "../support/example";

const SECRET = "value-on-a-stream";
/** Longer than anything is held. */
const HELD_MS = 150;

beforeAll(() => concealValues([SECRET]));

/** A redacted stream, and what has come out of it. */
function redacted(options: { highWaterMark?: number } = {}) {
  const stream = new PassThrough(options);
  redactStream(stream as never);
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  return { stream, out: () => Buffer.concat(parts).toString() };
}

test("a secret over two writes, text and bytes, is not written", async () => {
  const { stream, out } = redacted();
  stream.write("a value-on-");
  stream.write(Buffer.from("a-stream\nb val"));
  stream.write("ue-on-a-stream\n");
  await later(0);
  expect(out()).toBe("a ***\nb ***\n");
});

test("a character over two writes of bytes stays what it is", async () => {
  const { stream, out } = redacted();
  const bytes = Buffer.from("größer 🔑\n");
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  await later(0);
  expect(out()).toBe("größer 🔑\n");
});

test("bytes that are written as hexadecimal digits are redacted as what they are", async () => {
  const { stream, out } = redacted();
  stream.write(Buffer.from(`${SECRET}\n`).toString("hex"), "hex");
  await later(0);
  expect(out()).toBe("***\n");
});

test("a prompt that ends like a secret begins comes soon, and the rest of the secret never", async () => {
  const { stream, out } = redacted();
  stream.write("What is the value");
  await later(0);
  expect(out()).toBe("What is the ");
  await later(HELD_MS);
  expect(out()).toBe("What is the value");
  stream.write("-on-a-stream of it\n");
  await later(0);
  expect(out()).toBe("What is the value*** of it\n");
});

test("callbacks are called in their order, each when all of its write is out", async () => {
  const { stream, out } = redacted();
  const called: string[] = [];
  stream.write("one\n", () => called.push("one"));
  stream.write("two value-on-", "utf8", () => called.push(`two: ${out()}`));
  await later(0);
  expect(called).toEqual(["one"]);
  stream.write("b\n", () => called.push("three"));
  await later(0);
  expect(called).toEqual(["one", "two: one\ntwo value-on-b\n", "three"]);
});

test("what a write returns is what the stream says, also while everything of it is held", async () => {
  const stream = new Writable({ highWaterMark: 4, write: (_chunk, _encoding, done) => setTimeout(done, 20) });
  redactStream(stream as never);
  expect(stream.write("val")).toBe(true);
  expect(stream.write("id\n")).toBe(false);
  expect(stream.write("val")).toBe(false);
  await new Promise((resolve) => stream.once("drain", resolve));
  expect(stream.write("u")).toBe(true);
});

test("the end of a stream lets go what is held, and takes a last text", async () => {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  redactStream(stream as never);
  stream.write("a value-");
  const ended = jest.fn();
  stream.end("on-a-stream val", ended);
  await new Promise((resolve) => stream.once("close", resolve));
  expect(written.join("")).toBe("a *** val");
  expect(ended).toHaveBeenCalledTimes(1);
});

describe("in a process", () => {
  const folder = mkdtempSync(join(tmpdir(), "redaction-"));
  beforeAll(() =>
    buildSync({
      entryPoints: [join(REPOSITORY, "src", "redaction", "index.ts")],
      bundle: true,
      platform: "node",
      format: "cjs",
      outfile: join(folder, "redaction.js"),
    }),
  );
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs lines behind the redaction of stdout and stderr. */
  function run(script: string) {
    const lines = `const { concealValues, redactStream } = require("./redaction.js");
      concealValues(["${SECRET}"]);
      for (const stream of [process.stdout, process.stderr]) redactStream(stream);
      process.on("uncaughtException", (error) => { console.error(error.message); process.exit(1); });
      ${script}`;
    const begun = Date.now();
    const { stdout, stderr, status } = spawnSync(process.execPath, ["-e", lines], {
      cwd: folder,
      encoding: "utf8",
      timeout: 20_000,
    });
    return { stdout, stderr, status, ms: Date.now() - begun };
  }

  test.each([
    ["its natural end", "", 0],
    ["process.exit", "process.exit(3);", 3],
    ["process.exit in a later turn", "setTimeout(() => process.exit(3), 1);", 3],
    ["an error that nobody catches", 'throw new Error("over");', 1],
    ["a promise that nobody catches", 'Promise.reject(new Error("over"));', 1],
  ])("%s gives out what is held, and nothing more", (_, script, code) => {
    const { stdout, status } = run(`process.stdout.write("a value-on-a-stream, then val"); ${script}`);
    expect([stdout, status]).toEqual(["a ***, then val", code]);
  });

  test("what is written while the process exits comes out, without its secret", () => {
    const script = `process.on("exit", () => { process.stdout.write("value-on-"); process.stdout.write("a-stream val"); });`;
    expect(run(script).stdout).toBe("value-on-*** val");
  });

  test("the end of what somebody waits for is told, and nothing that is held keeps the process alive", () => {
    const script = `new Promise((done) => process.stdout.write("val", done)).then(() => process.stderr.write("told"));`;
    expect(run(script)).toMatchObject({ stdout: "val", stderr: "told", status: 0 });
  });

  test.each(["process.stdout", "process.stderr"])(
    "each of many writes that wait for each other ends: %s",
    (stream) => {
      const script = `(async () => {
      for (let i = 0; i < 3; i += 1) await new Promise((done) => ${stream}.write("val", done));
      ${stream}.write("all told");
    })();`;
      const { stdout, stderr, status } = run(script);
      expect([stdout + stderr, status]).toEqual(["valvalvalall told", 0]);
    },
  );

  test("an error that nobody catches is told without its secret", () => {
    const { stderr, status } = run(`throw new Error("refused: value-on-a-stream");`);
    expect([stderr, status]).toEqual(["refused: ***\n", 1]);
  });
});
