import { connect } from "node:net";

/** A local connection is made, or refused, at once. */
const TIMEOUT_MS = 1000;

type Reattachments = Readonly<Record<string, { readonly Addr?: { readonly String?: string } }>>;

/**
 * Looks whether the providers that TF_REATTACH_PROVIDERS names are served, as `npm run sandbox` in another terminal does. terraform
 * would only say that a process was not found.
 * @throws ProvidersGone
 */
export async function requireServedProviders(
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const address of addressesOf(env.TF_REATTACH_PROVIDERS))
    if (!(await isServed(address))) throw new ProvidersGone(address);
}

/** Thrown when a sandbox that is named in the environment has ended. */
export class ProvidersGone extends Error {
  constructor(address: string) {
    super(
      `The sandbox has ended: TF_REATTACH_PROVIDERS says that a provider is at ${address}, where nobody listens. What was done is in the state and in the sandbox's clouds. Run \`npm run sandbox\` again and paste its lines into this terminal, or go without it: unset TF_REATTACH_PROVIDERS.`,
    );
    this.name = "ProvidersGone";
  }
}

function addressesOf(reattachments: string | undefined): string[] {
  if (!reattachments) return [];
  try {
    const addresses = Object.values(JSON.parse(reattachments) as Reattachments).map(
      ({ Addr }) => Addr?.String,
    );
    return [...new Set(addresses.filter((address) => address !== undefined))];
  } catch {
    // terraform says what is wrong with it.
    return [];
  }
}

function isServed(address: string): Promise<boolean> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  // A socket file: terraform finds out.
  if (port === "") return Promise.resolve(true);
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const end = (served: boolean): void => {
      socket.destroy();
      resolve(served);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(false));
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
