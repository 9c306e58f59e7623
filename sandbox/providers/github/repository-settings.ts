import { createHash } from "node:crypto";
import { blocks, text, type Values } from "../../protocol/values";
import { randomId } from "../computed";
import type { ResourceHandler } from "../provider";
import { ENVIRONMENT_KEYS, type GitHubCloud, idOf } from "./cloud";
import { parts, repositoryObject } from "./repository-object";

const MAXIMUM_WAIT_MINUTES = 43_200;
const PUBLIC_KEY =
  /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,3}( .*)?$/;
const MASKED = "********";

/** `github_repository_environment`; its secrets and variables go with it. */
export const environment = (cloud: GitHubCloud): ResourceHandler =>
  repositoryObject(cloud, {
    type: "github_repository_environment",
    path: "environments",
    forceNew: ["repository", "environment"],
    defaults: { can_admins_bypass: true, prevent_self_review: false },
    validate: (config, report) => {
      const wait = config.wait_timer;
      if (typeof wait === "number" && (wait < 0 || wait > MAXIMUM_WAIT_MINUTES)) {
        report(
          ["wait_timer"],
          `expected wait_timer to be in the range (0 - ${MAXIMUM_WAIT_MINUTES}), got ${wait}`,
        );
      }
    },
    key: (object) => text(object.environment) ?? "",
    id: (object) => `${text(object.repository)}:${text(object.environment)}`,
    keyOf: (state) => text(state.environment) ?? "",
    // The provider sets only the protection rules that GitHub lists: what was removed there stays in the state.
    afterRead: (object, state) => ({
      ...object,
      reviewers: object.reviewers ?? state.reviewers ?? null,
      wait_timer: object.wait_timer ?? state.wait_timer ?? null,
    }),
    check: (planned, _key, _isNew, _objects, fail, owner) => {
      for (const policy of blocks(planned.deployment_branch_policy)) {
        if (policy.protected_branches === policy.custom_branch_policies) {
          fail("PUT", 422, "protected_branches and custom_branch_policies cannot have the same value");
        }
      }
      const offer = cloud.offer(owner, text(planned.repository) ?? "");
      if (!offer.environments) fail("PUT", 404, "Not Found");
      const reviewers = blocks(planned.reviewers).flatMap(({ users, teams }) => [
        ...(Array.isArray(users) ? users : []),
        ...(Array.isArray(teams) ? teams : []),
      ]);
      const refuse = (rule: string): never =>
        fail(
          "PUT",
          422,
          `Failed to create the environment protection rule. Please ensure the billing plan supports the ${rule} protection rule.`,
        );
      if (!offer.protectionRules && reviewers.length > 0) refuse("required reviewers");
      if (!offer.protectionRules && Number(planned.wait_timer ?? 0) > 0) refuse("wait timer");
      if (cloud.account(owner).type === "Organization" && reviewers.includes(idOf(owner)))
        fail("PUT", 422, "Validation Failed: an organization can't be a reviewer");
    },
    beforeRemove: (prior, objects) => {
      for (const type of [
        "github_actions_environment_secret",
        "github_actions_environment_variable",
        "github_repository_environment_deployment_policy",
      ]) {
        for (const [key, object] of Object.entries(objects(type))) {
          if (object.environment === prior.environment) delete objects(type)[key];
        }
      }
      delete objects(ENVIRONMENT_KEYS)[text(prior.environment) ?? ""];
    },
    importState: (argument) => {
      const [repository = "", name = ""] = parts(argument, ":", ["repository", "environment"]);
      return { id: argument, repository, environment: name };
    },
  });

/** Type and key of a public key, without its comment: what GitHub keeps. */
const withoutComment = (key: string): string => key.trim().split(/\s+/).slice(0, 2).join(" ");

/** `github_repository_deploy_key`. */
export const deployKey = (cloud: GitHubCloud): ResourceHandler =>
  repositoryObject(cloud, {
    type: "github_repository_deploy_key",
    path: "keys",
    forceNew: ["repository", "title", "key", "read_only"],
    defaults: { read_only: true },
    key: () => String(randomId()),
    id: (object, key) => `${text(object.repository)}:${key}`,
    keyOf: (state) => (text(state.id) ?? "").split(":").pop() ?? "",
    check: (planned, _key, _isNew, objects, fail) => {
      const key = text(planned.key) ?? "";
      if (!PUBLIC_KEY.test(key.trim())) {
        fail(
          "POST",
          422,
          "Validation Failed [{Resource:PublicKey Field:key Code:custom Message:key is invalid. You must supply a key in OpenSSH public key format}]",
        );
      }
      const taken = Object.values(objects("github_repository_deploy_key")).some(
        (other) => withoutComment(text(other.key) ?? "") === withoutComment(key),
      );
      if (taken) {
        fail(
          "POST",
          422,
          "Validation Failed [{Resource:PublicKey Field:key Code:custom Message:key is already in use}]",
        );
      }
    },
    afterRead: (object, state) => {
      const [found, known] = [text(object.key) ?? "", text(state.key)];
      // The comment isn't part of the key: the provider doesn't see it as a difference.
      return known !== undefined && withoutComment(found) === withoutComment(known)
        ? { ...object, key: known }
        : object;
    },
    importState: (argument) => {
      const [repository = ""] = parts(argument, ":", ["repository", "id"]);
      return { id: argument, repository };
    },
  });

