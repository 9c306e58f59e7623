import { ProviderError } from "../../protocol/diagnostics";
import { list, text, type Value, type Values } from "../../protocol/values";
import { timestamp } from "../computed";
import type { DataSourceHandler, ResourceHandler } from "../provider";
import { type AccountChange, apiError, type DigitalOceanCloud, NOT_FOUND, type Objects } from "./cloud";
import { collection } from "./collection";

const PROJECTS = "digitalocean_project";
const ASSIGNMENTS = "project_assignments";
const MAXIMUM_NAME = 175;
const MAXIMUM_TEXT = 255;
const ENVIRONMENTS = ["development", "staging", "production"];

/** Kinds that a project takes, by the second part of their URN. */
const ASSIGNABLE: Readonly<Record<string, string>> = {
  kubernetes: "digitalocean_kubernetes_cluster",
  domain: "digitalocean_domain",
  space: "digitalocean_spaces_bucket",
  loadbalancer: "digitalocean_loadbalancer",
  reservedip: "digitalocean_reserved_ip",
};

interface Reader {
  objects(type: string): Objects;
}

function exists(account: Reader, urn: string): boolean {
  const [scheme, kind = "", id = ""] = urn.split(":");
  const type = ASSIGNABLE[kind];
  return scheme === "do" && type !== undefined && account.objects(type)[id] !== undefined;
}

/** URNs of what is in a project, sorted. */
function members(account: Reader, project: string): string[] {
  const assignments = account.objects(ASSIGNMENTS) as unknown as Record<string, string>;
  return Object.keys(assignments)
    .filter((urn) => assignments[urn] === project && exists(account, urn))
    .sort();
}

/** Moves objects to a project; refuses what isn't there or can't be in one. */
function assign(account: AccountChange, project: string, urns: readonly Value[], prefix: string): void {
  const path = `projects/${project}/resources`;
  for (const urn of urns) {
    const name = text(urn) ?? "";
    const [scheme, kind = ""] = name.split(":");
    if (scheme !== "do" || ASSIGNABLE[kind] === undefined) {
      throw apiError(
        prefix,
        "POST",
        path,
        422,
        `resource "${name}" can't be assigned to a project: types are ${Object.keys(ASSIGNABLE).join(", ")}`,
      );
    }
    if (!exists(account, name)) throw apiError(prefix, "POST", path, 404, `resource "${name}" not found`);
    (account.objects(ASSIGNMENTS) as unknown as Record<string, string>)[name] = project;
  }
}

/** Moves to the default project those of the objects that are still there. */
function release(account: AccountChange, urns: readonly Value[]): void {
  const present = urns.filter((urn) => exists(account, text(urn) ?? ""));
  assign(account, account.defaultProject(), present, "Error assigning resources to default project");
}

const withoutThose = (urns: readonly Value[], others: readonly Value[]) =>
  urns.filter((urn) => !others.includes(urn));

