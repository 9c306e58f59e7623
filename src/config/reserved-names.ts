/** The domain that stands for the user's own in the files under flux/. Nobody can own it (RFC 2606). */
export const PLACEHOLDER_DOMAIN = "example.com";

/** Names that stand for the project and its clusters in the files under flux/; src/flux/placeholders.ts gives them their values. */
export const PLACEHOLDER_PROJECT = "my-project";
export const PLACEHOLDER_CLUSTER = "my-cluster";

/** The owner in the example configuration, which nobody can be. */
export const EXAMPLE_OWNER = "my-github-user";

/** What stands in the files under flux/ for the registry of the images that the user builds, and for the GitHub repository. */
export const PLACEHOLDER_REGISTRY = `registry.${PLACEHOLDER_DOMAIN}`;
export const PLACEHOLDER_REPOSITORY = `${EXAMPLE_OWNER}/my-repository`;

/** Names that a project can't have, since the next run of the static configuration would replace them again. */
export const RESERVED_NAMES: readonly string[] = [PLACEHOLDER_CLUSTER];
