import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTerraform, TerraformError } from "../../src/terraform/terraform";
import { plainEnvironment } from "../support/sandbox-project";

/** Nobody has told our redaction of these: what a provider learns from a cloud is known to it alone. */
const AGE_KEY = `# created: 2026-11-30T12:00:00Z\n# public key: age1qqqq\nAGE-SECRET-KEY-1${"Q7ZL2M".repeat(9)}Q7ZL\n`;
const ADMIN_TOKEN = "c1u5t3r4dm1nt0k3nv4lu3";
const bytes = [...Buffer.from(AGE_KEY)];
const hex = bytes.map((byte) => `0x${byte.toString(16)}`);
const base64 = Buffer.from(AGE_KEY).toString("base64");
const credentials = `{\n  "server": "https://c.example",\n  "token": "${ADMIN_TOKEN}"\n}`;

const structured = (message: string, fields: object = {}): string =>
  JSON.stringify({
    "@caller": "github.com/example/provider/transport.go:12",
    "@level": "debug",
    "@message": message,
    "@module": "kubernetes.http",
    "@timestamp": "2026-11-30T19:18:24.000000Z",
    ...fields,
  });
const DATE = "2026/11/30 19:18:24";

/** What the providers print, by the calls that they print it of. */
const PRINTED = {
  // kubernetes, on create (%#v of a Secret), on update (%v of its data), and as a patch.
  create: `${DATE} [INFO] Creating new secret: v1.Secret{Data:map[string][]uint8{"age.agekey":[]uint8{${hex.join(", ")}}}, Type:"Opaque"}`,
  update: `${DATE} [INFO] Updating secret "sops-age": map[age.agekey:[${bytes.join(" ")}]]`,
  patch: `${DATE} [INFO] Updating secret: [{"op":"replace","path":"/data/age.agekey","value":"${base64}"}]`,
  quoted: `${DATE} [DEBUG] data is ${JSON.stringify(AGE_KEY)}`,
  wrapped: `${DATE} [DEBUG] Received:\n${(bytes.join(" ").match(/.{1,60}(?: |$)/g) ?? []).join("\n")}`,
  "wrapped base64": `${DATE} [DEBUG] Received\n${(base64.match(/.{1,60}/g) ?? []).join("\n")}`,
  "a line that go-plugin cuts at 64 KiB": `${DATE} [INFO] Received secret: ${"0x20, ".repeat(11_000)}${hex.join(", ")}`,
  // digitalocean: the answer of /v2/kubernetes/clusters/…/credentials.
  answer: `${DATE} [DEBUG] DigitalOcean API Response Details:\n---[ RESPONSE ]----\nHTTP/2.0 200 OK\nContent-Type: application/json\nX-Echo: ${ADMIN_TOKEN}\n\n${credentials}\n-----`,
  request: `---[ REQUEST ]----\nGET /v2/kubernetes/clusters/0f1e2d3c-0000-4000-8000-0123456789ab/credentials?expiry=${ADMIN_TOKEN} HTTP/1.1\nAuthorization: Bearer ${ADMIN_TOKEN}`,
  "a structured answer": structured("Received HTTP Response", {
    tf_http_op_type: "response",
    tf_http_res_body: credentials,
    tf_http_res_status_code: 200,
  }),
  "a structured answer in one line": structured("Received HTTP Response", {
    tf_http_res_body: ADMIN_TOKEN,
    tf_rpc: "ReadDataSource",
    tf_http_req_uri: `/v2/account?token=${ADMIN_TOKEN}`,
  }),
  "a structured message of many lines": structured(`Received:\n${credentials}\nError: no`),
  words: `${DATE} [DEBUG] Waiting for cluster 0f1e2d3c-0000-4000-8000-0123456789ab with ${ADMIN_TOKEN}`,
  "without any level": `token ${ADMIN_TOKEN}`,
} as const;

const FORMS = [
  ADMIN_TOKEN,
  AGE_KEY.trim().split("\n").at(-1) as string,
  hex.slice(60, 80).join(", "),
  bytes.slice(60, 66).join(" "),
  base64.slice(80, 100),
];

