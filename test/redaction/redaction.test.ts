import { concealValues, concealVariables, redact, redactStream } from "../../src/redaction";

const TOKEN = "p/l+ain 'ä\" & <secret>?=";

test("a value that nobody has concealed is printed", () => {
  expect(redact("sentinel-of-nobody")).toBe("sentinel-of-nobody");
});

describe("a concealed value", () => {
  beforeAll(() => concealValues([TOKEN, "short", undefined]));

  test.each([
    ["as it is", TOKEN],
    ["in JSON", JSON.stringify(TOKEN).slice(1, -1)],
    ["in an address", encodeURIComponent(TOKEN)],
    ["in a form", new URLSearchParams({ a: TOKEN }).toString().slice(2)],
    ["in hexadecimal digits", Buffer.from(TOKEN).toString("hex")],
    ["in Go's bytes", [...Buffer.from(TOKEN)].map((byte) => `0x${byte.toString(16)}`).join(", ")],
    ["in Go's bytes, in decimal digits", [...Buffer.from(TOKEN)].join(" ")],
    ["in a list of bytes in JSON", JSON.stringify([...Buffer.from(TOKEN)]).slice(1, -1)],
    ["in Go's escapes", Buffer.from(TOKEN).toString("hex").replaceAll(/../g, "\\x$&")],
    ["in base64", Buffer.from(TOKEN).toString("base64")],
    ["in base64url", Buffer.from(TOKEN).toString("base64url")],
    ["in JSON in JSON", JSON.stringify(JSON.stringify(TOKEN)).slice(3, -3)],
    ["in XML's text", TOKEN.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")],
    ["in XML", "p/l+ain &apos;ä&quot; &amp; &lt;secret&gt;?="],
    ["in HTML", "p/l+ain &#39;ä&quot; &amp; &lt;secret&gt;?="],
    ["in Go's HTML", "p/l+ain &#39;ä&#34; &amp; &lt;secret&gt;?="],
    ["quoted for a shell", `p/l+ain '\\''ä" & <secret>?=`],
  ])("is not readable %s", (_, form) => {
    expect(redact(`before ${form} after`)).toMatch(/^before \*\*\*=* after$/);
  });

  test.each(["u", "us", "use", "user"])("is not readable in Basic authorization of %j", (user) => {
    const encoded = Buffer.from(`${user}:${TOKEN}:x`).toString("base64");
    expect(redact(`x ${encoded} y`)).not.toContain(encoded.slice(8, -8));
  });

  test("is not readable in Go's JSON in JSON", () => {
    const go = JSON.stringify(TOKEN)
      .slice(1, -1)
      .replace("<", "\\u003c")
      .replace(">", "\\u003e")
      .replace("&", "\\u0026");
    expect(redact(`body: ${JSON.stringify(go)}, sent`)).toBe('body: "***", sent');
  });

  test("with quotes and backslashes is not readable in a line about a body that isn't JSON itself", () => {
    concealValues(['pa"ss\\word-x']);
    const body = JSON.stringify({ password: 'pa"ss\\word-x' });
    expect(redact(`sent ${JSON.stringify(body)} to it`)).toBe(
      String.raw`sent "{\"password\":\"***\"}" to it`,
    );
  });

  test("of less than 8 characters stays: it could be any word", () => {
    expect(redact("a short word")).toBe("a short word");
  });
});

test("variables are known by their names, of every environment", () => {
  concealVariables({
    STAGING_DIGITALOCEAN_TOKEN: "value-of-a-token",
    SLACK_WEBHOOK_URL: "https://hooks.example/abc",
    TRAVERSION_SMTP_HOST: "mail.acme.example",
    SSH_AUTH_SOCK: "/tmp/socket-of-ssh",
  });
  expect(redact("value-of-a-token https://hooks.example/abc mail.acme.example /tmp/socket-of-ssh")).toBe(
    "*** *** mail.acme.example /tmp/socket-of-ssh",
  );
});

test.each([
  `AGE-SECRET-KEY-1${"Q".repeat(58)}`,
  `dop_v1_${"0a".repeat(32)}`,
  `ghp_${"aB3".repeat(12)}`,
  `github_pat_${"aB3_".repeat(12)}`,
  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----",
])("keys and tokens are known by their looks: %s", (secret) => {
  expect(redact(`a ${secret} b`)).toBe("a *** b");
});

test.each([
  "Authorization: Bearer abc.def",
  '"authorization": ["Bearer abc.def"]',
  "Authorization=token abc.def",
])("what authorizes a request is not readable: %s", (line) => {
  expect(redact(line)).not.toContain("abc.def");
});

test.each([60, 64, 70, 76])(
  "base64 that is broken into lines of %i is concealed, but for its ends",
  (length) => {
    const secret = "a-key-that-is-as-long-as-keys-are/".repeat(8);
    concealValues([secret]);
    const lines =
      Buffer.from(secret)
        .toString("base64")
        .match(new RegExp(`.{1,${length}}`, "g")) ?? [];
    const left = redact(lines.join("\n")).replaceAll(/[*\n]/g, "");
    expect(left.length).toBeLessThan(8);
  },
);

test("several lines are concealed one by one as well", () => {
  concealValues(["first-line-of-a-key\nsecond-line-of-a-key\n"]);
  expect(redact("> second-line-of-a-key")).toBe("> ***");
});

test("everything that is written to a stream is redacted, text and bytes", () => {
  concealValues(["value-on-a-stream"]);
  const written: string[] = [];
  const stream = { write: (chunk: Buffer) => written.push(chunk.toString()) > 0 };
  redactStream(stream as never);
  const { write } = stream as unknown as NodeJS.WriteStream;
  write("a value-on-a-stream\n");
  write(Buffer.from("b value-on-a-stream\n"));
  expect(written).toEqual(["a ***\n", "b ***\n"]);
});
