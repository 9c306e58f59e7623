import type { LifecycleRule } from "@aws-sdk/client-s3";
import { type Bucket, loadS3 } from "./bucket";
import type { BucketError } from "./bucket-error";

/** Versions of a state that are no longer the present one. */
export const KEPT_OLD_VERSIONS_DAYS = 90;
/** Uploads in parts that nobody finished. */
export const UNFINISHED_UPLOADS_DAYS = 7;

/** What was found of a setting, and perhaps mended. */
export interface Setting {
  readonly name: "access" | "versioning" | "lifecycle";
  /** `ok`: as it should be; `mended`: was not, and is now; `wrong`: is not; `unknown`: the store doesn't tell. */
  readonly status: "ok" | "mended" | "wrong" | "unknown";
  readonly text: string;
}

/**
 * Looks at the settings of a bucket of one's own, and puts right what is wrong: private, versioned, with a lifecycle rule that removes
 * old versions. What somebody has written on purpose (a bucket policy, a rule that removes states) is told, not changed.
 * @param mend false: changes nothing
 * @throws BucketError for what the store refuses
 */
export async function checkSettings(bucket: Bucket, mend: boolean): Promise<Setting[]> {
  const look = async (name: Setting["name"], check: () => Promise<Setting[]>): Promise<Setting[]> => {
    try {
      return await check();
    } catch (error) {
      // A key for one bucket may not look at its settings.
      if (mend || (error as BucketError).code !== "AccessDenied") throw error;
      return [{ name, status: "unknown", text: "only a key with full access may look at it" }];
    }
  };
  return [
    ...(await look("access", async () => [
      await checkAccessList(bucket, mend),
      ...(await checkPolicy(bucket)),
    ])),
    ...(await look("versioning", async () => [await checkVersioning(bucket, mend)])),
    ...(await look("lifecycle", () => checkLifecycle(bucket, mend))),
  ];
}

/** The one group that is not everybody (S3's access control lists; not every store names groups by their URI). */
const LOG_DELIVERY = /\/groups\/s3\/LogDelivery$/;

async function checkAccessList(bucket: Bucket, mend: boolean): Promise<Setting> {
  const { GetBucketAclCommand, PutBucketAclCommand } = await loadS3();
  const name = "access";
  const found = await optional(() =>
    bucket.attempt("its access list can't be read", () =>
      bucket.client.send(new GetBucketAclCommand({ Bucket: bucket.name })),
    ),
  );
  if (found === undefined) return { name, status: "unknown", text: "the store doesn't tell who may read it" };
  const isPublic = (found.Grants ?? []).some(
    ({ Grantee }) => Grantee?.Type === "Group" && !LOG_DELIVERY.test(Grantee.URI ?? ""),
  );
  if (!isPublic) return { name, status: "ok", text: "private" };
  if (!mend) return { name, status: "wrong", text: "public: everybody can read the list of its content" };
  await bucket.attempt("it can't be made private", () =>
    bucket.client.send(new PutBucketAclCommand({ Bucket: bucket.name, ACL: "private" })),
  );
  return { name, status: "mended", text: "it was public, and is private now" };
}

interface Statement {
  readonly Effect?: string;
  readonly Principal?: unknown;
}

async function checkPolicy(bucket: Bucket): Promise<Setting[]> {
  const { GetBucketPolicyCommand } = await loadS3();
  const found = await optional(() =>
    bucket.attempt("its policy can't be read", () =>
      bucket.client.send(new GetBucketPolicyCommand({ Bucket: bucket.name })),
    ),
  );
  const open = statementsOf(found?.Policy).filter(
    ({ Effect, Principal }) => Effect === "Allow" && isEverybody(Principal),
  );
  if (open.length === 0) return [];
  return [
    {
      name: "access",
      status: "wrong",
      text: "its bucket policy lets everybody in (Principal *), and states hold credentials of clusters. Remove that statement or the policy; it was written on purpose, so that it is not changed here",
    },
  ];
}

function statementsOf(policy: string | undefined): Statement[] {
  try {
    const { Statement: found = [] } = JSON.parse(policy ?? "{}") as { Statement?: Statement | Statement[] };
    return Array.isArray(found) ? found : [found];
  } catch {
    return [];
  }
}

function isEverybody(principal: unknown): boolean {
  if (principal === "*") return true;
  const named = (principal as { AWS?: unknown } | undefined)?.AWS;
  return named === "*" || (Array.isArray(named) && named.includes("*"));
}

