import sodium from "libsodium-wrappers";
import { errorsOf, Playground, type Workspace } from "./terraform";

let playground: Playground;
let workspace: Workspace;
beforeEach(async () => {
  playground = await Playground.start();
  workspace = await playground.workspace("main", "");
});
afterEach(() => playground.stop());

const repository = (name = "acme/app") => playground.read("github.json").repositories[name];

/** Seals a value with the public key that the HTTP API gives out, as the deployment does. */
async function sealed(value: string, name = "app"): Promise<string> {
  await sodium.ready;
  const response = await fetch(
    `${playground.sandbox.env.GITHUB_BASE_URL}repos/acme/${name}/actions/secrets/public-key`,
    {
      headers: { authorization: "Bearer token" },
    },
  );
  const { key } = (await response.json()) as { key: string };
  return Buffer.from(
    sodium.crypto_box_seal(Buffer.from(value), new Uint8Array(Buffer.from(key, "base64"))),
  ).toString("base64");
}

const secret = (name: string, attributes: string, type = "github_actions_secret") => `
resource "${type}" "${name}" {
  repository  = "app"
  secret_name = "${name.toUpperCase()}"
  ${attributes}
}
`;

describe("secrets", () => {
  test("a value sealed with the repository's key is taken as it is", async () => {
    const value = await sealed("sentinel");
    workspace.write(secret("token", `encrypted_value = "${value}"`));
    await workspace.mustApply();
    expect(workspace.state()["github_actions_secret.token"]).toMatchObject({
      id: "app:TOKEN",
      destroy_on_drift: true,
      created_at: expect.stringMatching(/ \+0000 UTC$/),
    });
    const { sealed_value } = repository().github_actions_secret.TOKEN;
    expect(sealed_value).toBe(value);
    const { public_key, private_key } = repository();
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
    const opened = sodium.crypto_box_seal_open(bytes(sealed_value), bytes(public_key), bytes(private_key));
    expect(Buffer.from(opened).toString()).toBe("sentinel");
    expect(workspace.stateText()).not.toContain("sentinel");
    expect((await workspace.plan()).code).toBe(0);
  });

  test("a value sealed with another key, or cut, is refused", async () => {
    const foreign = await sealed("x", "other");
    const cut = (await sealed("x")).slice(0, 40);
    workspace.write(
      secret("foreign", `encrypted_value = "${foreign}"`) + secret("cut", `encrypted_value = "${cut}"`),
    );
    const message = (name: string) =>
      `PUT https://api.github.com/repos/acme/app/actions/secrets/${name}: 422 Bad request - The value was not encrypted with the public key of this repository []`;
    expect(errorsOf(await workspace.apply()).sort()).toStrictEqual([message("CUT"), message("FOREIGN")]);
    expect(repository().github_actions_secret).toBeUndefined();
  });

  test("names are checked before anything is planned", async () => {
    workspace.write(
      secret("github_x", 'plaintext_value = "x"') +
        secret("a", 'plaintext_value = "x"').replace('"A"', '"1A"') +
        secret("both", 'plaintext_value = "x"\nencrypted_value = "eA=="') +
        'resource "github_actions_variable" "v" {\nrepository = "app"\nvariable_name = "a-b"\nvalue = "x"\n}\n',
    );
    expect(errorsOf(await workspace.plan()).sort()).toStrictEqual([
      expect.stringContaining('"encrypted_value": conflicts with plaintext_value'),
      expect.stringContaining("secret names can only contain alphanumeric characters"),
      expect.stringContaining("secret names can only contain alphanumeric characters"),
      expect.stringContaining("secret names must not start with the GITHUB_ prefix"),
    ]);
  });

  test("one that somebody else changed is made again", async () => {
    workspace.write(secret("token", 'plaintext_value = "x"') + secret("kept", 'plaintext_value = "x"'));
    await workspace.mustApply();
    playground.edit("github.json", (content) => {
      content.repositories["acme/app"].github_actions_secret.TOKEN.updated_at =
        "2099-01-01 00:00:00 +0000 UTC";
    });
    expect((await workspace.plan()).changes).toStrictEqual({ "github_actions_secret.token": "create" });
  });

  test("those of an environment need it, and go with it", async () => {
    const environment =
      'resource "github_repository_environment" "it" {\nrepository = "app"\nenvironment = "staging"\n}\n';
    const inIt = secret(
      "token",
      'environment = "staging"\nplaintext_value = "x"',
      "github_actions_environment_secret",
    );
    workspace.write(inIt);
    expect(errorsOf(await workspace.apply())).toStrictEqual([
      expect.stringMatching(/: 404 Not Found.*"staging"/),
    ]);
    workspace.write(environment);
    await workspace.mustApply();
    workspace.write(environment + inIt);
    await workspace.mustApply();
    expect(workspace.state()["github_actions_environment_secret.token"]?.id).toBe("app:staging:TOKEN");
    await workspace.destroy("-target=github_repository_environment.it");
    expect(repository().github_actions_environment_secret).toBeUndefined();
  });
});