/** The configuration of a webhook with its secret taken out or put back. */
function withSecret(object: Values, secret: (stored: Values) => Values[string]): Values {
  return {
    ...object,
    configuration: blocks(object.configuration).map((entry) => ({ ...entry, secret: secret(entry) })),
  };
}

/** `github_repository_webhook`: its secret is never given back. */
export function webhook(cloud: GitHubCloud): ResourceHandler {
  const handler = repositoryObject(cloud, {
    type: "github_repository_webhook",
    path: "hooks",
    forceNew: ["repository"],
    defaults: { active: true },
    key: () => String(randomId()),
    id: (_, key) => key,
    keyOf: (state) => text(state.id) ?? "",
    computed: (object, key, owner) => ({
      url: `https://api.github.com/repos/${owner}/${text(object.repository)}/hooks/${key}`,
    }),
    check: (planned, key, _isNew, objects, fail) => {
      const [configuration] = blocks(planned.configuration);
      const url = text(configuration?.url) ?? "";
      if (!/^https?:\/\/[^/\s]+/.test(url)) {
        fail(
          "POST",
          422,
          "Validation Failed [{Resource:Hook Field:url Code:custom Message:url is missing a scheme}]",
        );
      }
      const same = Object.entries(objects("github_repository_webhook")).some(
        ([other, object]) => other !== key && blocks(object.configuration)[0]?.url === url,
      );
      if (same) {
        fail(
          "POST",
          422,
          "Validation Failed [{Resource:Hook Field: Code:custom Message:Hook already exists on this repository}]",
        );
      }
    },
    afterRead: (object, state) => {
      const [before] = blocks(state.configuration);
      return withSecret(object, ({ secret }) =>
        secret === MASKED ? (before?.secret ?? MASKED) : (secret ?? null),
      );
    },
    importState: (argument) => {
      const [repository = "", id = ""] = parts(argument, "/", ["repository", "webhook_id"]);
      return { id, repository };
    },
  });
  const secretOf = (planned: Values) => blocks(planned.configuration)[0]?.secret ?? null;
  const masked = (planned: Values) => withSecret(planned, ({ secret }) => (secret === null ? null : MASKED));
  const restore = (result: Values, planned: Values) => withSecret(result, () => secretOf(planned));
  return {
    ...handler,
    create: async (planned, call) => restore(await handler.create(masked(planned), call), planned),
    update: async (planned, prior, call) =>
      restore(await handler.update(masked(planned), prior, call), planned),
  };
}

const sha = (content: string): string => createHash("sha1").update(content).digest("hex");

const FALSE_BY_DEFAULT = [
  "allows_deletions",
  "allows_force_pushes",
  "enforce_admins",
  "lock_branch",
  "require_conversation_resolution",
  "require_signed_commits",
  "required_linear_history",
  "required_status_checks.strict",
];

const PULL_REQUEST_FLAGS = [
  "dismiss_stale_reviews_on_push",
  "require_code_owner_review",
  "require_last_push_approval",
  "required_review_thread_resolution",
];

