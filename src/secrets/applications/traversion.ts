import {
  type ApplicationSecret,
  optional,
  type RotationEffect,
  type SecretValue,
  setting,
} from "../application-secret";

const FOLDER = "flux/apps/traversion";
const NAMESPACE = "traversion-system";
const WITHOUT_CLOUD = "the weekly backup to cloud storage is left out";
const WITHOUT_MAIL = "Traversion sends no mail";

/** 32 bytes, as the document's `openssl rand -hex 32`; hexadecimal digits need no escape in a URL. */
const random = (rotation: RotationEffect): SecretValue => ({ random: "hex", bytes: 32, rotation });

/** TimescaleDB's image gives its users their passwords when it makes the database, and never again by itself. */
const ROLE: RotationEffect = {
  procedure:
    "TimescaleDB keeps the old password. As soon as Flux has applied the new one: kubectl -n traversion-system rollout restart statefulset/timescaledb, wait until it is ready, kubectl -n traversion-system exec statefulset/timescaledb -- /scripts/roles.sh, kubectl -n traversion-system rollout restart deployment/traversion-app",
};
const SUPERUSER: RotationEffect = {
  procedure: `TimescaleDB keeps the old password (which opens no network connection). As soon as Flux has applied the new one: kubectl -n traversion-system rollout restart statefulset/timescaledb, then in its pod psql -U "$POSTGRES_USER" and \\password`,
};
const REDIS: RotationEffect = {
  procedure:
    "Redis and the API keep the old password until they restart, and refuse each other in between: a minute without Traversion. As soon as Flux has applied the new one: kubectl -n traversion-system rollout restart statefulset/redis deployment/traversion-app",
};
const SESSIONS: RotationEffect = {
  after: "kubectl -n traversion-system rollout restart deployment/traversion-app; everybody signs in again",
};

/** What Traversion's pods, its databases and its two hosts of the monitoring need. Each reader gets its own part only. */
export const traversionSecrets: readonly ApplicationSecret[] = [
  inNamespace("timescaledb-superuser", { password: random(SUPERUSER) }),
  inNamespace("timescaledb-api", {
    password: random(ROLE),
    url: {
      template:
        "postgresql://traversion_api:{password}@timescaledb:5432/traversion?sslmode=verify-full&sslrootcert=/etc/traversion/authority/ca.crt",
    },
  }),
  inNamespace("timescaledb-backup", { password: random(ROLE) }),
  inNamespace("timescaledb-exporter", { password: random(ROLE) }),
  inNamespace("redis-credentials", {
    password: random(REDIS),
    exporterPassword: random(REDIS),
    url: { template: "rediss://:{password}@redis:6379/0" },
    // The API may do everything but manage the server; the exporter and the probes may look at it.
    "users.acl": {
      template: [
        "user default on >{password} ~* &* +@all -@admin",
        "user exporter on >{exporterPassword} resetkeys resetchannels -@all +ping +info +client|setname +client|list " +
          "+config|get +slowlog|get +slowlog|len +latency|latest +latency|histogram +select",
        "",
      ].join("\n"),
    },
  }),
  inNamespace("traversion-keys", {
    jwt: random(SESSIONS),
    session: random(SESSIONS),
    encryption: random({ loss: "what Traversion has encrypted in its database with the old key" }),
  }),
  inNamespace("traversion-smtp", {
    host: setting("TRAVERSION_SMTP_HOST", "the mail server of Traversion", WITHOUT_MAIL),
    port: setting(
      "TRAVERSION_SMTP_PORT",
      "its port, such as 2525 (DigitalOcean blocks 465 and 587)",
      WITHOUT_MAIL,
    ),
    username: setting("TRAVERSION_SMTP_USERNAME", "the user at that server", WITHOUT_MAIL),
    password: optional("TRAVERSION_SMTP_PASSWORD", "the password of that user", WITHOUT_MAIL),
  }),
  inNamespace("traversion-backup-cloud", {
    bucket: setting(
      "TRAVERSION_BACKUP_BUCKET",
      "a Spaces bucket for Traversion's weekly backup",
      WITHOUT_CLOUD,
    ),
    endpoint: setting(
      "TRAVERSION_BACKUP_ENDPOINT",
      "the bucket's endpoint, best of another region: sfo3.digitaloceanspaces.com",
      WITHOUT_CLOUD,
    ),
    accessKeyId: optional("TRAVERSION_BACKUP_ACCESS_KEY_ID", "an access key of that bucket", WITHOUT_CLOUD),
    secretAccessKey: optional(
      "TRAVERSION_BACKUP_SECRET_ACCESS_KEY",
      "the secret part of that key",
      WITHOUT_CLOUD,
    ),
  }),
  {
    folder: FOLDER,
    name: "prometheus-basic-auth",
    namespace: "monitoring",
    // Of this type traefik reads the first two keys; without it, it would refuse a secret of more than one.
    type: "kubernetes.io/basic-auth",
    values: {
      username: { template: "admin" },
      password: {
        random: "base64url",
        bytes: 24,
        rotation: { after: "nothing: the ingress controller reads it at once" },
      },
      // What nginx reads
      auth: { htpasswd: { user: "admin", passwordKey: "password" } },
    },
  },
];

function inNamespace(name: string, values: Readonly<Record<string, SecretValue>>): ApplicationSecret {
  return { folder: FOLDER, name, namespace: NAMESPACE, values };
}
