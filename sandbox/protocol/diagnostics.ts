/** A place inside a resource: names of attributes and blocks, indices of lists. */
export type Path = ReadonlyArray<string | number>;

/** What a provider reports to the user through terraform. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail?: string;
  readonly path?: Path;
}

/** An error that terraform shows as a diagnostic: `summary` is its title, `detail` the text below. */
export class ProviderError extends Error {
  constructor(
    summary: string,
    readonly detail: string = "",
    readonly path: Path = [],
  ) {
    super(summary);
    this.name = "ProviderError";
  }
}

/** The end of an error of Go's HTTP client when a connection breaks before the answer; the port looks like a status. */
export const CONNECTION_RESET = "read tcp 10.0.0.2:53124->104.16.181.15:443: read: connection reset by peer";

/** A path as the protocol sends it. */
export function wirePath(path: Path): object {
  return {
    steps: path.map((step) =>
      typeof step === "number" ? { element_key_int: step } : { attribute_name: step },
    ),
  };
}

/** Diagnostics as the protocol sends them. */
export function wireDiagnostics(diagnostics: readonly Diagnostic[]): object[] {
  return diagnostics.map(({ severity, summary, detail, path }) => ({
    severity: severity === "error" ? 1 : 2,
    summary,
    detail: detail ?? "",
    ...(path && path.length > 0 ? { attribute: wirePath(path) } : {}),
  }));
}