/** Resource types that are kept with their real defaults and replacements, but without GitHub's further rules. */
export function plainSettings(cloud: GitHubCloud): Record<string, ResourceHandler> {
  const falseAt = (paths: readonly string[]) => Object.fromEntries(paths.map((path) => [path, false]));
  return {
    github_branch_protection: repositoryObject(cloud, {
      type: "github_branch_protection",
      path: "branches/protection",
      defaults: {
        ...falseAt(FALSE_BY_DEFAULT),
        "required_pull_request_reviews.required_approving_review_count": 1,
        "restrict_pushes.blocks_creations": true,
      },
      repositoryOf: (object) => {
        const id = text(object.repository_id) ?? "";
        return cloud.nameOf(id)?.split("/")[1] ?? id;
      },
      key: () => `BPR_${randomId()}`,
      id: (_, key) => key,
      keyOf: (state) => text(state.id) ?? "",
    }),
    github_issue_label: repositoryObject(cloud, {
      type: "github_issue_label",
      path: "labels",
      forceNew: ["repository"],
      key: (object) => text(object.name) ?? "",
      id: (object) => `${text(object.repository)}:${text(object.name)}`,
      keyOf: (state) => (text(state.id) ?? "").split(":").slice(1).join(":"),
      computed: (object, _, owner) => ({
        url: `https://api.github.com/repos/${owner}/${text(object.repository)}/labels/${text(object.name)}`,
      }),
      importState: (argument) => {
        const [repository = "", name = ""] = parts(argument, ":", ["repository", "name"]);
        return { id: argument, repository, name };
      },
    }),
    github_repository_environment_deployment_policy: repositoryObject(cloud, {
      type: "github_repository_environment_deployment_policy",
      path: "environments/deployment-branch-policies",
      forceNew: ["repository", "environment"],
      validate: (config, report) => {
        if (config.branch_pattern !== null && config.tag_pattern !== null) {
          report(["branch_pattern"], '"branch_pattern": conflicts with tag_pattern');
        }
      },
      check: (planned, _key, isNew, objects, fail) => {
        if (!objects("github_repository_environment")[text(planned.environment) ?? ""])
          fail("POST", 404, "Not Found");
        const same = Object.values(objects("github_repository_environment_deployment_policy")).some((other) =>
          ["environment", "branch_pattern", "tag_pattern"].every(
            (name) => (other[name] ?? null) === (planned[name] ?? null),
          ),
        );
        // GitHub redirects to the one that is there, which its Go client takes for an error.
        if (isNew && same) fail("POST", 303, "");
      },
      key: () => String(randomId()),
      id: (object, key) => `${text(object.repository)}:${text(object.environment)}:${key}`,
      keyOf: (state) => (text(state.id) ?? "").split(":").pop() ?? "",
      // An import sets the id only, and a read only the pattern: an imported policy would be replaced.
      repositoryOf: (object) => text(object.repository) ?? (text(object.id) ?? "").split(":")[0] ?? "",
      afterRead: (object, state) => ({
        ...object,
        repository: state.repository ?? null,
        environment: state.environment ?? null,
      }),
      importState: (argument) => {
        parts(argument, ":", ["repository", "environment", "policy_id"]);
        return { id: argument };
      },
    }),
    github_repository_file: repositoryObject(cloud, {
      type: "github_repository_file",
      path: "contents",
      forceNew: ["repository", "file", "branch"],
      defaults: {
        overwrite_on_create: false,
        autocreate_branch: false,
        autocreate_branch_source_branch: "main",
      },
      volatile: ["sha", "commit_sha", "ref", "commit_message"],
      key: (object) => text(object.file) ?? "",
      id: (object) => `${text(object.repository)}/${text(object.file)}`,
      keyOf: (state) => text(state.file) ?? "",
      check: (planned, key, isNew, objects, fail) => {
        if (isNew && objects("github_repository_file")[key] && planned.overwrite_on_create !== true) {
          fail("PUT", 422, "Refusing to overwrite existing file: configure `overwrite_on_create` to `true`");
        }
      },
      computed: (object) => ({
        sha: sha(text(object.content) ?? ""),
        commit_sha: sha(`${text(object.file)}${text(object.content)}`),
        ref: text(object.branch) ?? "main",
        commit_message: `Add ${text(object.file)}`,
      }),
    }),
    github_repository_ruleset: repositoryObject(cloud, {
      type: "github_repository_ruleset",
      path: "rulesets",
      defaults: {
        "rules.update_allows_fetch_and_merge": false,
        ...falseAt(PULL_REQUEST_FLAGS.map((name) => `rules.pull_request.${name}`)),
        "rules.pull_request.required_approving_review_count": 0,
        "rules.required_status_checks.do_not_enforce_on_create": false,
        "rules.required_status_checks.required_check.integration_id": 0,
        "rules.merge_queue.check_response_timeout_minutes": 60,
        "rules.merge_queue.grouping_strategy": "ALLGREEN",
        "rules.merge_queue.max_entries_to_build": 5,
        "rules.merge_queue.max_entries_to_merge": 5,
        "rules.merge_queue.merge_method": "MERGE",
        "rules.merge_queue.min_entries_to_merge": 1,
        "rules.merge_queue.min_entries_to_merge_wait_minutes": 5,
      },
      validate: (config, report) => {
        if (
          typeof config.enforcement === "string" &&
          !["disabled", "active", "evaluate"].includes(config.enforcement)
        ) {
          report(
            ["enforcement"],
            `expected enforcement to be one of ["disabled" "active" "evaluate"], got ${config.enforcement}`,
          );
        }
      },
      key: () => String(randomId()),
      id: (_, key) => key,
      keyOf: (state) => text(state.id) ?? "",
      computed: (_, key) => ({ ruleset_id: Number(key), node_id: `RRS_${key}` }),
      importState: (argument) => {
        const [repository = "", id = ""] = parts(argument, ":", ["repository", "ruleset_id"]);
        return { id, repository };
      },
    }),
  };
}
