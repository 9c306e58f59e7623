import { clusterName, type Environment } from "../../config";
import { type Danger, endOf, environmentField, type Finding, IN_PLACE, PROTECTED } from "./danger";

/**
 * The name of a deployed project is changed. DigitalOcean renames cluster and network in place, so that Terraform minds nothing; what
 * applications find by the cluster's name (`infraConfig_cluster_name` in flux/) stays where it is.
 */
export const changedName: Danger = ({ deployed, workspace: { project } }) =>
  deployedEnvironments(project.environments, deployed).flatMap(({ name, now }): Finding[] => {
    const wanted = clusterName(project.name, name);
    if (now.name === undefined || now.name === wanted) return [];
    const suffix = `-${name}`;
    const former = now.name.endsWith(suffix) ? now.name.slice(0, -suffix.length) : undefined;
    return [
      {
        kind: "project-rename",
        environment: name,
        cluster: now.name,
        field: "project.name",
        problem: `the cluster of ${name} is ${now.name}, and would be ${wanted}.`,
        consequence: `Everything that is found by that name would be looked for under another one: Velero's backups (bucket ${now.name}-backups), the uploads of chatbox (bucket ${now.name}-chatbox), and external-dns would no longer own the records that it has made, so that they are never changed or removed again.`,
        remedy: `set it to ${former === undefined ? "its former value" : `"${former}"`} again: a project keeps its name for life, hosts and titles can be changed.`,
        allowed:
          "cluster, network and project are renamed in place. Make the buckets of the new names and copy what is in the old ones before, and remove the old DNS records by hand.",
      },
    ];
  });

/**
 * The region of a deployed cluster is changed. Found by the state's own region, so that it is named also where Terraform refuses to
 * plan at all (production). DigitalOcean moves neither clusters nor VPCs.
 */
export const changedRegion: Danger = ({ deployed, workspace }) =>
  deployedEnvironments(workspace.project.environments, deployed).flatMap(
    ({ name, production, cluster, now }): Finding[] =>
      now.region === undefined || now.region === cluster.region
        ? []
        : [
            {
              kind: "region-change",
              environment: name,
              field: environmentField(workspace.project, name, "cluster.region"),
              problem: `${name} is deployed in ${now.region}, and would be in ${cluster.region}.`,
              consequence:
                "DigitalOcean moves no cluster: network and cluster would be recreated, and volumes stay behind in the old region.",
              remedy: `set it to "${now.region}" again. To move, deploy a new environment in ${cluster.region} beside this one, move the data, then ${endOf(production)}.`,
              deadEnd: production ? PROTECTED : IN_PLACE,
            },
          ],
  );

/** The IP range of a deployed VPC is changed; one that is left to DigitalOcean stays what it is. */
export const changedVpcRange: Danger = ({ deployed, workspace }) =>
  deployedEnvironments(workspace.project.environments, deployed).flatMap(
    ({ name, production, cluster, now }): Finding[] =>
      now.vpcIpRange === undefined ||
      cluster.vpcIpRange === undefined ||
      now.vpcIpRange === cluster.vpcIpRange
        ? []
        : [
            {
              kind: "vpc-range-change",
              environment: name,
              field: environmentField(workspace.project, name, "cluster.vpcIpRange"),
              problem: `the VPC of ${name} has ${now.vpcIpRange}, and would have ${cluster.vpcIpRange}.`,
              consequence:
                "A VPC's range cannot change. The VPC and its cluster would be recreated, without anything that runs there.",
              remedy: `set it to "${now.vpcIpRange}" again, or leave it out. For another range, deploy a new environment beside this one.`,
              deadEnd: production ? PROTECTED : IN_PLACE,
            },
          ],
  );

/**
 * Production's domain is changed, and Terraform refuses to plan that, since the zone of the old one would be deleted. A
 * zone that was taken out of the state before is no longer Terraform's, and stays.
 */
export const changedDomain: Danger = ({ deployed, workspace: { project, configurationName } }) =>
  deployedEnvironments(project.environments, deployed).flatMap(({ name, now }): Finding[] =>
    now.domain === undefined || now.domain === project.domain
      ? []
      : [
          {
            kind: "domain-loss",
            environment: name,
            field: "project.domain",
            problem: `the zone of ${now.domain} belongs to ${name}, and would be deleted for that of ${project.domain}.`,
            consequence:
              "All its records go with it, those of external-dns and of mail included: every host below it stops being found.",
            remedy: `set it to "${now.domain}" again in ${configurationName}. To change it and keep the old zone, let Terraform forget it first (docs/static-configuration.md#when-a-value-changes).`,
            deadEnd: PROTECTED,
          },
        ],
  );

/**
 * The domain that production's hosts are below is changed, and project.domain isn't (that is changedDomain's). No resource is replaced by
 * it, so that Terraform doesn't mind. Only production's: the hosts of other environments nobody relies on.
 */
export const changedHosts: Danger = ({ deployed, workspace: { project, configurationName } }) =>
  deployedEnvironments(project.environments, deployed).flatMap((one): Finding[] => {
    const { name: environment, production, domain: after, now } = one;
    const before = now.hosts;
    if (before === undefined || before === after || !production || now.domain !== project.domain) return [];
    const isDefault = before === project.domain;
    const field = environmentField(project, environment, "domain");
    return [
      {
        kind: "domain-loss",
        environment,
        field,
        problem: `every host of ${environment} is in ${before}, and would be in ${after}.`,
        consequence: `The hosts in ${before} stop being found, their certificates are not renewed, and links, webhooks and logins of the applications that name them break.${
          isBelow(after, project.domain)
            ? ""
            : ` ${after} is outside the zone of ${project.domain}, the only one that a deploy makes: the new hosts get records only where you have their zone at DigitalOcean.`
        }`,
        remedy: `set ${field} in ${configurationName} to "${before}" again${isDefault ? ", or leave it out" : ""}. To change it, tell those who use the hosts first, and take the old names out of the applications' own settings afterwards.`,
      },
    ];
  });

function isBelow(domain: string, zone: string): boolean {
  return domain === zone || domain.endsWith(`.${zone}`);
}

function deployedEnvironments<Now>(
  environments: readonly Environment[],
  deployed: ReadonlyMap<string, Now>,
): Array<Environment & { readonly now: Now }> {
  return environments.flatMap((environment) => {
    const now = deployed.get(environment.name);
    return now === undefined ? [] : [{ ...environment, now }];
  });
}