/** `digitalocean_project`. */
export function project(cloud: DigitalOceanCloud): ResourceHandler {
  const handler = collection(cloud, {
    type: PROJECTS,
    noun: "Project",
    path: "projects",
    defaults: { description: "", purpose: "Web Application", is_default: false },
    volatile: ["resources"],
    keptFromState: ["resources"],
    validate: (config, report) => {
      const limits = { name: MAXIMUM_NAME, description: MAXIMUM_TEXT, purpose: MAXIMUM_TEXT };
      for (const [name, limit] of Object.entries(limits)) {
        const value = config[name];
        const minimum = name === "name" ? 1 : 0;
        if (typeof value === "string" && (value.length < minimum || value.length > limit)) {
          report(
            [name],
            `expected length of ${name} to be in the range (${minimum} - ${limit}), got ${value}`,
          );
        }
      }
      const environment = text(config.environment);
      if (environment && !ENVIRONMENTS.includes(environment.toLowerCase())) {
        report(
          ["environment"],
          `expected environment to be one of ["${ENVIRONMENTS.join('" "')}"], got ${environment}`,
        );
      }
    },
    check: (planned, id, account, fail) => {
      const taken = Object.entries(account.objects(PROJECTS)).some(
        ([other, { name }]) => other !== id && name === planned.name,
      );
      if (taken) fail(409, "name is already in use");
    },
    computed: (_, _id, account) => {
      const owner = account.account();
      const now = timestamp();
      return {
        owner_uuid: owner.uuid ?? "",
        owner_id: owner.owner_id ?? 0,
        created_at: now,
        updated_at: now,
        resources: [],
      };
    },
    beforeRemove: (id, prior, account, fail) => {
      if (account.objects(PROJECTS)[id]?.is_default === true) fail(412, "cannot delete the default project");
      release(account, list(prior.resources));
      if (members(account, id).length > 0) fail(412, "cannot delete a project with resources");
    },
    afterRead: (object, id) => ({ ...object, resources: members(cloud, id) }),
  });
  return {
    ...handler,
    create: async (planned, call) => {
      const wanted = list(planned.resources);
      const created = await handler.create(planned, call);
      if (wanted.length > 0) {
        cloud.update((account) => assign(account, text(created.id) ?? "", wanted, "Error creating project"));
      }
      return created;
    },
    update: async (planned, prior, call) => {
      const id = text(prior.id) ?? "";
      const [before, after] = [list(prior.resources), list(planned.resources)];
      cloud.update((account) => {
        release(account, withoutThose(before, after));
        assign(account, id, withoutThose(after, before), "Error updating Project");
      });
      return handler.update(planned, prior, call);
    },
  };
}

/** `digitalocean_project_resources`. */
export function projectResources(cloud: DigitalOceanCloud): ResourceHandler {
  const current = (state: Values): Values | null => {
    const id = text(state.id) ?? "";
    if (!cloud.object(PROJECTS, id)) return null;
    const found = members(cloud, id);
    return {
      id,
      project: id,
      resources: list(state.resources).filter((urn) => found.includes(text(urn) ?? "")),
    };
  };
  const change = (planned: Values, before: readonly Value[]): Values => {
    const id = text(planned.project) ?? "";
    if (!cloud.object(PROJECTS, id)) {
      throw apiError(`Error while retrieving project ${id}`, "GET", `projects/${id}`, 404, NOT_FOUND);
    }
    cloud.update((account) => {
      const after = list(planned.resources);
      release(account, withoutThose(before, after));
      assign(account, id, withoutThose(after, before), `Error assigning resources to project ${id}`);
    });
    return { ...planned, id };
  };
  return {
    forceNew: ["project"],
    validate: (config, report) => {
      if (config.project === "") report(["project"], 'expected "project" to not be an empty string');
    },
    create: (planned) => change(planned, []),
    read: current,
    update: (planned, prior) => change(planned, list(prior.resources)),
    remove: (prior) => {
      if (!cloud.object(PROJECTS, text(prior.project) ?? "")) return;
      cloud.update((account) => release(account, list(prior.resources)));
    },
  };
}

/** Data source `digitalocean_project`: by id, by name, or the default project. */
export function projectData(cloud: DigitalOceanCloud): DataSourceHandler {
  return (config) => {
    cloud.account();
    const projects = Object.entries(cloud.objects(PROJECTS));
    const [id, name] = [text(config.id), text(config.name)];
    const found = projects.filter(([key, candidate]) => {
      if (id) return key === id;
      return name ? candidate.name === name : candidate.is_default === true;
    });
    const [first] = found;
    if (!first && id)
      throw apiError(`Unable to load project ID ${id}`, "GET", `projects/${id}`, 404, NOT_FOUND);
    if (!first) throw new ProviderError(`No projects found with name '${name}'`);
    if (found.length > 1) throw new ProviderError(`Multiple projects found with name '${name}'`);
    return { ...first[1], id: first[0], resources: members(cloud, first[0]) };
  };
}
