import { ActionsEnvironmentSecret } from "@cdktf/provider-github/lib/actions-environment-secret";
import { ActionsEnvironmentVariable } from "@cdktf/provider-github/lib/actions-environment-variable";
import { ActionsSecret } from "@cdktf/provider-github/lib/actions-secret";
import { DataGithubTeam } from "@cdktf/provider-github/lib/data-github-team";
import { DataGithubUser } from "@cdktf/provider-github/lib/data-github-user";
import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { RepositoryDeployKey } from "@cdktf/provider-github/lib/repository-deploy-key";
import { RepositoryEnvironment } from "@cdktf/provider-github/lib/repository-environment";
import { RepositoryEnvironmentDeploymentPolicy } from "@cdktf/provider-github/lib/repository-environment-deployment-policy";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { Fn } from "cdktf";
import type { Construct } from "constructs";
import type { GitHubRepository } from "../config";
import { FLUX_HOST } from "../flux";
import type { PublishedSecrets } from "../secrets/published";
import { possibleReviewers } from "../secrets/repository-offer";
import { EnvironmentStack, type EnvironmentStackProps } from "./environment-stack";

export interface GitHubSecretsStackProps extends EnvironmentStackProps {
  readonly github: GitHubRepository;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly fluxNamespace: string;
  /** Sealed and public values; absent until the first deploy has made them. */
  readonly published?: PublishedSecrets;
}

/**
 * What keeps the repository deploying: its environment with variables and deploy tokens, tokens of plans, Flux's deploy key and webhook.
 * All tokens are sealed with public keys of GitHub: unlike plaintext_value nothing that anyone else could open reaches the state.
 */
export class GitHubSecretsStack extends EnvironmentStack {
  constructor(scope: Construct, props: GitHubSecretsStackProps) {
    super(scope, "github-secrets", props);
    new GithubProvider(this, "github", { owner: props.github.owner });
    const { published } = props;
    // Nothing is known before the first deploy has asked GitHub.
    if (published?.offer?.environments !== false) this.environment(props, published);
    if (published) this.repository(props, published);
  }

  private environment(props: GitHubSecretsStackProps, published: PublishedSecrets | undefined): void {
    const { github, environment } = props;
    const { users, teams } = this.reviewers(
      published?.offer
        ? possibleReviewers(environment.reviewers, published.offer, github.owner)
        : environment.reviewers,
    );
    const target = new RepositoryEnvironment(this, "environment", {
      repository: github.repository,
      environment: environment.name,
      deploymentBranchPolicy: { protectedBranches: false, customBranchPolicies: true },
      reviewers: users.length + teams.length > 0 ? [{ users, teams }] : undefined,
    });
    const policy = new RepositoryEnvironmentDeploymentPolicy(this, "deployment-policy", {
      repository: github.repository,
      environment: target.environment,
      branchPattern: github.branch,
    });
    for (const [secretName, { sealed }] of Object.entries(published?.environment?.secrets ?? {})) {
      new ActionsEnvironmentSecret(this, `environment-secret-${secretName}`, {
        repository: github.repository,
        environment: target.environment,
        secretName,
        encryptedValue: sealed,
        // First only the branch that Flux reads may use the environment, then there is something to read.
        dependsOn: [policy],
      });
    }
    const variables: Record<string, string> = {
      CLUSTER_ID: props.clusterId,
      CLUSTER_NAME: props.clusterName,
      CLUSTER_REGION: environment.cluster.region,
      DOMAIN: environment.domain,
      FLUX_NAMESPACE: props.fluxNamespace,
    };
    for (const [variableName, value] of Object.entries(variables)) {
      new ActionsEnvironmentVariable(this, `variable-${variableName}`, {
        repository: github.repository,
        environment: target.environment,
        variableName,
        value,
      });
    }
  }

  /** The ids of users (`ada`) and teams (`acme/platform`). */
  private reviewers(names: readonly string[]): { users: number[]; teams: number[] } {
    const idOf = (data: { readonly id: string }): number => Fn.tonumber(data.id) as unknown as number;
    const isTeam = (name: string): boolean => name.includes("/");
    return {
      users: names
        .filter((name) => !isTeam(name))
        .map((username) => idOf(new DataGithubUser(this, `reviewer-${username}`, { username }))),
      teams: names.filter(isTeam).map((name) => {
        const slug = name.split("/")[1] ?? "";
        return idOf(new DataGithubTeam(this, `reviewers-${slug}`, { slug, summaryOnly: true }));
      }),
    };
  }

  private repository({ github, environment }: GitHubSecretsStackProps, published: PublishedSecrets): void {
    for (const [secretName, { sealed }] of Object.entries(published.secrets)) {
      new ActionsSecret(this, `secret-${secretName}`, {
        repository: github.repository,
        secretName,
        encryptedValue: sealed,
      });
    }
    new RepositoryDeployKey(this, "deploy-key", {
      repository: github.repository,
      // The title that `flux bootstrap github` gives and looks for, so that it finds its key in place.
      title: `flux-system-${github.branch}-flux-system-./flux/clusters/${environment.name}`,
      key: published.deployKey,
      readOnly: true,
    });
    new RepositoryWebhook(this, "webhook", {
      repository: github.repository,
      events: ["push"],
      active: true,
      // The path is the digest of a token that only the cluster knows (Flux's generic receiver). GitHub's own signing secret
      // would stand in the state in plain text.
      configuration: {
        url: `https://${FLUX_HOST}.${environment.domain}${published.webhookPath}`,
        contentType: "json",
        insecureSsl: false,
      },
    });
  }
}
