import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { REPOSITORY } from "../place";
import { Output } from "../terminal/output";
import { lockProviders, type Provider, providerName } from "../terraform";
import { type CommonOptions, command } from "./options";

interface LockProvidersOptions extends CommonOptions {
  readonly mirror?: string;
}

export function lockProvidersCommand(): Command {
  return command(
    "lock-providers",
    "Write the checksums of the Terraform providers, by which every deploy checks them (providers/)",
    ["json"],
  )
    .option("--mirror <folder>", "take them from a folder that `terraform providers mirror` made")
    .action(async (options: LockProvidersOptions) => {
      const output = new Output(options.json ?? false);
      const bound = boundProviders(REPOSITORY);
      output.line(`Asking for ${bound.map(providerName).join(", ")}, for every platform.`);
      const providers = await lockProviders(bound, {
        variables: process.env,
        mirror: options.mirror && resolve(options.mirror),
      });
      for (const provider of providers)
        output.line(`${providerName(provider).padEnd(32)} ${provider.hashes.length} checksums`);
      output.line("Look at what has changed in providers/, and commit it.");
      output.result({
        providers: providers.map(({ address, version, hashes }) => ({ address, version, hashes })),
      });
    });
}

/** The providers that the bindings of a checkout are made for. Their versions are in every stack. */
export function boundProviders(repository: string): Required<Provider>[] {
  const { dependencies } = json(join(repository, "package.json")) as { dependencies: Record<string, string> };
  return Object.keys(dependencies)
    .filter((name) => name.startsWith("@cdktf/provider-"))
    .map((name) => {
      const { cdktf } = json(join(repository, "node_modules", name, "package.json")) as {
        cdktf: { provider: { name: string; version: string } };
      };
      return { address: cdktf.provider.name, version: cdktf.provider.version };
    });
}

function json(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
