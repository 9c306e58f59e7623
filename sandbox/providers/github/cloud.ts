import { createHash, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { CloudFile, dropEmptySections, type JsonObject, peek, section } from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { text, type Values } from "../../protocol/values";
import { randomId } from "../computed";

const API = "https://api.github.com";

/** Who the sandbox's token belongs to. */
export const USER = "sandbox";

/** An error in the words of GitHub's Go client: `POST <url>: 422 <message> []`. */
export function apiError(method: string, path: string, status: number, message: string): ProviderError {
  return new ProviderError(`${method} ${API}/${path}: ${status} ${message} []`);
}

/** A key pair that secrets are sealed for: of a repository, or of one of its environments. */
export interface SealingKey {
  readonly key_id: string;
  /** Base64 of an X25519 key, as GitHub gives it out for sealing secrets. */
  readonly public_key: string;
  readonly private_key: string;
}

/** A repository as the file holds it. */
export interface Repository extends SealingKey {
  readonly id: number;
  readonly node_id: string;
  readonly default_branch: string;
  readonly head: string;
  readonly private: boolean;
  /** Users and teams without access; everybody else has it. */
  readonly outsiders?: readonly string[];
}

/** An owner of repositories as the file holds it. */
export interface Account {
  readonly type: "User" | "Organization";
  /** As GitHub's API names it: `free`, `pro`, `team` or `enterprise`. */
  readonly plan: string;
}

export const ENVIRONMENT_KEYS = "environment_keys";

/** What an owner is whom the file doesn't name: one who gets everything that GitHub offers. */
const DEFAULT_ACCOUNT: Account = { type: "Organization", plan: "enterprise" };

/** Objects of one kind in a repository, by key. */
export type Objects = Record<string, Values>;

function newSealingKey(): SealingKey {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const base64 = (value: string | undefined) => Buffer.from(value ?? "", "base64url").toString("base64");
  return {
    key_id: String(10n ** 17n + BigInt(randomId())),
    public_key: base64(publicKey.export({ format: "jwk" }).x),
    private_key: base64(privateKey.export({ format: "jwk" }).d),
  };
}

function newRepository(fullName: string): Repository {
  const id = randomId();
  return {
    id,
    node_id: `R_${Buffer.from(String(id)).toString("base64url")}`,
    default_branch: "main",
    head: createHash("sha1").update(fullName).digest("hex"),
    private: true,
    ...newSealingKey(),
  };
}

/** A number that is always the same for a name, as GitHub's ids of users and teams are. */
export const idOf = (name: string): number =>
  createHash("sha256").update(name).digest().readUInt32BE(0) % 2 ** 31;

/**
 * GitHub: one file, `github.json`. Every repository that is asked for exists: it is made on first use, with a key pair
 * for its secrets. One that is `null` in the file does not exist, or the token can't see it.
 */
export class GitHubCloud {
  private readonly file: CloudFile;

  constructor(directory: string) {
    this.file = new CloudFile(join(directory, "github.json"), {});
  }

  /** The owner that the provider block names; the token's user without one. */
  owner(config: Values): string {
    return text(config.owner) ?? text(config.organization) ?? USER;
  }

  /**
   * A repository that was used already; asking makes none.
   * @throws ProviderError (404) for one that does not exist
   */
  known(owner: string, name: string): Repository | undefined {
    const fullName = `${owner}/${name}`;
    const found = peek(this.file.read(), "repositories", this.file.path)[fullName];
    if (found === null || !/^[-\w.]+\/[-\w.]+$/.test(fullName))
      throw apiError("GET", `repos/${fullName}`, 404, "Not Found");
    return found as unknown as Repository | undefined;
  }

  repository(owner: string, name: string): Repository {
    const known = this.known(owner, name);
    if (known) return known;
    const fullName = `${owner}/${name}`;
    const path = this.file.path;
    return this.file.update((content) => {
      const repositories = section(content, "repositories", path);
      repositories[fullName] ??= newRepository(fullName) as unknown as JsonObject;
      return repositories[fullName] as unknown as Repository;
    });
  }

  account(login: string): Account {
    return { ...DEFAULT_ACCOUNT, ...this.accounts()[login] };
  }

  /** Whether there is a user or an organisation of a name: all but those that are `null` in the file. */
  hasAccount(login: string): boolean {
    return this.accounts()[login] !== null;
  }

  /** What a name is: as the file says, else an organisation where it owns a repository, and a user where it owns none. */
  typeOf(login: string): Account["type"] {
    const content = this.file.read();
    const owns = Object.keys(peek(content, "repositories", this.file.path)).some((name) =>
      name.startsWith(`${login}/`),
    );
    return this.accounts()[login]?.type ?? (owns ? "Organization" : "User");
  }

  /** Whether an organisation has a team: any but those that are `null` in the file. A user has none. */
  hasTeam(organisation: string, slug: string): boolean {
    return this.account(organisation).type === "Organization" && this.hasAccount(`${organisation}/${slug}`);
  }

  /** Whether a user (`ada`) or a team (`acme/platform`) has access to a repository: all but those that it names as its outsiders. */
  mayRead(repository: string, name: string): boolean {
    const found = peek(this.file.read(), "repositories", this.file.path)[repository];
    return !(found as unknown as Repository | undefined)?.outsiders?.includes(name);
  }

  /** Whom the token belongs to: the first user among the accounts of the file. */
  user(): string {
    return Object.entries(this.accounts()).find(([, account]) => account?.type === "User")?.[0] ?? USER;
  }

  private accounts(): Readonly<Record<string, Account | null>> {
    return peek(this.file.read(), "accounts", this.file.path) as unknown as Record<string, Account | null>;
  }

  /** What GitHub offers a repository, by its visibility and its owner's plan. */
  offer(owner: string, name: string): { readonly environments: boolean; readonly protectionRules: boolean } {
    const { plan } = this.account(owner);
    const isPublic = this.known(owner, name)?.private === false;
    return {
      environments: isPublic || plan !== "free",
      protectionRules: isPublic || plan === "enterprise",
    };
  }

  /** The name of the repository with this node id. */
  nameOf(nodeId: string): string | undefined {
    const repositories = peek(this.file.read(), "repositories", this.file.path);
    return Object.keys(repositories).find(
      (name) => (repositories[name] as unknown as Repository | null)?.node_id === nodeId,
    );
  }

  /** The key pair of an environment's secrets, which is another one than the repository's; undefined when there is no such environment. */
  environmentKey(owner: string, name: string, environment: string): SealingKey | undefined {
    if (!this.objects(owner, name, "github_repository_environment")[environment]) return undefined;
    const find = (): SealingKey | undefined =>
      this.objects(owner, name, ENVIRONMENT_KEYS)[environment] as unknown as SealingKey | undefined;
    return (
      find() ??
      this.update(owner, name, (objects) => {
        const keys = objects(ENVIRONMENT_KEYS);
        keys[environment] ??= newSealingKey() as unknown as Values;
        return keys[environment] as unknown as SealingKey;
      })
    );
  }

  /** Objects of a kind in a repository; not to be changed. */
  objects(owner: string, name: string, type: string): Objects {
    const path = this.file.path;
    const repositories = peek(this.file.read(), "repositories", path);
    if (repositories[`${owner}/${name}`] === null) return {};
    return peek(peek(repositories, `${owner}/${name}`, path), type, path) as Objects;
  }

  /** Changes the objects of a repository in one step. */
  update<T>(owner: string, name: string, change: (objects: (type: string) => Objects) => T): T {
    this.repository(owner, name);
    return this.file.update((content) => {
      const path = this.file.path;
      const repository = section(section(content, "repositories", path), `${owner}/${name}`, path);
      const result = change((type) => section(repository, type, path) as Objects);
      dropEmptySections(repository);
      return result;
    });
  }
}
