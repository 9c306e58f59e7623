import { Resolver } from "node:dns/promises";
import { PLACEHOLDER_DOMAIN } from "../config";
import type { SetupContext } from "./context";

const NAME_SERVERS = [1, 2, 3].map((number) => `ns${number}.digitalocean.com`);
const CHECK = "name-servers";

/** Exists for sure: who doesn't find it finds nothing out there. */
const KNOWN_DOMAIN = "digitalocean.com";

/** Why a name server gave no answer, by Node's codes; those of a domain without name servers are not among them. */
const OBSTACLES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no name server of this machine can be reached; is there a network?",
  EAI_AGAIN: "no name server of this machine can be reached; is there a network?",
  ETIMEOUT: "the name server of this machine does not answer in time",
  ESERVFAIL: "the name server of this machine could not find it out (SERVFAIL)",
  EREFUSED: "the name server of this machine refuses the question (REFUSED)",
};

/** Codes by which a name server says that there are none: NXDOMAIN (no such domain), and an answer without any. */
const NONE = ["ENOTFOUND", "ENODATA"];

/** Whether the domain is delegated to DigitalOcean, where its zone is: otherwise no name in it resolves. */
export async function checkNameServers({
  facts: { domain },
  report,
  nameServer,
}: Pick<SetupContext, "facts" | "report" | "nameServer">): Promise<void> {
  if (domain === undefined || domain === PLACEHOLDER_DOMAIN) return;
  const fix = `at the registrar of ${domain} (of a subdomain: as NS records in the zone above it) set the name servers ${NAME_SERVERS.join(", ")}; it takes up to two days until everybody sees it`;
  const found = await nameServersOf(domain, nameServer);
  if (found.obstacle !== undefined) {
    report.finding("unchecked", CHECK, `the name servers of ${domain} are not checked: ${found.obstacle}`);
    return;
  }
  const others = found.names.filter((name) => !NAME_SERVERS.includes(name)).sort();
  if (found.names.length === 0)
    report.finding("warning", CHECK, `${domain} has no name servers: no name in it resolves`, fix);
  else if (others.length === 0) report.finding("ok", CHECK, `${domain} has the name servers of DigitalOcean`);
  else
    report.finding(
      "warning",
      CHECK,
      `${domain} has the name servers ${others.join(", ")}: names that the cluster makes at DigitalOcean don't resolve`,
      fix,
    );
}

type Answer =
  | { readonly names: readonly string[]; readonly obstacle?: undefined }
  | { readonly obstacle: string };

/**
 * The name servers of a domain. A network that lets nobody out often answers that no domain exists: only a name server that finds a domain
 * which exists for sure is believed.
 */
async function nameServersOf(domain: string, nameServer: string | undefined): Promise<Answer> {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  const ask = async (name: string): Promise<Answer> => {
    try {
      const names = await resolver.resolveNs(name);
      return { names: names.map((one) => one.toLowerCase().replace(/\.$/, "")) };
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (NONE.includes(code)) return { names: [] };
      return { obstacle: OBSTACLES[code] ?? `DNS: ${code || "no answer"}` };
    }
  };
  try {
    if (nameServer !== undefined) resolver.setServers([nameServer]);
  } catch {
    return { obstacle: "HYBRID_GITOPS_NAME_SERVER is not address:port" };
  }
  const answer = await ask(domain);
  if (answer.obstacle !== undefined || answer.names.length > 0) return answer;
  const known = await ask(KNOWN_DOMAIN);
  if (known.obstacle !== undefined) return known;
  return known.names.length > 0
    ? answer
    : {
        obstacle: `the name server of this machine finds no domain, not even ${KNOWN_DOMAIN}; is there a network?`,
      };
}
