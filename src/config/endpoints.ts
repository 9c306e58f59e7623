/** Hosts that are this machine, as URL writes them. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** Whether an address leads to this machine. */
export function isLoopback(address: string): boolean {
  return URL.canParse(address) && LOOPBACK.includes(new URL(address).hostname);
}

/** Whether this is the address of an S3 store. States hold credentials of clusters: over plain http they go to this machine only. */
export function isS3Endpoint(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(value);
  const onlyHost = [username, password, search, hash].every((part) => part === "") && pathname === "/";
  return onlyHost && (protocol === "https:" || (protocol === "http:" && isLoopback(value)));
}
