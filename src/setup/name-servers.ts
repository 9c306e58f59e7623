import { Resolver } from "node:dns/promises";
import { PLACEHOLDER_DOMAIN } from "../config";
import type { SetupContext } from "./context";

const NAME_SERVERS = [1, 2, 3].map((number) => `ns${number}.digitalocean.com`);
const CHECK = "name-servers";

/** Whether the domain is delegated to DigitalOcean, where its zone is: otherwise no name in it resolves. */
export async function checkNameServers({
  facts: { domain },
  report,
  nameServer,
}: Pick<SetupContext, "facts" | "report" | "nameServer">): Promise<void> {
  if (domain === undefined || domain === PLACEHOLDER_DOMAIN) return;
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  const fix = `at the registrar of ${domain} (of a subdomain: as NS records in the zone above it) set the name servers ${NAME_SERVERS.join(", ")}; it takes up to two days until everybody sees it`;
  try {
    if (nameServer !== undefined) resolver.setServers([nameServer]);
    const found = (await resolver.resolveNs(domain)).map((name) => name.toLowerCase().replace(/\.$/, ""));
    const others = found.filter((name) => !NAME_SERVERS.includes(name)).sort();
    if (others.length === 0) report.finding("ok", CHECK, `${domain} has the name servers of DigitalOcean`);
    else
      report.finding(
        "warning",
        CHECK,
        `${domain} has the name servers ${others.join(", ")}: names that the cluster makes at DigitalOcean don't resolve`,
        fix,
      );
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOTFOUND", "ENODATA"].includes(code))
      report.finding("warning", CHECK, `${domain} has no name servers: no name in it resolves`, fix);
    else
      report.finding(
        "unchecked",
        CHECK,
        `the name servers of ${domain} are not checked: DNS: ${code || "no answer"}`,
      );
  }
}