const NO_VERSIONS =
  "the store keeps no versions: what is overwritten or removed is gone, but for the backups that each deploy makes";

async function checkVersioning(bucket: Bucket, mend: boolean): Promise<Setting> {
  const { GetBucketVersioningCommand, PutBucketVersioningCommand } = await loadS3();
  const name = "versioning";
  const found = await optional(() =>
    bucket.attempt("its versioning can't be read", () =>
      bucket.client.send(new GetBucketVersioningCommand({ Bucket: bucket.name })),
    ),
  );
  if (found === undefined) return { name, status: "unknown", text: NO_VERSIONS };
  const { Status } = found;
  if (Status === "Enabled") return { name, status: "ok", text: "every version of a state is kept" };
  if (!mend)
    return { name, status: "wrong", text: "no versions are kept: what is overwritten or removed is gone" };
  const done = await optional(() =>
    bucket.attempt("its versioning can't be switched on", () =>
      bucket.client.send(
        new PutBucketVersioningCommand({
          Bucket: bucket.name,
          VersioningConfiguration: { Status: "Enabled" },
        }),
      ),
    ),
  );
  if (done === undefined) return { name, status: "unknown", text: NO_VERSIONS };
  return { name, status: "mended", text: "every version of a state is kept from now on" };
}

/** Recognised by its ID when the numbers change in a later version of this program. */
const RULE_ID = "hybrid-gitops-old-versions";
const RULE: LifecycleRule = {
  ID: RULE_ID,
  Status: "Enabled",
  Filter: { Prefix: "" },
  NoncurrentVersionExpiration: { NoncurrentDays: KEPT_OLD_VERSIONS_DAYS },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: UNFINISHED_UPLOADS_DAYS },
};

async function checkLifecycle(bucket: Bucket, mend: boolean): Promise<Setting[]> {
  const { GetBucketLifecycleConfigurationCommand, PutBucketLifecycleConfigurationCommand } = await loadS3();
  const name = "lifecycle";
  const found = await optional(() =>
    bucket
      .attempt("its lifecycle rules can't be read", () =>
        bucket.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket.name })),
      )
      .catch((error: BucketError) => {
        if (error.code === "NoSuchLifecycleConfiguration") return { Rules: [] };
        throw error;
      }),
  );
  if (found === undefined)
    return [
      {
        name,
        status: "unknown",
        text: "the store has no lifecycle rules: old versions stay until you remove them",
      },
    ];
  const rules = found.Rules ?? [];
  const others = rules.filter(({ ID }) => ID !== RULE_ID);
  const harmful = others.filter(
    ({ Status, Expiration }) => Status === "Enabled" && removesPresent(Expiration),
  );
  const warnings: Setting[] = harmful.map(({ ID }) => ({
    name,
    status: "wrong",
    text: `its lifecycle rule ${ID ?? "(without an ID)"} removes states and backups by their age. Remove that rule, or limit it to other names; it is not changed here`,
  }));
  if (rules.some(isOurs)) return [{ name, status: "ok", text: RULE_TEXT }, ...warnings];
  if (!mend) return [{ name, status: "wrong", text: "no rule removes old versions" }, ...warnings];
  await bucket.attempt("its lifecycle rules can't be set", () =>
    bucket.client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket.name,
        LifecycleConfiguration: { Rules: [...others, RULE] },
      }),
    ),
  );
  return [{ name, status: "mended", text: `${RULE_TEXT} from now on` }, ...warnings];
}

const RULE_TEXT = `old versions go after ${KEPT_OLD_VERSIONS_DAYS} days, unfinished uploads after ${UNFINISHED_UPLOADS_DAYS}`;

function isOurs({ ID, Status, NoncurrentVersionExpiration, AbortIncompleteMultipartUpload }: LifecycleRule) {
  return (
    ID === RULE_ID &&
    Status === "Enabled" &&
    NoncurrentVersionExpiration?.NoncurrentDays === KEPT_OLD_VERSIONS_DAYS &&
    AbortIncompleteMultipartUpload?.DaysAfterInitiation === UNFINISHED_UPLOADS_DAYS
  );
}

function removesPresent(expiration: LifecycleRule["Expiration"]): boolean {
  return expiration?.Days !== undefined || expiration?.Date !== undefined;
}

/** What a store doesn't have at all is undefined. */
async function optional<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const { code, status } = error as BucketError;
    if (status === 501 || ["NotImplemented", "NoSuchBucketPolicy"].includes(code)) return undefined;
    throw error;
  }
}
