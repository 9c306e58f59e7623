import type { ApplicationSecret } from "../application-secret";

/** Secrets of what the applications need around them: DNS records, monitoring, backups, and messages to and from GitHub. */
export const infrastructureSecrets: readonly ApplicationSecret[] = [
  {
    folder: "flux/infrastructure/dns",
    name: "digitalocean-token",
    namespace: "external-dns",
    values: {
      token: {
        variable: "DNS_DIGITALOCEAN_TOKEN",
        what: "DigitalOcean token that may read domains and write their records",
      },
    },
  },
  {
    folder: "flux/infrastructure/monitoring",
    name: "grafana-admin",
    namespace: "monitoring",
    values: {
      username: { template: "admin" },
      password: {
        random: "base64url",
        bytes: 24,
        // Grafana keeps nothing, so it takes the password at each start.
        rotation: { after: "kubectl -n monitoring rollout restart deployment/kube-prometheus-stack-grafana" },
      },
    },
  },
  {
    folder: "flux/infrastructure/monitoring",
    name: "alertmanager-smtp",
    namespace: "monitoring",
    values: {
      password: {
        variable: "SMTP_PASSWORD",
        what: "password of the mail relay that alerts go through",
        withoutIt: "alerts can't be sent by e-mail (the component alerts-by-email)",
      },
    },
  },
  {
    folder: "flux/infrastructure/monitoring",
    name: "alertmanager-slack",
    namespace: "monitoring",
    values: {
      url: {
        variable: "SLACK_WEBHOOK_URL",
        what: "address of an incoming webhook of Slack or Mattermost",
        withoutIt: "alerts can't be sent to a channel (the component alerts-to-slack)",
      },
    },
  },
  {
    folder: "flux/infrastructure/backups",
    name: "spaces-credentials",
    namespace: "velero",
    values: {
      "access-key": {
        // Not the key of the Terraform state: who can read the cluster's Secrets would read the state with it.
        variable: "BACKUP_SPACES_ACCESS_KEY_ID",
        what: "access key of Spaces for the bucket <cluster>-backups only",
        withoutIt: "no backups are made",
      },
      "secret-key": {
        variable: "BACKUP_SPACES_SECRET_ACCESS_KEY",
        what: "secret of that key",
        withoutIt: "no backups are made",
      },
      cloud: {
        template: "[default]\naws_access_key_id={access-key}\naws_secret_access_key={secret-key}\n",
      },
    },
  },
  {
    // Velero encrypts volumes with a password that everybody knows, unless there is this Secret before the first backup.
    folder: "flux/infrastructure/backups",
    name: "velero-repo-credentials",
    namespace: "velero",
    values: {
      "repository-password": {
        random: "base64url",
        bytes: 32,
        rotation: { loss: "every backup of a volume that was made with the old password" },
      },
    },
  },
  {
    folder: "flux/infrastructure/notifications",
    name: "github-token",
    namespace: "flux-system",
    values: {
      token: {
        variable: "FLUX_GITHUB_TOKEN",
        what: "GitHub token that may write commit statuses",
        withoutIt: "commits don't show whether they are applied",
      },
    },
  },
  {
    folder: "flux/infrastructure/notifications",
    name: "webhook-token",
    namespace: "flux-system",
    values: { token: { privateFile: "webhook-token" } },
  },
];
