import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { CloudFile, dropEmptySections, type JsonObject, peek, section } from "../../clouds/cloud-file";
import { ProviderError } from "../../protocol/diagnostics";
import { type Value, type Values, withoutNulls } from "../../protocol/values";
import { timestamp } from "../computed";

/** Where the API is; only part of messages here. */
const API = "https://api.digitalocean.com";

/** An error in the words of DigitalOcean's Go client: `<prefix>: POST <url>: 422 (request "…") <message>`. */
export function apiError(
  prefix: string,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  status: number,
  message: string,
): ProviderError {
  return new ProviderError(
    `${prefix}: ${method} ${API}/v2/${path}: ${status} (request "${randomUUID()}") ${message}`,
  );
}

/** The API's answer for what isn't there. */
export const NOT_FOUND = "The resource you were accessing could not be found.";

/** Objects of one kind, by id, in the attributes of their Terraform resource. */
export type Objects = Record<string, Values>;

/** The DigitalOcean account: one file, `digitalocean.json`. */
export class DigitalOceanCloud {
  private readonly file: CloudFile;

  constructor(directory: string) {
    this.file = new CloudFile(join(directory, "digitalocean.json"), {});
  }

  /** The objects of a kind as they are now; not to be changed. */
  objects(type: string): Objects {
    return peek(this.file.read(), type, this.file.path) as Objects;
  }

  /** One object, or undefined. */
  object(type: string, id: string): Values | undefined {
    return this.objects(type)[id];
  }

  /** Changes the account in one step; nothing is written when `change` throws. */
  update<T>(change: (account: AccountChange) => T): T {
    return this.file.update((content) => {
      const result = change(new AccountChange(content, this.file.path));
      dropEmptySections(content);
      return result;
    });
  }

  /** Account, owner ids and default project: made once, on first use. */
  account(): Values {
    const account = this.object("account", "self");
    return account ?? this.update((change) => change.account());
  }
}

/** A change of the account under way. */
export class AccountChange {
  constructor(
    private readonly content: JsonObject,
    private readonly path: string,
  ) {}

  objects(type: string): Objects {
    return section(this.content, type, this.path) as Objects;
  }

  /** Writes an object without its empty attributes. */
  put(type: string, id: string, object: Values): void {
    const { id: _, timeouts: __, ...attributes } = object;
    this.objects(type)[id] = withoutNulls(attributes);
  }

  remove(type: string, id: string): void {
    delete this.objects(type)[id];
  }

  /** See {@link DigitalOceanCloud.account}. */
  account(): Values {
    const accounts = this.objects("account");
    accounts.self ??= {
      uuid: randomUUID(),
      owner_id: 1_000_000 + Math.floor(Math.random() * 9_000_000),
      email: "sandbox@example.com",
      droplet_limit: 25,
      status: "active",
    };
    const projects = this.objects("digitalocean_project");
    if (!Object.values(projects).some((project) => project.is_default === true)) {
      const now = timestamp();
      projects[randomUUID()] = {
        name: "first-project",
        description: "The account's default project",
        purpose: "Just trying out DigitalOcean",
        environment: "Development",
        is_default: true,
        owner_uuid: accounts.self.uuid as Value,
        owner_id: accounts.self.owner_id as Value,
        created_at: now,
        updated_at: now,
      };
    }
    return accounts.self;
  }

  /** The id of the project that takes what is assigned to no other. */
  defaultProject(): string {
    this.account();
    const [id] =
      Object.entries(this.objects("digitalocean_project")).find(([, project]) => project.is_default) ?? [];
    return id ?? "";
  }

  /** Forgets which project a deleted object was in. */
  forget(urn: string): void {
    delete this.objects("project_assignments")[urn];
  }
}