const folder = mkdtempSync(join(tmpdir(), "provider-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Has the real terraform start a provider that prints something and ends. */
async function logged(printed: string, level: Readonly<Record<string, string | undefined>>) {
  const bin = join(folder, "bin");
  const run = mkdtempSync(join(folder, "run-"));
  const log = join(run, "terraform.log");
  mkdirSync(bin, { recursive: true });
  const provider = join(bin, "terraform-provider-kubernetes");
  writeFileSync(
    provider,
    `#!${process.execPath}
process.stderr.write(${JSON.stringify(`${printed}\n`)});
// As terraform-plugin-go does with all that goes over the protocol.
const folder = process.env.TF_LOG_SDK_PROTO_DATA_DIR;
if (folder) require("node:fs").writeFileSync(folder + "/request.msgpack", "raw");
`,
  );
  chmodSync(provider, 0o755);
  const rc = join(run, "terraform.rc");
  writeFileSync(
    rc,
    `provider_installation {\n  dev_overrides {\n    "hashicorp/kubernetes" = ${JSON.stringify(bin)}\n  }\n  direct {}\n}\n`,
  );
  writeFileSync(
    join(run, "main.tf.json"),
    JSON.stringify({
      terraform: { required_providers: { kubernetes: { source: "hashicorp/kubernetes" } } },
      provider: { kubernetes: {} },
    }),
  );
  const env = { ...plainEnvironment(), TF_CLI_CONFIG_FILE: rc, TF_LOG_PATH: log, ...level };
  const failure = await runTerraform({
    stack: "staging-cluster",
    directory: run,
    arguments: ["plan", "-input=false", "-no-color"],
    env,
  }).catch((error: unknown) => error as TerraformError);
  if (!(failure instanceof TerraformError)) throw failure;
  return { log: readFileSync(log, "utf8"), output: failure.output };
}

const everything = Object.values(PRINTED).join("\n");

test.each([{ TF_LOG: "debug" }, { TF_LOG: "trace" }, { TF_LOG: "json" }, { TF_LOG_PROVIDER: "trace" }])(
  "with %j nothing that a provider holds is in the log, nor in the error, in whatever encoding",
  async (level) => {
    const { log, output } = await logged(everything, level);
    // It was printed, and the log is there.
    expect(log).toMatch(/Creating new secret|provider\.terraform-provider-kubernetes/);
    expect(FORMS.filter((form) => everything.includes(form))).toEqual(FORMS);
    expect(FORMS.filter((form) => log.includes(form) || output.includes(form))).toEqual([]);
    // Of the error only what terraform says itself.
    expect(output).toMatch(/^Error: Failed to load plugin schemas/m);
    expect(output).not.toMatch(/\[DEBUG\]|^Error: no/m);
  },
);

/** What is kept of what the provider has printed, without what terraform says itself. */
const ofProvider = (log: string): string[] =>
  log
    .split("\n")
    .map((line) => line.replace(/^\S+ \[DEBUG\] provider\.terraform-provider-kubernetes: /, "> "))
    .filter((line) => /^(?:>| {2})/.test(line) && !/^ {2}(?:the plugin|Path|Mode|Owner|Group)/.test(line));
const LEFT_OUT = "  … lines of a provider that can hold secrets are left out";

test.each<[keyof typeof PRINTED, string[]]>([
  ["create", [`> ${DATE} [INFO] Creating new secret: v1.Secret…`]],
  ["update", [`> ${DATE} [INFO] Updating secret…`]],
  ["patch", [`> ${DATE} [INFO] Updating secret:…`]],
  ["quoted", [`> ${DATE} [DEBUG] data is…`]],
  ["wrapped", [`> ${DATE} [DEBUG] Received:`, LEFT_OUT]],
  ["wrapped base64", [`> ${DATE} [DEBUG] Received`, LEFT_OUT]],
  ["a line that go-plugin cuts at 64 KiB", [`> ${DATE} [INFO] Received secret:…`, LEFT_OUT]],
  ["answer", [`> ${DATE} [DEBUG] DigitalOcean API Response Details:`, LEFT_OUT, "> HTTP/2.0 200", LEFT_OUT]],
  [
    "request",
    [LEFT_OUT, "> GET /v2/kubernetes/clusters/0f1e2d3c-0000-4000-8000-0123456789ab/credentials", LEFT_OUT],
  ],
  [
    "a structured answer in one line",
    ["> Received HTTP Response:… tf_http_req_uri=/v2/account tf_rpc=ReadDataSource"],
  ],
  ["words", [`> ${DATE} [DEBUG] Waiting for cluster 0f1e2d3c-0000-4000-8000-0123456789ab with …`]],
  ["without any level", [LEFT_OUT]],
])("of %s only what is harmless is kept", async (name, expected) => {
  const { log } = await logged(PRINTED[name], { TF_LOG: "debug" });
  expect(ofProvider(log)).toEqual(expected);
});

test("no variable has terraform or a provider write raw logs beside ours", async () => {
  const raw = mkdtempSync(join(folder, "raw-"));
  const [copy, mask] = ["copy-for-a-crash", "mask-%s"].map((name) => join(raw, name)) as [string, string];
  // terraform writes its log into this one if it is there.
  writeFileSync(copy, "");
  const { log } = await logged(PRINTED.create, {
    TF_LOG: "trace",
    TF_TEMP_LOG_PATH: copy,
    TF_LOG_PATH_MASK: mask,
    TF_ACC_LOG_PATH: mask,
    TF_LOG_SDK_PROTO_DATA_DIR: raw,
  });
  expect(log).toContain("Creating new secret");
  expect([readdirSync(raw), readFileSync(copy, "utf8")]).toEqual([["copy-for-a-crash"], ""]);
});

test("of an answer over many lines its status is kept", async () => {
  const { log } = await logged(PRINTED["a structured answer"], { TF_LOG: "debug" });
  // The log library has no order in its fields: some stand before the body, some behind it.
  expect(log).toContain("tf_http_res_status_code=200");
  expect(log).toContain("tf_http_op_type=response");
  expect(log).not.toContain("c.example");
});

test("a log in JSON stays JSON, with what was called and its status", async () => {
  const { log } = await logged(PRINTED["a structured answer"], { TF_LOG: "json" });
  const entries = log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const entry = entries.find((one) => "tf_http_op_type" in one);
  expect(entry).toEqual({
    "@level": "debug",
    "@message": "Received HTTP Response",
    "@module": "kubernetes.http",
    "@timestamp": expect.any(String),
    tf_http_op_type: "response",
    tf_http_res_status_code: 200,
  });
});
