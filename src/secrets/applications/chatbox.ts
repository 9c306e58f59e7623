import {
  type ApplicationSecret,
  optional,
  type RotationEffect,
  type SecretValue,
  setting,
} from "../application-secret";

const FOLDER = "flux/apps/chatbox";
const NAMESPACE = "chatbox";
const WITHOUT_S3 = "chatbox can't store uploaded files";
const WITHOUT_MAIL = "chatbox sends no mail to administrators";
const WITHOUT_SMS = "chatbox sends no SMS to administrators";

/** What chatbox's pods get as environment variables, by group, and the two users of its MongoDB. */
export const chatboxSecrets: readonly ApplicationSecret[] = [
  inNamespace("chatbox-keys", {
    // Whoever signs tokens for chatbox's users needs it too.
    JWT_SECRET: {
      random: "hex",
      bytes: 32,
      rotation: {
        after: `kubectl -n chatbox rollout restart deployment; give it to whoever signs tokens for chatbox's users, whose tokens of before are refused`,
      },
    },
    // Used as it is for AES-256, so it has to have 32 characters.
    ENCRYPTION_KEY: {
      random: "hex",
      bytes: 16,
      rotation: { loss: "what chatbox has encrypted in its database with the old key" },
    },
  }),
  inNamespace("chatbox-s3", {
    S3_ACCESS_KEY_ID: optional(
      "CHATBOX_S3_ACCESS_KEY_ID",
      "an access key of chatbox's Spaces bucket",
      WITHOUT_S3,
    ),
    S3_SECRET_ACCESS_KEY: optional("CHATBOX_S3_SECRET_ACCESS_KEY", "the secret part of that key", WITHOUT_S3),
  }),
  inNamespace("chatbox-smtp", {
    SMTP_HOST: setting("CHATBOX_SMTP_HOST", "the mail server of chatbox", WITHOUT_MAIL),
    SMTP_PORT: setting(
      "CHATBOX_SMTP_PORT",
      "its port, such as 2525 (DigitalOcean blocks 465 and 587)",
      WITHOUT_MAIL,
    ),
    SMTP_USER: setting("CHATBOX_SMTP_USER", "the user at that server", WITHOUT_MAIL),
    SMTP_PASS: optional("CHATBOX_SMTP_PASSWORD", "the password of that user", WITHOUT_MAIL),
  }),
  inNamespace("chatbox-sms", {
    SMS_ACCOUNT_SID: optional("CHATBOX_TWILIO_ACCOUNT_SID", "the SID of your Twilio account", WITHOUT_SMS),
    SMS_AUTH_TOKEN: optional("CHATBOX_TWILIO_AUTH_TOKEN", "the token of that account", WITHOUT_SMS),
  }),
  inNamespace("chatbox-llm", {
    LLM_PROVIDER_1_API_KEY: optional(
      "CHATBOX_OPENAI_API_KEY",
      "an API key of OpenAI",
      "chatbox can't ask OpenAI",
    ),
    LLM_PROVIDER_2_API_KEY: optional(
      "CHATBOX_ANTHROPIC_API_KEY",
      "an API key of Anthropic",
      "chatbox can't ask Anthropic",
    ),
    LLM_PROVIDER_3_API_KEY: optional("CHATBOX_DIFY_API_KEY", "an API key of Dify", "chatbox can't ask Dify"),
  }),
  inNamespace("mongodb-root", {
    username: { template: "root" },
    password: {
      random: "hex",
      bytes: 32,
      rotation: passwordOf("root", "admin", "password"),
    },
  }),
  inNamespace("mongodb-chatbox", {
    MONGO_USERNAME: { template: "chatbox" },
    // Hexadecimal digits need no escape in a URL.
    MONGO_PASSWORD: {
      random: "hex",
      bytes: 32,
      rotation: passwordOf("chatbox", "chat", "MONGO_PASSWORD"),
    },
    MONGO_URI: { template: "mongodb://{MONGO_USERNAME}:{MONGO_PASSWORD}@mongodb:27017/chat" },
  }),
];

function inNamespace(name: string, values: Readonly<Record<string, SecretValue>>): ApplicationSecret {
  return { folder: FOLDER, name, namespace: NAMESPACE, values };
}

/** MongoDB's image makes its users when it starts on an empty volume, and never again. */
function passwordOf(user: string, database: string, key: string): RotationEffect {
  return {
    procedure: `MongoDB keeps the old password of ${user}. Open a shell as root (flux/apps/chatbox/README.md) before Flux applies the new one: db.getSiblingDB("${database}").changeUserPassword("${user}", passwordPrompt()) with the value of key ${key} that {edit} shows; then kubectl -n chatbox rollout restart statefulset/mongodb deployment`,
  };
}