describe("repositories", () => {
  test("every one that is asked for exists, with the owner of the provider block", async () => {
    workspace.write('data "github_repository" "it" {\nname = "new-one"\n}\n');
    await workspace.mustApply();
    expect(workspace.state()["data.github_repository.it"]).toMatchObject({
      full_name: "acme/new-one",
      default_branch: "main",
      ssh_clone_url: "git@github.com:acme/new-one.git",
    });
    expect(repository("acme/new-one").public_key).toHaveLength(44);
  });

  test("a deploy key must be one, and can be used once", async () => {
    const key = (name: string, value: string, more = "") =>
      `resource "github_repository_deploy_key" "${name}" {\nrepository = "app"\ntitle = "${name}"\nkey = "${value}"\n${more}\n}\n`;
    const good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5bMBhuyQZdXG6qgZ0mFgO8QXvpvG4nQPp7wF3h1xVn";
    workspace.write(
      key("one", `${good} flux@staging`) +
        key("two", good, "depends_on = [github_repository_deploy_key.one]") +
        key("bad", "no key"),
    );
    expect(errorsOf(await workspace.apply()).sort()).toStrictEqual([
      expect.stringContaining("Message:key is already in use"),
      expect.stringContaining("Message:key is invalid"),
    ]);
    workspace.write(key("one", good));
    expect((await workspace.plan()).changes).toStrictEqual({ "github_repository_deploy_key.one": "replace" });
  });

  test("a webhook's secret is not in the cloud's file and its URL is used once", async () => {
    const hook = (name: string, more = "") =>
      `resource "github_repository_webhook" "${name}" {\nrepository = "app"\nevents = ["push"]\nconfiguration {\nurl = "https://flux.example.com/hook"\nsecret = "sentinel"\n}\n${more}\n}\n`;
    workspace.write(hook("one") + hook("two", "depends_on = [github_repository_webhook.one]"));
    expect(errorsOf(await workspace.apply())).toStrictEqual([expect.stringContaining("Hook already exists")]);
    expect(JSON.stringify(playground.read("github.json"))).not.toContain("sentinel");
    workspace.write(hook("one"));
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
  });

  test("variables, environments and webhooks are imported", async () => {
    const configuration = `
      resource "github_repository_environment" "it" {
        repository  = "app"
        environment = "staging"
      }
      resource "github_actions_variable" "it" {
        repository    = "app"
        variable_name = "REGION"
        value         = "nyc3"
      }
      resource "github_actions_environment_variable" "it" {
        repository    = "app"
        environment   = github_repository_environment.it.environment
        variable_name = "REGION"
        value         = "nyc3"
      }
      resource "github_repository_webhook" "it" {
        repository = "app"
        events     = ["push"]
        configuration {
          url = "https://flux.example.com/hook"
        }
      }
      `;
    workspace.write(configuration);
    await workspace.mustApply();
    const hook = workspace.state()["github_repository_webhook.it"]?.id;
    const imports = [
      ["github_repository_environment.it", "app:staging"],
      ["github_actions_variable.it", "app:REGION"],
      ["github_actions_environment_variable.it", "app:staging:REGION"],
      ["github_repository_webhook.it", `app/${hook}`],
    ].map(([to, id]) => `import {\n  to = ${to}\n  id = "${id}"\n}\n`);
    const second = await playground.workspace("second", configuration + imports.join(""));
    await second.mustApply();
    expect((await second.plan()).code).toBe(0);
  });
});

describe("what the owner's plan offers", () => {
  const account = (type: string, plan: string, isPrivate = true) => {
    playground.edit("github.json", (content) => {
      content.accounts = { acme: { type, plan } };
      content.repositories["acme/app"].private = isPrivate;
    });
  };
  const environment = (more: string) =>
    `resource "github_repository_environment" "it" {\nrepository = "app"\nenvironment = "staging"\n${more}\n}\n`;
  const REVIEWER = "reviewers {\nusers = [7]\n}";
  const REFUSED = (rule: string) =>
    `PUT https://api.github.com/repos/acme/app/environments: 422 Failed to create the environment protection rule. Please ensure the billing plan supports the ${rule} protection rule. []`;

  beforeEach(async () => {
    workspace.write('data "github_repository" "it" {\nname = "app"\n}\n');
    await workspace.mustApply();
  });

  test.each([
    ["User", "free", true, "", [expect.stringMatching(/environments: 404 Not Found/)]],
    ["User", "free", false, REVIEWER, []],
    ["User", "pro", true, "", []],
    ["User", "pro", true, REVIEWER, [REFUSED("required reviewers")]],
    ["Organization", "team", true, "wait_timer = 5", [REFUSED("wait timer")]],
    ["Organization", "enterprise", true, REVIEWER, []],
  ])("%s on %s, private %s: %j", async (type, plan, isPrivate, more, errors) => {
    account(type, plan, isPrivate);
    workspace.write(environment(more));
    expect(errorsOf(await workspace.apply())).toEqual(errors);
  });

  test("an organisation is no reviewer, and a user has no teams", async () => {
    workspace.write(
      `data "github_user" "it" {\nusername = "acme"\n}\n${environment("reviewers {\nusers = [tonumber(data.github_user.it.id)]\n}")}`,
    );
    expect(errorsOf(await workspace.apply())).toEqual([expect.stringContaining("422")]);
    account("User", "pro");
    workspace.write('data "github_team" "it" {\nslug = "platform"\n}\n');
    expect(errorsOf(await workspace.apply())).toEqual([expect.stringMatching(/404 Not Found/)]);
  });
});
