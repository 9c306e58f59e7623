import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { toolPath } from "../../src/flux-tree/tools";
import { ageKeyFile } from "../../src/secrets/age-key";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { createSecrets } from "../../src/secrets/create";
import type { SecretsContext } from "../../src/secrets/inventory";
import { Sops } from "../../src/secrets/sops";
import { describeWithTools } from "../flux-tree/schema-tools";

/** `describe` that needs sops. */
export function describeWithSops(name: string, tests: () => void): void {
  describeWithTools(name, { tools: ["sops"] }, tests);
}

const EMPTY = `# Encrypted secrets; npm run secrets adds them.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
labels:
  - pairs:
      hybrid-gitops/encrypted-with: sops
resources: []
`;

/** A temporary project with one application, in staging and production. */
export class SopsProject {
  readonly directory = mkdtempSync(join(tmpdir(), "sops-"));
  readonly sops = new Sops(toolPath("sops"), this.directory);

  constructor(private declared: readonly ApplicationSecret[]) {
    for (const environment of ["staging", "production"]) {
      this.write(
        `flux/clusters/${environment}/app.yaml`,
        `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  path: ./flux/apps/app/${environment}\n`,
      );
      this.write(`flux/apps/app/${environment}/secrets/kustomization.yaml`, EMPTY);
    }
  }

  declare(declared: readonly ApplicationSecret[]): void {
    this.declared = declared;
  }

  context(environment: string, variables: Readonly<Record<string, string>> = {}): SecretsContext {
    return { directory: this.directory, environment, declared: this.declared, variables };
  }

  create(environment: string, variables: Readonly<Record<string, string>> = {}) {
    return createSecrets(this.context(environment, variables), this.sops);
  }

  /** The values of a secret, opened by the sops program itself with the environment's key. */
  open(name: string, environment: string): Record<string, string> {
    const file = `flux/apps/app/${environment}/secrets/${name}.yaml`;
    const result = this.runSops(environment, "decrypt", "--output-type", "json", file);
    if (result.status !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout).stringData;
  }

  /** Runs sops as a person would, with the key of an environment. */
  runSops(environment: string, ...parameters: string[]) {
    return spawnSync(toolPath("sops"), parameters, {
      cwd: this.directory,
      encoding: "utf8",
      env: { ...process.env, SOPS_AGE_KEY_FILE: ageKeyFile(this.directory, environment) },
    });
  }

  path(file: string): string {
    return join(this.directory, file);
  }
  has(file: string): boolean {
    return existsSync(this.path(file));
  }
  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }
  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }
  remove(file: string): void {
    rmSync(this.path(file), { recursive: true });
  }
  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
