/**
 * The API groups whose kinds the third-party charts bring: their objects can't be applied before. A chart with kinds of its own is
 * a line here.
 */
export const CHART_KINDS: Readonly<Record<string, readonly string[]>> = {
  "cert-manager": ["cert-manager.io", "acme.cert-manager.io"],
  "cloudnative-pg": ["postgresql.cnpg.io"],
  "kube-prometheus-stack": ["monitoring.coreos.com"],
  traefik: ["traefik.io"],
  velero: ["velero.io"],
};

/** The chart that brings the kinds of an API group. */
export function chartOfKinds(group: string): string | undefined {
  return Object.keys(CHART_KINDS).find((chart) => CHART_KINDS[chart]?.includes(group));
}
