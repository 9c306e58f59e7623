import { readFileSync } from "node:fs";
import { ProviderError } from "../../protocol/diagnostics";
import { type ApiAddress, RestApi } from "./rest-api";

const EXPECTED = '{ "<cluster name>": { "server": "https://…", "token": "…", "ca": "<PEM>" } }';

function refuse(path: string, problem: string): never {
  throw new ProviderError(
    `The file of Kubernetes APIs ${path}: ${problem}`,
    `It holds ${EXPECTED}. Correct it, or unset SANDBOX_KUBERNETES_API to keep the objects in files.`,
  );
}

function check(path: string, name: string, entry: unknown): ApiAddress {
  const { server, token, ca } = (entry ?? {}) as Record<string, unknown>;
  if (typeof server !== "string" || !/^https?:\/\//.test(server)) {
    refuse(path, `${name}.server must be a URL that starts with https:// or http://`);
  }
  if (typeof token !== "string") refuse(path, `${name}.token must be a string`);
  if (ca !== undefined && typeof ca !== "string")
    refuse(path, `${name}.ca must be a certificate in PEM form`);
  return { server, token, ...(ca === undefined ? {} : { ca }) };
}

/** Clusters, by name, whose objects are in a real Kubernetes API; read from a file that may change while it is used. */
export class RealApis {
  constructor(private readonly path: string | undefined) {}

  /**
   * The API of a cluster, or undefined when its objects are kept in files.
   *
   * @throws ProviderError when the file is missing or isn't what it should be.
   */
  find(clusterName: string): RestApi | undefined {
    const address = this.address(clusterName);
    return address && new RestApi(address);
  }

  /**
   * How the API of a cluster is reached, or undefined when its objects are kept in files.
   *
   * @throws ProviderError when the file is missing or isn't what it should be.
   */
  address(clusterName: string): ApiAddress | undefined {
    if (!this.path) return undefined;
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(this.path, "utf8"));
    } catch (error) {
      refuse(this.path, (error as Error).message);
    }
    const entry = (content as Record<string, unknown> | null)?.[clusterName];
    return entry === undefined ? undefined : check(this.path, clusterName, entry);
  }
}
