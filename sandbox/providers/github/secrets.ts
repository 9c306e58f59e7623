import { text, type Values } from "../../protocol/values";
import type { Call, Report, ResourceHandler } from "../provider";
import { apiError, type GitHubCloud } from "./cloud";
import { parts, type RepositoryObjectOptions, repositoryObject } from "./repository-object";
import { checkSealed, seal } from "./sealing";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAXIMUM_VALUE = 48 * 1024;
const ENVIRONMENTS = "github_repository_environment";

/** Checks the name of a secret or a variable as the provider's schema does. */
function validateName(attribute: string, config: Values, report: Report): void {
  const name = text(config[attribute]);
  if (name === undefined) return;
  if (!NAME.test(name)) {
    report(
      [attribute],
      "secret names can only contain alphanumeric characters or underscores and must not start with a number",
    );
  }
  if (name.toUpperCase().startsWith("GITHUB_")) {
    report([attribute], "secret names must not start with the GITHUB_ prefix");
  }
}

function validateSecret(config: Values, report: Report): void {
  validateName("secret_name", config, report);
  if (config.encrypted_value !== null && config.plaintext_value !== null) {
    report(["encrypted_value"], '"encrypted_value": conflicts with plaintext_value');
  }
  const sealed = config.encrypted_value;
  if (typeof sealed === "string" && !BASE64.test(sealed)) {
    report(["encrypted_value"], 'expected "encrypted_value" to be a base64 string');
  }
}

/** GitHub keeps names in upper case and finds them in any. */
const upper = (object: Values, attribute: string): string => (text(object[attribute]) ?? "").toUpperCase();

const missingEnvironment = (environment: string, exists: boolean): string | undefined =>
  exists ? undefined : `Not Found - environment "${environment}" does not exist`;

/** Removes a secret from the state when somebody else changed it: its value can't be read. */
function drifted(stored: Values, state: Values): boolean {
  const seen = text(state.updated_at);
  return seen !== undefined && seen !== stored.updated_at;
}

/** Seals or checks a secret's value, then creates the object without its plain text. */
function sealing(cloud: GitHubCloud, options: RepositoryObjectOptions): ResourceHandler {
  const handler = repositoryObject(cloud, options);
  const sealedValue = async (planned: Values, call: Call): Promise<string> => {
    const owner = cloud.owner(call.config);
    const name = text(planned.repository) ?? "";
    const environment = text(planned.environment);
    const pair =
      environment === undefined
        ? cloud.repository(owner, name)
        : cloud.environmentKey(owner, name, environment);
    if (pair === undefined)
      throw apiError(
        "GET",
        `repositories/${cloud.repository(owner, name).id}/environments/${environment}/secrets/public-key`,
        404,
        `Not Found - environment "${environment}" does not exist`,
      );
    const path = `repos/${owner}/${name}/${options.path}/${text(planned.secret_name)}`;
    const sealed = text(planned.encrypted_value);
    if (sealed === undefined) return seal(pair, text(planned.plaintext_value) ?? "");
    await checkSealed(pair, sealed, path);
    return sealed;
  };
  const store = (planned: Values, call: Call, value: string): void => {
    cloud.update(cloud.owner(call.config), text(planned.repository) ?? "", (objects) => {
      const object = objects(options.type)[options.keyOf(planned)];
      if (object) object.sealed_value = value;
    });
  };
  return {
    ...handler,
    create: async (planned, call) => {
      const value = await sealedValue(planned, call);
      const created = await handler.create(planned, call);
      store(created, call, value);
      return created;
    },
  };
}

const SECRET_VALUES = ["encrypted_value", "plaintext_value", "destroy_on_drift"];

function repositorySecret(
  cloud: GitHubCloud,
  type: string,
  path: string,
  more: Partial<RepositoryObjectOptions>,
) {
  return sealing(cloud, {
    type,
    path,
    forceNew: ["repository", "secret_name", "encrypted_value", "plaintext_value"],
    keptFromState: SECRET_VALUES,
    validate: validateSecret,
    key: (object) => upper(object, "secret_name"),
    id: (object) => `${text(object.repository)}:${text(object.secret_name)}`,
    keyOf: (state) => upper(state, "secret_name"),
    afterRead: (object, state) => (drifted(object, state) ? null : object),
    importState: (argument) => {
      const [repository = "", name = ""] = parts(argument, "/", ["repository", "secret_name"]);
      return { id: `${repository}:${name}`, repository, secret_name: name };
    },
    ...more,
  });
}

