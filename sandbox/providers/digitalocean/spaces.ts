import { randomBytes } from "node:crypto";
import { ProviderError } from "../../protocol/diagnostics";
import { blocks, text } from "../../protocol/values";
import type { ResourceHandler } from "../provider";
import { SPACES_REGIONS } from "./catalog";
import type { DigitalOceanCloud } from "./cloud";
import { collection } from "./collection";

const BUCKETS = "digitalocean_spaces_bucket";
const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const ACLS = ["private", "public-read"];
const PERMISSIONS = ["read", "readwrite", "fullaccess"];

const s3Error = (code: string, status: number) =>
  new ProviderError(`Error creating Spaces bucket: ${code}: \n\tstatus code: ${status}`);

/** `digitalocean_spaces_bucket`. Its objects are not part of the sandbox. */
export function spacesBucket(cloud: DigitalOceanCloud): ResourceHandler {
  return collection(cloud, {
    type: BUCKETS,
    noun: "Spaces bucket",
    path: "spaces",
    forceNew: ["region", "name"],
    defaults: { region: "nyc3", acl: "private", force_destroy: false, "versioning.enabled": false },
    // The API has no way to read the access control list as the resource writes it.
    keptFromState: ["acl", "force_destroy"],
    id: (planned) => text(planned.name) ?? "",
    validate: (config, report) => {
      const region = text(config.region);
      if (region && !SPACES_REGIONS.includes(region.toLowerCase())) {
        report(["region"], `expected region to be one of ["${SPACES_REGIONS.join('" "')}"], got ${region}`);
      }
      blocks(config.lifecycle_rule).forEach((rule, index) => {
        for (const expiration of blocks(rule.noncurrent_version_expiration)) {
          if (typeof expiration.days === "number" && expiration.days < 1) {
            report(["lifecycle_rule", index], `expected days to be at least (1), got ${expiration.days}`);
          }
        }
      });
    },
    check: (planned, id, account) => {
      const name = text(planned.name) ?? "";
      if (!ACLS.includes(text(planned.acl) ?? "")) throw s3Error("InvalidArgument", 400);
      if (id !== null) return;
      if (!BUCKET_NAME.test(name)) throw s3Error("InvalidBucketName", 400);
      if (account.objects(BUCKETS)[name]) throw s3Error("BucketAlreadyExists", 409);
    },
    computed: (planned, id) => ({
      urn: `do:space:${id}`,
      endpoint: `${text(planned.region)}.digitaloceanspaces.com`,
      bucket_domain_name: `${id}.${text(planned.region)}.digitaloceanspaces.com`,
    }),
    importState: (argument) => {
      const [region, id] = argument.split(",");
      if (!region || !id)
        throw new ProviderError("importing a Spaces bucket requires the format: <region>,<name>");
      return { id, region, force_destroy: false };
    },
  });
}

/** `digitalocean_spaces_key`: the secret is given once, at creation. */
export function spacesKey(cloud: DigitalOceanCloud): ResourceHandler {
  return collection(cloud, {
    type: "digitalocean_spaces_key",
    noun: "Spaces key",
    path: "spaces/keys",
    keptFromState: ["secret_key"],
    id: () => `DO00${randomBytes(8).toString("hex").toUpperCase()}`,
    validate: (config, report) => {
      blocks(config.grant).forEach((grant, index) => {
        const permission = text(grant.permission);
        if (permission && !PERMISSIONS.includes(permission)) {
          report(
            ["grant", index, "permission"],
            `expected grant.${index}.permission to be one of ["${PERMISSIONS.join('" "')}"], got ${permission}`,
          );
        }
      });
    },
    check: (planned, _, account, fail) => {
      for (const { bucket, permission } of blocks(planned.grant)) {
        const name = text(bucket);
        if (permission === "fullaccess" ? name !== undefined : !name || !account.objects(BUCKETS)[name]) {
          fail(422, `grant for bucket "${name ?? ""}": the bucket must exist, or be empty for fullaccess`);
        }
      }
    },
    computed: (_, id) => ({ access_key: id, secret_key: randomBytes(32).toString("base64url") }),
  });
}
