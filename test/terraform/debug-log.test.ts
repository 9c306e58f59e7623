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

test.each([
  [
    '2026-11-30T12:00:00.000Z [DEBUG] backend-s3: HTTP Response Received: http.response.body="{\\"outputs\\": \\"held-by-the-state\\"}" http.status=200',
    "2026-11-30T12:00:00.000Z [DEBUG] backend-s3: HTTP Response Received: …",
  ],
  [
    '2026-11-30T12:00:00.000Z [WARN]  Provider "x" produced an unexpected new value: .data: was cty.StringVal("held-by-the-state"), but now cty.StringVal("more")',
    '2026-11-30T12:00:00.000Z [WARN]  Provider "x" produced an unexpected new value: .data: was …',
  ],
])("of terraform's own entries no body of the state's backend and no value is kept: %s", (line, expected) => {
  const file = join(folder, "terraform.log");
  const log = debugLog({ TF_LOG: "trace", TF_LOG_PATH: file });
  log?.line(line);
  log?.end();
  expect(readFileSync(file, "utf8")).toBe(`${expected}\n`);
});

test("nor in JSON", () => {
  const file = join(folder, "terraform.log");
  const log = debugLog({ TF_LOG: "json", TF_LOG_PATH: file });
  const entry = { "@level": "debug", "@message": "HTTP Response Received", "@module": "backend-s3" };
  log?.line(
    JSON.stringify({
      ...entry,
      "http.response.body": "held-by-the-state",
      "tf.value": 'cty.StringVal("held-by-the-state")',
    }),
  );
  log?.end();
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ ...entry, "tf.value": "…" });
});
