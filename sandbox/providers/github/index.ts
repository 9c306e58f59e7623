import { CONNECTION_RESET, ProviderError } from "../../protocol/diagnostics";
import type { ProviderSchema } from "../../protocol/schema";
import { text, type Values } from "../../protocol/values";
import type { DataSourceHandler, Operation, ProviderDefinition } from "../provider";
import { apiError, type GitHubCloud, idOf, USER } from "./cloud";
import { deployKey, environment, plainSettings, webhook } from "./repository-settings";
import {
  actionsSecret,
  actionsVariable,
  dependabotSecret,
  environmentSecret,
  environmentVariable,
} from "./secrets";

const METHODS: Readonly<Record<Operation, string>> = {
  plan: "GET",
  read: "GET",
  create: "PUT",
  update: "PATCH",
  delete: "DELETE",
};

const MESSAGES = {
  "429": {
    status: 403,
    text: "API rate limit of 5000 still exceeded until the next hour, not making remote request.",
  },
  "500": { status: 500, text: "Server Error" },
} as const;

function repositoryData(cloud: GitHubCloud): DataSourceHandler {
  return (config, call) => {
    const [owner = "", fromFull] = (text(config.full_name) ?? cloud.owner(call.config)).split("/");
    const name = fromFull ?? text(config.name);
    if (!name) throw new ProviderError('one of "full_name" or "name" has to be provided');
    const repository = cloud.repository(owner, name);
    const web = `https://github.com/${owner}/${name}`;
    return {
      ...config,
      id: name,
      name,
      full_name: `${owner}/${name}`,
      description: config.description ?? "",
      node_id: repository.node_id,
      repo_id: repository.id,
      default_branch: repository.default_branch,
      private: repository.private,
      visibility: repository.private ? "private" : "public",
      html_url: web,
      http_clone_url: `${web}.git`,
      git_clone_url: `git://github.com/${owner}/${name}.git`,
      ssh_clone_url: `git@github.com:${owner}/${name}.git`,
      svn_url: web,
      allow_auto_merge: false,
      allow_merge_commit: true,
      allow_rebase_merge: true,
      allow_squash_merge: true,
      allow_update_branch: false,
      archived: false,
      delete_branch_on_merge: false,
      fork: false,
      has_discussions: false,
      has_downloads: true,
      has_issues: true,
      has_projects: true,
      has_wiki: true,
      is_template: false,
      merge_commit_message: "PR_TITLE",
      merge_commit_title: "MERGE_MESSAGE",
      primary_language: "",
      squash_merge_commit_message: "COMMIT_MESSAGES",
      squash_merge_commit_title: "COMMIT_OR_PR_TITLE",
      pages: [],
      repository_license: [],
      template: [],
      topics: [],
    };
  };
}

const userData =
  (cloud: GitHubCloud): DataSourceHandler =>
  (config) => {
    const login = text(config.username) ?? USER;
    if (!cloud.hasAccount(login)) throw apiError("GET", `users/${login}`, 404, "Not Found");
    const empty: Values = Object.fromEntries(
      ["bio", "blog", "company", "email", "gravatar_id", "location", "suspended_at"].map((name) => [
        name,
        "",
      ]),
    );
    return {
      ...config,
      ...empty,
      username: config.username ?? "",
      id: String(idOf(login)),
      login,
      name: login,
      node_id: `U_${idOf(login)}`,
      avatar_url: `https://avatars.githubusercontent.com/u/${idOf(login)}`,
      site_admin: false,
      followers: 0,
      following: 0,
      public_gists: 0,
      public_repos: 0,
      gpg_keys: [],
      ssh_keys: [],
      created_at: "2020-01-01 00:00:00 +0000 UTC",
      updated_at: "2020-01-01 00:00:00 +0000 UTC",
    };
  };

function teamData(cloud: GitHubCloud): DataSourceHandler {
  return (config, call) => {
    const organisation = cloud.owner(call.config);
    const slug = text(config.slug) ?? "";
    if (!cloud.hasTeam(organisation, slug))
      throw apiError("GET", `orgs/${organisation}/teams/${slug}`, 404, "Not Found");
    const id = idOf(`${organisation}/${slug}`);
    return {
      ...config,
      id: String(id),
      name: slug,
      node_id: `T_${id}`,
      description: "",
      permission: "pull",
      privacy: "closed",
      members: [],
      repositories: [],
      repositories_detailed: [],
    };
  };
}

/** The stand-in of integrations/github. */
export function gitHub(cloud: GitHubCloud): ProviderDefinition {
  return {
    name: "github",
    address: "registry.terraform.io/integrations/github",
    schema: async () => (await import("../../schemas/github.json")).default as unknown as ProviderSchema,
    resources: {
      ...plainSettings(cloud),
      github_actions_environment_secret: environmentSecret(cloud),
      github_actions_environment_variable: environmentVariable(cloud),
      github_actions_secret: actionsSecret(cloud),
      github_actions_variable: actionsVariable(cloud),
      github_dependabot_secret: dependabotSecret(cloud),
      github_repository_deploy_key: deployKey(cloud),
      github_repository_environment: environment(cloud),
      github_repository_webhook: webhook(cloud),
    },
    dataSources: {
      github_repository: repositoryData(cloud),
      github_team: teamData(cloud),
      github_user: userData(cloud),
      github_actions_public_key: (config, call) => {
        const { key_id, public_key } = cloud.repository(
          cloud.owner(call.config),
          text(config.repository) ?? "",
        );
        return { ...config, id: key_id, key_id, key: public_key };
      },
      github_branch: (config, call) => {
        const owner = cloud.owner(call.config);
        const name = text(config.repository) ?? "";
        const repository = cloud.repository(owner, name);
        const branch = text(config.branch) ?? "";
        // Another branch than the default one doesn't exist: the provider leaves the data source empty.
        if (branch !== repository.default_branch) return { ...config, id: null };
        return {
          ...config,
          id: `${name}:${branch}`,
          ref: `refs/heads/${branch}`,
          sha: repository.head,
          etag: `W/"${repository.head}"`,
        };
      },
    },
    // The provider's default of max_retries.
    repeats: 3,
    apiFault: (kind, type, operation) => {
      const path = `repos/${type.replace(/^github_/, "").replaceAll("_", "/")}s`;
      if (kind === "unanswered") {
        return new ProviderError(
          `${METHODS[operation]} "https://api.github.com/${path}": ${CONNECTION_RESET}`,
        );
      }
      if (kind === "timeout") {
        return new ProviderError(
          `${METHODS[operation]} "https://api.github.com/${path}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
        );
      }
      return apiError(METHODS[operation], path, MESSAGES[kind].status, MESSAGES[kind].text);
    },
  };
}
