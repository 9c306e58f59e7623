import { type Danger, environmentField, type Finding } from "./danger";

/**
 * A Kubernetes version that is lower than the one that runs, or more than one minor version above it. Terraform ignores the version of
 * a cluster that exists, so no plan shows it: the configuration would promise what no deploy does, and a cluster made anew (by a
 * restore, or in another region) would come up with other APIs than its applications were made for.
 */
export const kubernetesVersion: Danger = ({ deployed, workspace: { project } }) =>
  project.environments.flatMap(({ name, cluster }): Finding[] => {
    const running = minorOf(deployed.get(name)?.version);
    const wanted = minorOf(cluster.version);
    if (running === undefined || wanted === undefined) return [];
    const common = { environment: name, field: environmentField(project, name, "cluster.version") };
    if (wanted < running)
      return [
        {
          ...common,
          kind: "version-downgrade",
          problem: `${name} runs Kubernetes 1.${running}, and the configuration wants 1.${wanted}.`,
          consequence:
            "Kubernetes can't go back: objects are stored in forms that the lower version doesn't know. Only a new cluster could have it.",
          remedy: `set it to "1.${running}" (DigitalOcean may have upgraded the cluster by itself), or leave it out.`,
          allowed:
            "nothing happens: Terraform leaves the version of a cluster alone, only DigitalOcean upgrades it.",
        },
      ];
    if (wanted > running + 1)
      return [
        {
          ...common,
          kind: "version-skip",
          problem: `${name} runs Kubernetes 1.${running}, and the configuration wants 1.${wanted}.`,
          consequence:
            "DigitalOcean upgrades one minor version at a time; APIs that are gone in between break what still uses them.",
          remedy: `set it to "1.${running}", or leave it out. To go up, set it to "1.${running + 1}" while DigitalOcean offers that (doctl kubernetes options versions), let DigitalOcean upgrade the cluster (doctl kubernetes cluster upgrade), check the applications, then go on to the next.`,
          allowed:
            "nothing happens: Terraform leaves the version of a cluster alone, only DigitalOcean upgrades it.",
        },
      ];
    return [];
  });

/** 34 of `1.34` and of `1.34.1-do.2`. */
function minorOf(version: string | undefined): number | undefined {
  const minor = /^1\.(\d+)(?:\.|$)/.exec(version ?? "")?.[1];
  return minor === undefined ? undefined : Number(minor);
}
