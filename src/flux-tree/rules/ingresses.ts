import { replacementsFor } from "../../flux";
import type { PlacedObject } from "../objects";
import type { Manifest } from "../tree";
import type { RuleContext } from "./context";
import { OutcomeBuilder, type Rule } from "./rule";

/** What should be reachable from outside has a controller, and a name that leads to this environment. */
export const ingresses: Rule = {
  id: "ingresses",
  title: "every Ingress has a controller and a host of its environment",
  check(context) {
    const outcome = new OutcomeBuilder("ingresses");
    const classes = ingressClasses(context.objects);
    const hosts = new HostCheck(context);
    for (const placed of context.objects) {
      for (const { className, hosts: names } of routesOf(placed.object)) {
        if (className !== undefined && context.complete) {
          outcome.check(
            placed,
            classes.has(className),
            `is of the ingress class ${className}, which no controller in the tree serves (there is ${[...classes].join(", ") || "none"})`,
            "write ${infraConfig_networking_ingressClass}, or add the controller to flux/infrastructure",
          );
        }
        for (const host of names) {
          outcome.check(
            placed,
            hosts.belongs(host),
            `has the host ${host}, which is not of ${context.environment.domain}`,
            `write a host below ${context.environment.domain}, or the placeholder of one`,
          );
        }
      }
    }
    return outcome;
  },
};

/** Classes that something in the tree makes: as an object, or by the values of a controller's chart. */
function ingressClasses(objects: readonly PlacedObject[]): Set<string> {
  return new Set(
    objects.flatMap(({ object: { kind, metadata, spec } }) => {
      if (kind === "IngressClass") return metadata?.name ?? [];
      if (kind !== "HelmRelease") return [];
      const { ingressClass, controller } = spec?.values ?? {};
      return [ingressClass?.name, controller?.ingressClassResource?.name].filter(
        (name) => typeof name === "string",
      );
    }),
  );
}

interface Route {
  readonly className?: string;
  readonly hosts: readonly string[];
}

/** The routes of an Ingress, or of the values of a chart that has one. */
function routesOf({ kind, spec }: Manifest): Route[] {
  if (kind === "Ingress") {
    const rules: ReadonlyArray<{ host?: string }> = spec?.rules ?? [];
    const tls: ReadonlyArray<{ hosts?: string[] }> = spec?.tls ?? [];
    const hosts = [
      ...rules.flatMap(({ host }) => host ?? []),
      ...tls.flatMap(({ hosts: names = [] }) => names),
    ];
    return [{ className: spec?.ingressClassName, hosts: [...new Set(hosts)] }];
  }
  if (kind === "IngressRoute") {
    const matches: ReadonlyArray<{ match?: string }> = spec?.routes ?? [];
    const hosts = matches.flatMap(({ match = "" }) =>
      [...match.matchAll(/Host\(`([^`]+)`\)/g)].map(([, host = ""]) => host),
    );
    return [{ hosts }];
  }
  return kind === "HelmRelease" ? ingressValues(spec?.values) : [];
}

/** Every switched-on `ingress` of a chart's values, at whatever depth. */
function ingressValues(value: unknown): Route[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key !== "ingress" || typeof inner !== "object" || inner === null) return ingressValues(inner);
    const { enabled, className, ingressClassName, hosts = [], hostname } = inner as Record<string, unknown>;
    if (enabled !== true) return [];
    const list = [...(Array.isArray(hosts) ? hosts : []), ...(hostname === undefined ? [] : [hostname])];
    const names = list.map((host) => (typeof host === "object" ? (host as { host?: unknown })?.host : host));
    const name = className ?? ingressClassName;
    return [
      {
        ...(typeof name === "string" ? { className: name } : {}),
        hosts: names.filter((host) => typeof host === "string"),
      },
    ];
  });
}

/** Whether hosts belong to an environment, before and after its placeholders were replaced. */
class HostCheck {
  private readonly domain: string;
  private readonly others: readonly string[];
  private readonly values: ReadonlyMap<string, string>;

  constructor({ project, environment }: RuleContext) {
    this.domain = environment.domain;
    this.others = project.environments
      .map(({ domain }) => domain)
      .filter((domain) => domain !== environment.domain && domain.endsWith(`.${environment.domain}`));
    this.values = new Map(replacementsFor(project).map(({ placeholder, value }) => [placeholder, value]));
  }

  belongs(host: string): boolean {
    const name = this.values.get(host) ?? host;
    const below = (domain: string): boolean => name === domain || name.endsWith(`.${domain}`);
    return below(this.domain) && !this.others.some(below);
  }
}
