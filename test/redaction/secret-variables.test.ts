import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secretsOf } from "../../src/redaction/secret-variables";
import { applicationSecrets } from "../../src/secrets/applications";
import { privateValues } from "../../src/secrets/private-files";
import { secretVariables } from "../../src/secrets/secret-variables";
import { PASSED_ON } from "../../src/secrets/tokens";
import { REPOSITORY } from "../support/example";

/** Whether a variable of this name is concealed. */
const isConcealed = (name: string, value = "the-value-of-it"): boolean =>
  secretsOf({ [name]: value }, secretVariables()).includes(value);

const given = applicationSecrets.flatMap(({ values }) =>
  Object.values(values).flatMap((value) => ("variable" in value ? [value] : [])),
);

describe("what the project knows", () => {
  const secret = [
    ...given.filter(({ readable }) => !readable).map(({ variable }) => variable),
    ...Object.entries(PASSED_ON).flat(),
  ];

  test.each([...new Set(secret)])("%s is concealed, and an environment's own", (name) => {
    expect([isConcealed(name), isConcealed(`STAGING_${name}`), isConcealed(`EU_WEST_${name}`)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("hosts, ports, users and buckets are not", () => {
    const readable = given.filter((value) => value.readable).map(({ variable }) => variable);
    expect(readable.filter((name) => isConcealed(name) || isConcealed(`STAGING_${name}`))).toEqual([]);
    expect(readable.sort()).toEqual([
      "CHATBOX_SMTP_HOST",
      "CHATBOX_SMTP_PORT",
      "CHATBOX_SMTP_USER",
      "TRAVERSION_BACKUP_BUCKET",
      "TRAVERSION_BACKUP_ENDPOINT",
      "TRAVERSION_SMTP_HOST",
      "TRAVERSION_SMTP_PORT",
      "TRAVERSION_SMTP_USERNAME",
    ]);
  });

  test("every name of .env.example is concealed: it has credentials only", () => {
    const names = [...readFileSync(join(REPOSITORY, ".env.example"), "utf8").matchAll(/^([A-Z_]+)=/gm)];
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter(([, name = ""]) => !isConcealed(name))).toEqual([]);
  });
});

test("the private files' values are concealed as well, and a file that can't be read is no error", () => {
  const folder = mkdtempSync(join(tmpdir(), "private-"));
  try {
    expect(privateValues(folder)).toEqual([]);
    mkdirSync(join(folder, ".secrets", "staging", "deploy-key"), { recursive: true });
    writeFileSync(join(folder, ".secrets", "staging", "webhook-token"), "the-token\n");
    mkdirSync(join(folder, ".secrets", "production"));
    writeFileSync(join(folder, ".secrets", "production", "deploy-key"), "the-key\n");
    // It names the public key too, and its private one is known by its looks.
    writeFileSync(join(folder, ".secrets", "production", "age.agekey"), "# public key: age1\n");
    expect(privateValues(folder).sort()).toEqual(["the-key", "the-token"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe("what a name says", () => {
  test.each([
    ..."SMTP_PASS DB_PWD AWS_CREDENTIALS SENTRY_DSN APP_DSN NPM_CONFIG__AUTH REGISTRY_AUTH SESSION_COOKIE".split(
      " ",
    ),
    ..."AWS_SESSION_TOKEN GPG_PASSPHRASE ADMIN_PASSWD LICENSE_KEY FERNET_KEY SSH_KEY PASS my_password".split(
      " ",
    ),
    ..."TF_TOKEN_app_terraform_io TF_TOKEN_my_file SLACK_WEBHOOK GITHUB_PAT GH_PAT VAULT_SECRET_ID".split(
      " ",
    ),
    ..."AWS_BEARER_TOKEN_BEDROCK apiKey APIKey accessToken dbPwd SMTP_PASSWORD_2 SMTP_PASSWORD2".split(" "),
    ..."DB_PASSWORD_OLD RSA_KEY_PEM API_KEY_2 PRIVATE_KEY_BASE64 DB_PASS_V2 TOKEN_OF_CI".split(" "),
  ])("%s is concealed", (name) => expect(isConcealed(name)).toBe(true));

  test.each([
    ..."PWD OLDPWD SSH_AUTH_SOCK GIT_ASKPASS SSH_ASKPASS COMPASS KEYBOARD AUTHOR_NAME GIT_AUTHOR_EMAIL".split(
      " ",
    ),
    ..."SSH_PUBLIC_KEY CACHE_KEY CLOUDFLARE_ZONE HOSTNAME USER EDITOR PATH LANG TERM_PROGRAM".split(" "),
    ..."DIGITALOCEAN_API_URL GITHUB_BASE_URL GITHUB_REPOSITORY TF_LOG_PATH TF_CLI_CONFIG_FILE INIT_CWD".split(
      " ",
    ),
    ..."TOKEN_FILE AWS_WEB_IDENTITY_TOKEN_FILE DB_PASSWORD_FILE SECRET_NAME OAUTH_TOKEN_URL PATTERN".split(
      " ",
    ),
    ..."SSH_PUBLIC_KEY_PEM cacheKey TLS_CERT_PEM TOKENIZER_MODEL SECRETARY COMPAT TF_VAR_path OLD_PATH_2".split(
      " ",
    ),
    ..."ACTIONS_ID_TOKEN_REQUEST_URL PASSENGER_COUNT GPG_KEY_ID KEY_NAME WEBHOOK_PORT".split(" "),
  ])("%s is readable", (name) => expect(isConcealed(name)).toBe(false));

  test("the path of a file with credentials is readable, as long as the file is there", () => {
    expect(isConcealed("GOOGLE_APPLICATION_CREDENTIALS", tmpdir())).toBe(false);
    expect(isConcealed("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file/here")).toBe(true);
    // A password never is.
    expect(isConcealed("DB_PASSWORD", tmpdir())).toBe(true);
  });
});

describe("a password in an address", () => {
  test.each([
    ["postgres://shop:p%40ss-word@db.acme.example/shop", ["p%40ss-word", "p@ss-word"]],
    ["redis://:p%40ss-word@cache:6379/0", ["p%40ss-word", "p@ss-word"]],
    ["http://proxy-user:hunter-twice@proxy.acme.example:3128", ["hunter-twice"]],
    ["https://0123456789abcdef01234@git.acme.example/x.git", ["0123456789abcdef01234"]],
    ["amqps://u:50%-off-all@queue", ["50%-off-all"]],
  ])("is concealed by itself and with the address: %s", (address, passwords) => {
    expect(secretsOf({ DATABASE_URL: address }, [])).toEqual(expect.arrayContaining([address, ...passwords]));
    expect(secretsOf({ ANYTHING: ` ${address}\n` }, [])).toEqual(expect.arrayContaining(passwords));
  });

  test.each([
    "https://db.acme.example/shop?user=a:b",
    "ssh://git@github.com/acme/shop.git",
    "https://user@acme.example",
    "postgres://shop:@db",
    "git@github.com:acme/shop.git",
    "me@acme.example",
  ])("there is none in %s", (address) => expect(secretsOf({ DATABASE_URL: address }, [])).toEqual([]));
});
