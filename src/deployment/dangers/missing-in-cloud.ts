import { environmentOf } from "../../terraform";
import { explainMissing, type MissingObjects } from "../missing-objects";
import { type Danger, type DangerContext, environmentField, type Finding } from "./danger";

/**
 * A cluster, network or domain that the state has and the cloud does not. A token of another account gets 404 for
 * everything: the plan would create all of it a second time there, and the state would forget the first.
 */
export const missingInCloud: Danger = ({ missing, workspace }) =>
  missing.map((one) => finding(one, workspace));

function finding(
  missing: MissingObjects,
  { project, configurationName }: DangerContext["workspace"],
): Finding {
  const { objects, account } = missing;
  const environment = environmentOf({ name: missing.stack });
  const one = objects.length === 1;
  const domainOnly = objects.every(({ type }) => type === "digitalocean_domain");
  return {
    kind: "missing-in-cloud",
    environment,
    field: domainOnly ? "project.domain" : environmentField(project, environment, "cluster"),
    problem: explainMissing(missing),
    consequence: `A deploy would create ${one ? "it" : "them"} again, empty, and the state would forget the ${one ? "one" : "ones"} that it knows: in another account ${one ? "it goes" : "they go"} on running, unmanaged and billed.`,
    remedy:
      account.verdict === "same"
        ? `check at cloud.digitalocean.com that ${one ? "it is" : "they are"} gone. If so, nothing in ${configurationName} has to change: allow this, and the next deploy creates ${one ? "it" : "them"} again.`
        : `set DIGITALOCEAN_TOKEN (in .env, or the secret in GitHub) to a token of the account and team that own what is deployed. Only if ${one ? "it was" : "they were"} deleted there: allow this, and the next deploy creates ${one ? "it" : "them"} again.`,
  };
}
