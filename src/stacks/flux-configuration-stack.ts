import { createHash } from "node:crypto";
import { DataDigitaloceanKubernetesCluster } from "@cdktf/provider-digitalocean/lib/data-digitalocean-kubernetes-cluster";
import { DigitaloceanProvider } from "@cdktf/provider-digitalocean/lib/provider";
import { ConfigMapV1 } from "@cdktf/provider-kubernetes/lib/config-map-v1";
import { NamespaceV1 } from "@cdktf/provider-kubernetes/lib/namespace-v1";
import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider";
import { SecretV1 } from "@cdktf/provider-kubernetes/lib/secret-v1";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Resource } from "@cdktf/provider-null/lib/resource";
import { AssetType, Fn, TerraformAsset, TerraformVariable, Token } from "cdktf";
import type { Construct } from "constructs";
import {
  FLUX_NAMESPACE,
  infrastructureVariables,
  VALUES_CONFIG_MAP,
  VALUES_KEY,
  VARIABLES_CONFIG_MAP,
  valuesYaml,
  WATCH_LABEL,
} from "../flux";
import { AGE_KEY_NAME, AGE_KEY_SECRET, AGE_KEY_VARIABLE, decryptionKeyRevision } from "../secrets/age-key";
import { EnvironmentStack, type EnvironmentStackProps, PROJECT_DIRECTORY } from "./environment-stack";

/** The one-time replacement of names in flux/, as it has to be done in this checkout. */
export interface StaticConfiguration {
  /** The program that performs it, a file that is copied beside the synthesized stack. */
  readonly program: string;
  /** `placeholder<TAB>value` lines: the program's input. */
  readonly replacements: string;
  /** Whether flux/ still has placeholders to replace. */
  readonly pending: boolean;
}

export interface FluxConfigurationStackProps extends EnvironmentStackProps {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly staticConfiguration: StaticConfiguration;
  /** The public halves of the keys that Flux decrypts with; none until there are secrets, two while one is being replaced. */
  readonly ageRecipients?: readonly string[];
}

/** Configures the Flux tree once (static) and writes what Flux sizes the applications from (dynamic). */
export class FluxConfigurationStack extends EnvironmentStack {
  /** Cross-stack output: the namespace that Flux runs in. */
  readonly namespace: string;

  constructor(scope: Construct, props: FluxConfigurationStackProps) {
    super(scope, "flux-configuration", props);
    this.providers(props);
    this.configureOnce(props.staticConfiguration);

    const namespace = new NamespaceV1(this, "flux-system", {
      metadata: { name: FLUX_NAMESPACE },
      // Shared with Flux, which labels it and whose objects have finalizers: never ours to delete.
      lifecycle: { ignoreChanges: ["metadata[0].labels", "metadata[0].annotations"], preventDestroy: true },
    });
    this.namespace = namespace.metadata.name;
    this.configMap(VALUES_CONFIG_MAP, { [VALUES_KEY]: valuesYaml(props.environment) });
    this.configMap(VARIABLES_CONFIG_MAP, infrastructureVariables(props.environment));
    const { ageRecipients = [] } = props;
    if (ageRecipients.length > 0) this.decryptionKey(props.environment.name, ageRecipients);

    this.outputs({
      cluster_id: props.clusterId,
      flux_namespace: this.namespace,
      flux_path: `flux/clusters/${props.environment.name}`,
    });
  }

  /** Credentials are read afresh at every run, since DigitalOcean's live 7 days. */
  private providers({ clusterName }: FluxConfigurationStackProps): void {
    new DigitaloceanProvider(this, "digitalocean");
    new NullProvider(this, "null");
    const cluster = new DataDigitaloceanKubernetesCluster(this, "cluster", { name: clusterName });
    const credentials = cluster.kubeConfig.get(0);
    new KubernetesProvider(this, "kubernetes", {
      host: credentials.host,
      token: credentials.token,
      clusterCaCertificate: Fn.base64decode(credentials.clusterCaCertificate),
    });
  }

  /**
   * State knows whether the replacement was made once, but not whether it was made in this checkout. So while flux/ still
   * has placeholders the trigger is a time that Terraform takes at plan (never one of ours: synth stays pure), and when it
   * has none left the trigger is ignored: a fresh clone is configured, and a plan after that is empty.
   */
  private configureOnce({ program, replacements, pending }: StaticConfiguration): void {
    const asset = new TerraformAsset(this, "configure", { path: program, type: AssetType.FILE });
    new Resource(this, "static-configuration", {
      triggers: {
        replacements: sha256(replacements),
        run: pending ? "${plantimestamp()}" : "configured",
      },
      lifecycle: { ignoreChanges: pending ? undefined : ['triggers["run"]'] },
      provisioners: [
        {
          type: "local-exec",
          workingDir: PROJECT_DIRECTORY,
          // The program's path as seen from the project directory.
          command: `node "$STACK_DIRECTORY/${asset.path}"`,
          environment: {
            REPLACEMENTS: literal(replacements),
            STACK_DIRECTORY: "${abspath(path.module)}",
          },
        },
      ],
    });
  }

  /**
   * The private key that Flux decrypts with. Its value is an ephemeral variable and a write-only argument: terraform gives it to
   * the cluster and keeps it in no plan and no state. It is written when the secret is made and when the public half changes,
   * which the revision follows; a machine without the private half (CI, a colleague's) plans and applies the rest all the same.
   */
  private decryptionKey(environment: string, recipients: readonly string[]): void {
    const variable = new TerraformVariable(this, AGE_KEY_VARIABLE, {
      type: "string",
      default: "",
      sensitive: true,
      description: `The private age key of ${environment}; npm run deploy reads it from .secrets/${environment}/${AGE_KEY_NAME}`,
    });
    variable.overrideLogicalId(AGE_KEY_VARIABLE);
    variable.addOverride("ephemeral", true);
    // Without the key there is nothing to write. A name that Kubernetes refuses, and that says why, keeps an empty secret from
    // taking its place when it has to be written all the same (a plain `cdktf deploy`; our own commands refuse such a plan).
    const absent = `the private key was not given: npm run deploy takes it from .secrets/${environment}/${AGE_KEY_NAME}, the plain CLI from TF_VAR_${AGE_KEY_VARIABLE}`;
    const key = `var.${AGE_KEY_VARIABLE}`;
    const value = `\${${key} == "" ? tomap({ ${JSON.stringify(absent)} = "" }) : tomap({ ${JSON.stringify(AGE_KEY_NAME)} = ${key} })}`;
    new SecretV1(this, AGE_KEY_SECRET, {
      metadata: { name: AGE_KEY_SECRET, namespace: this.namespace },
      dataWo: Token.asStringMap(value),
      dataWoRevision: decryptionKeyRevision(recipients),
    });
  }

  private configMap(name: string, data: Record<string, string>): void {
    new ConfigMapV1(this, name, {
      metadata: { name, namespace: this.namespace, labels: WATCH_LABEL },
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, literal(value)])),
    });
  }
}

/** A text that Terraform takes as it is: `${` and `%{` begin a template in every string of its JSON form. */
function literal(text: string): string {
  return text.replaceAll("${", "$${").replaceAll("%{", "%%{");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
