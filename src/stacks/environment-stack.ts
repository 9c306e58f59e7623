import { LocalBackend, S3Backend, TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { Environment, Project, StateBackend } from "../config";

/** What every stack of an environment is made from. */
export interface EnvironmentStackProps {
  readonly project: Project;
  readonly environment: Environment;
}

/**
 * Terraform runs in `<project directory>/cdktf.out/stacks/<stack>`, so this leads back to the project directory.
 * Paths in synthesized files are relative to it: the same bytes on every machine, whatever the path of the checkout.
 */
export const PROJECT_DIRECTORY = "../../..";

/** Kinds of stacks, in the order in which they build on each other. */
export const STACK_KINDS = ["cluster", "flux-configuration", "github-secrets"] as const;
export type StackKind = (typeof STACK_KINDS)[number];

/** The name of an environment's stack, such as `staging-cluster`. */
export function stackName(environment: string, kind: StackKind): string {
  return `${environment}-${kind}`;
}

/** A stack of one environment, with its state where the configuration wants it. */
export abstract class EnvironmentStack extends TerraformStack {
  protected constructor(scope: Construct, kind: StackKind, { project, environment }: EnvironmentStackProps) {
    const name = stackName(environment.name, kind);
    super(scope, name);
    keepState(this, name, project.state);
    // 1.10: locking by a file in the bucket, and variables that no plan keeps; 1.11: arguments that no state keeps.
    this.addOverride("terraform.required_version", ">= 1.11.0");
  }

  /** What the stack tells people and `npm run outputs`: ids and names, never credentials (states are plain text). */
  protected outputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values))
      new TerraformOutput(this, name, { value, staticId: true });
  }
}

function keepState(stack: TerraformStack, name: string, state: StateBackend): void {
  if (state.backend === "local") {
    new LocalBackend(stack, { path: `${PROJECT_DIRECTORY}/state/${name}.tfstate` });
    return;
  }
  // Spaces speaks S3 without AWS's accounts and regions: these checks would ask AWS itself. Credentials come from
  // AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY at run time. One key per stack: deploys of two environments never share a state.
  new S3Backend(stack, {
    bucket: state.bucket,
    key: `${name}.tfstate`,
    region: "us-east-1",
    endpoints: { s3: state.endpoint },
    ...(state.ownEndpoint ? { usePathStyle: true } : {}),
    skipCredentialsValidation: true,
    skipRequestingAccountId: true,
    skipMetadataApiCheck: true,
    skipRegionValidation: true,
    skipS3Checksum: true,
  });
  // cdktf 0.21 has no typed argument for it.
  stack.addOverride("terraform.backend.s3.use_lockfile", state.lockfile);
}
