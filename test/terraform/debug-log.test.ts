import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concealValues } from "../../src/redaction";
import { debugLog } from "../../src/terraform/debug-log";

const BODY = Buffer.alloc(48, "the-content-of-a-key").toString("base64");
const LINES = [
  "[DEBUG] plugin: started",
  "[TRACE] token=value-of-the-log",
  "-----BEGIN PRIVATE KEY-----",
  BODY,
  "TGFzdA==",
  "-----END PRIVATE KEY-----",
  "[DEBUG] größer",
  "first-of-two-lines",
  "second-of-two-lines",
  "[DEBUG] ends with first-of-",
];
const EXPECTED =
  "[DEBUG] plugin: started\n[TRACE] token=***\n***\n[DEBUG] größer\n***\n[DEBUG] ends with first-of-\n";
let folder: string;

beforeAll(() => concealValues(["value-of-the-log", "first-of-two-lines\nsecond-of-two-lines"]));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "debug-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("nobody has asked for a log", () => {
  expect(debugLog({})).toBeUndefined();
  expect(debugLog({ TF_LOG: "off", TF_LOG_CORE: "" })).toBeUndefined();
});

test("a secret over several lines of the log isn't in its file, which is its owner's alone", () => {
  const file = join(folder, "terraform.log");
  const log = debugLog({ TF_LOG: "trace", TF_LOG_PATH: file });
  for (const line of LINES) log?.line(line);
  log?.end();
  expect(readFileSync(file, "utf8")).toBe(EXPECTED);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("nor on stderr", () => {
  const written: string[] = [];
  const stderr = jest.spyOn(process.stderr, "write").mockImplementation((part) => {
    written.push(part.toString());
    return true;
  });
  try {
    const log = debugLog({ TF_LOG_PROVIDER: "debug" });
    for (const line of LINES) log?.line(line);
    log?.end();
  } finally {
    stderr.mockRestore();
  }
  expect(written.join("")).toBe(EXPECTED);
});