/** `github_actions_secret`. */
export const actionsSecret = (cloud: GitHubCloud): ResourceHandler =>
  repositorySecret(cloud, "github_actions_secret", "actions/secrets", {
    forceNew: ["repository", "secret_name", "encrypted_value", "plaintext_value", "destroy_on_drift"],
    defaults: { destroy_on_drift: true },
    // Without destroy_on_drift a changed secret loses its value in the state, so that the next plan writes it again.
    afterRead: (object, state) => {
      if (!drifted(object, state)) return object;
      return state.destroy_on_drift === false
        ? { ...object, encrypted_value: null, plaintext_value: null }
        : null;
    },
  });

/** `github_dependabot_secret`. */
export const dependabotSecret = (cloud: GitHubCloud): ResourceHandler =>
  repositorySecret(cloud, "github_dependabot_secret", "dependabot/secrets", {});

const environmentKey = (object: Values, attribute: string) =>
  `${text(object.environment)}:${upper(object, attribute)}`;
const environmentId = (object: Values, attribute: string) =>
  [object.repository, object.environment, object[attribute]].map(text).join(":");

/** `github_actions_environment_secret`: its environment has to exist. */
export const environmentSecret = (cloud: GitHubCloud): ResourceHandler =>
  sealing(cloud, {
    type: "github_actions_environment_secret",
    path: "environments/secrets",
    forceNew: ["repository", "environment", "secret_name", "encrypted_value", "plaintext_value"],
    keptFromState: SECRET_VALUES,
    validate: validateSecret,
    key: (object) => environmentKey(object, "secret_name"),
    id: (object) => environmentId(object, "secret_name"),
    keyOf: (state) => environmentKey(state, "secret_name"),
    check: (planned, _key, _isNew, objects, fail) => {
      const environment = text(planned.environment) ?? "";
      const missing = missingEnvironment(environment, objects(ENVIRONMENTS)[environment] !== undefined);
      if (missing) fail("GET", 404, missing);
    },
    afterRead: (object, state) => (drifted(object, state) ? null : object),
  });

function checkValue(planned: Values, owner: string): void {
  const value = text(planned.value) ?? "";
  if (Buffer.byteLength(value) > MAXIMUM_VALUE) {
    throw apiError(
      "POST",
      `repos/${owner}/${text(planned.repository)}/actions/variables`,
      422,
      "Value is too large",
    );
  }
}

/** `github_actions_variable`. */
export const actionsVariable = (cloud: GitHubCloud): ResourceHandler =>
  repositoryObject(cloud, {
    type: "github_actions_variable",
    path: "actions/variables",
    forceNew: ["repository", "variable_name"],
    validate: (config, report) => validateName("variable_name", config, report),
    key: (object) => upper(object, "variable_name"),
    id: (object) => `${text(object.repository)}:${text(object.variable_name)}`,
    keyOf: (state) => upper(state, "variable_name"),
    check: (planned, key, isNew, objects, fail) => {
      if (isNew && objects("github_actions_variable")[key])
        fail("POST", 409, "Already exists - Variable already exists");
      checkValue(planned, "");
    },
    importState: (argument) => {
      const [repository = "", name = ""] = parts(argument, ":", ["repository", "variable_name"]);
      return { id: argument, repository, variable_name: name };
    },
  });

/** `github_actions_environment_variable`: its environment has to exist. */
export const environmentVariable = (cloud: GitHubCloud): ResourceHandler =>
  repositoryObject(cloud, {
    type: "github_actions_environment_variable",
    path: "environments/variables",
    forceNew: ["repository", "environment", "variable_name"],
    validate: (config, report) => validateName("variable_name", config, report),
    key: (object) => environmentKey(object, "variable_name"),
    id: (object) => environmentId(object, "variable_name"),
    keyOf: (state) => environmentKey(state, "variable_name"),
    // GitHub answers 409 for one that exists, and the provider then changes it without a word.
    check: (planned, _key, _isNew, objects, fail) => {
      const environment = text(planned.environment) ?? "";
      const missing = missingEnvironment(environment, objects(ENVIRONMENTS)[environment] !== undefined);
      if (missing) fail("POST", 404, missing);
      checkValue(planned, "");
    },
    importState: (argument) => {
      const names = ["repository", "environment", "variable_name"];
      const [repository = "", environment = "", name = ""] = parts(argument, ":", names);
      return { id: argument, repository, environment, variable_name: name };
    },
  });
