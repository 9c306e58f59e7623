import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeWhole } from "../files";
import { sandboxAt, shownPath } from "../place";
import { repositoryOffer } from "./repository-offer";

/** By the name of the secret: the sealed value, and a salted digest by which a changed value is noticed. */
const sealedValues = z.record(z.string(), z.strictObject({ sealed: z.string(), digest: z.string() }));
export type SealedValues = z.output<typeof sealedValues>;

const publicKey = z.strictObject({ id: z.string(), key: z.string() });

/**
 * What of an environment's secrets may be published: values that only GitHub can open, and public halves. It is a file
 * that belongs into Git, so that CI plans the same as a laptop.
 */
const publishedSecrets = z.strictObject({
  /** The repository's public key, and what is sealed with it: tokens of plans, which every branch's code can read. */
  publicKey,
  secrets: sealedValues,
  /** The public key of the GitHub environment, and what is sealed with it: tokens of deploys. Absent until the environment exists. */
  environment: z.strictObject({ publicKey, secrets: sealedValues }).optional(),
  /** What GitHub offers the repository, as the last deploy found out. */
  offer: repositoryOffer.optional(),
  /** The public half of Flux's deploy key, in OpenSSH's form. */
  deployKey: z.string(),
  /** The path of Flux's receiver, which follows from its token but doesn't tell it. */
  webhookPath: z.string(),
});
export type PublishedSecrets = z.output<typeof publishedSecrets>;

/** The file of an environment in a project's directory. */
export function publishedFile(directory: string, environment: string): string {
  return join(directory, "secrets", `${environment}.json`);
}

/**
 * Reads an environment's published secrets; undefined when there are none yet.
 * @throws Error that names the file when it isn't what publishSecrets() writes.
 */
export function readPublished(directory: string, environment: string): PublishedSecrets | undefined {
  const file = publishedFile(directory, environment);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const path = `secrets/${environment}.json`;
  try {
    return publishedSecrets.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new Error(
      `${shownPath(directory, path)} is damaged (${reason}): ${
        sandboxAt(directory) === undefined ? `restore it with \`git checkout -- ${path}\`, or ` : ""
      }delete it and deploy again`,
    );
  }
}

const sorted = (values: SealedValues): SealedValues =>
  Object.fromEntries(Object.entries(values).sort(([a], [b]) => a.localeCompare(b)));

/** Writes the file atomically, keys in a stable order. */
export function writePublished(directory: string, environment: string, published: PublishedSecrets): void {
  const file = publishedFile(directory, environment);
  const { secrets, environment: own, ...rest } = published;
  const content = {
    ...rest,
    secrets: sorted(secrets),
    ...(own ? { environment: { ...own, secrets: sorted(own.secrets) } } : {}),
  };
  writeWhole(file, `${JSON.stringify(content, null, 2)}\n`);
}
