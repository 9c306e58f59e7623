/**
 * Regions in which DigitalOcean offers Kubernetes, by slug.
 * Source: DigitalOcean's regional availability matrix (docs.digitalocean.com/platform/regional-availability).
 */
export const KUBERNETES_REGIONS = [
  "ams3",
  "atl1",
  "blr1",
  "fra1",
  "lon1",
  "nyc1",
  "nyc3",
  "sfo2",
  "sfo3",
  "sgp1",
  "syd1",
  "tor1",
] as const;

/** Regions in which Spaces (the bucket of the Terraform state) exists. Source: the same matrix. */
export const SPACES_REGIONS = [
  "ams3",
  "atl1",
  "blr1",
  "fra1",
  "lon1",
  "nyc3",
  "sfo2",
  "sfo3",
  "sgp1",
  "syd1",
  "tor1",
] as const;
