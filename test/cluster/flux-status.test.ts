import { type FluxObjectStatus, interpretFlux, type KubernetesObject, readFlux } from "../../src/cluster";

const context = {
  environment: "staging",
  variables: new Set(["infraConfig_storage_bulk_size"]),
  npmRun: (name: string, ...words: string[]) => `npm run ${name} -- ${words.join(" ")}`,
};

interface Made {
  readonly name?: string;
  readonly ready?: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly spec?: object;
  readonly status?: object;
  readonly generation?: number;
  readonly conditions?: object[];
}

function made(
  kind: string,
  { name = "it", ready, reason, message, spec, status, ...more }: Made,
): KubernetesObject {
  const conditions = [
    ...(ready ? [{ type: "Ready", status: ready, reason: reason ?? "", message: message ?? "" }] : []),
    ...(more.conditions ?? []),
  ];
  return {
    kind,
    metadata: { name, namespace: "flux-system", generation: more.generation ?? 1 },
    spec: spec ?? {},
    status: { conditions, observedGeneration: 1, ...status },
  } as KubernetesObject;
}

const of = (objects: Partial<Parameters<typeof interpretFlux>[0]>) =>
  interpretFlux({ sources: [], kustomizations: [], helmReleases: [], ...objects }, context);
const kustomization = (given: Made): FluxObjectStatus =>
  of({ kustomizations: [made("Kustomization", given)] }).kustomizations[0] as FluxObjectStatus;

test.each([
  ["Ready is True", { ready: "True", message: "Applied revision: main@sha1:1" }, "ready", "Applied revision"],
  ["Ready is False", { ready: "False", message: "boom" }, "failing", "boom"],
  [
    "Ready is Unknown",
    { ready: "Unknown", message: "Reconciliation in progress" },
    "reconciling",
    "in progress",
  ],
  ["there is no condition yet", {}, "reconciling", "not looked at it yet"],
  [
    "the status is that of an older generation",
    { ready: "True", generation: 2 },
    "reconciling",
    "latest change",
  ],
  [
    "it is suspended, whatever it says",
    { ready: "False", message: "boom", spec: { suspend: true } },
    "suspended",
    "boom",
  ],
] as const)("%s", (_, given, state, message) => {
  const found = kustomization(given);
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
});

test("a failure is one although observedGeneration stays at the last success", () => {
  expect(
    kustomization({ ready: "False", message: "boom", generation: 3, status: { observedGeneration: -1 } })
      .state,
  ).toBe("failing");
});

test("a condition that names its own generation is taken at its word", () => {
  const conditions = [{ type: "Ready", status: "False", message: "old", observedGeneration: 1 }];
  expect(kustomization({ generation: 2, conditions }).state).toBe("reconciling");
});

test("what Reconciling says is told while Ready is Unknown", () => {
  const conditions = [
    { type: "Reconciling", status: "True", message: "Running health checks for revision x" },
  ];
  expect(kustomization({ ready: "Unknown", message: "Reconciliation in progress", conditions }).message).toBe(
    "Running health checks for revision x",
  );
});

test("a stalled release has both messages: what failed and that Flux gave up", () => {
  const stalled = {
    type: "Stalled",
    status: "True",
    reason: "RetriesExceeded",
    message: "Failed to upgrade after 3 attempt(s)",
  };
  const { helmReleases } = of({
    helmReleases: [
      made("HelmRelease", {
        ready: "False",
        message: "Helm upgrade failed for release a/b: boom",
        conditions: [stalled],
      }),
    ],
  });
  expect(helmReleases[0]).toMatchObject({
    state: "failing",
    message: "Helm upgrade failed for release a/b: boom\nFailed to upgrade after 3 attempt(s)",
    hint: expect.stringContaining("flux reconcile helmrelease it -n flux-system --reset"),
  });
});

test("what is being deleted is not ready, whatever it says", () => {
  const object = made("Kustomization", { ready: "True", message: "Applied revision: main@sha1:1" });
  const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: "2020-01-01T00:00:00Z" } };
  expect(of({ kustomizations: [deleted] }).kustomizations[0]).toMatchObject({
    state: "failing",
    message: expect.stringContaining("It is being deleted since 2020-01-01T00:00:00Z"),
  });
});

describe("who only waits is told apart from the culprit", () => {
  const culprit = made("Kustomization", {
    name: "configs",
    ready: "False",
    message: "kustomize build failed: x",
  });
  const waiting = (name: string, dependency: string) =>
    made("Kustomization", {
      name,
      ready: "False",
      reason: "DependencyNotReady",
      message: `dependency '${dependency}' is not ready`,
    });

  test("along a chain", () => {
    const { kustomizations } = of({
      kustomizations: [culprit, waiting("apps", "flux-system/configs"), waiting("more", "flux-system/apps")],
    });
    expect(kustomizations.map(({ name, state, waitsFor }) => [name, state, waitsFor])).toEqual([
      ["configs", "failing", undefined],
      ["apps", "waiting", ["Kustomization/flux-system/configs"]],
      ["more", "waiting", ["Kustomization/flux-system/apps"]],
    ]);
    expect(kustomizations.map(({ hint }) => hint !== undefined)).toEqual([true, false, false]);
  });

  test("a dependency that is not there is waited for in vain: a failure", () => {
    const [only] = of({ kustomizations: [waiting("apps", "flux-system/nope")] }).kustomizations;
    expect(only).toMatchObject({ state: "failing", hint: expect.stringContaining("not in the cluster") });
    expect(only).not.toHaveProperty("waitsFor");
  });

  test.each([
    ["itself", [["a", "a"]]],
    [
      "one another",
      [
        ["a", "b"],
        ["b", "a"],
      ],
    ],
  ])("who waits for %s waits for ever: a failure", (_, pairs) => {
    const kustomizations = pairs.map(([name = "", dependency]) => waiting(name, `flux-system/${dependency}`));
    for (const one of of({ kustomizations }).kustomizations)
      expect(one).toMatchObject({ state: "failing", hint: expect.stringContaining("waits for it in turn") });
  });

  test("what is broken beside a release that isn't ready is not only waited for", () => {
    const message =
      "timeout waiting for: [HelmRelease/flux-system/x status: 'InProgress', Deployment/a/b status: 'Failed']";
    expect(kustomization({ ready: "False", reason: "HealthCheckFailed", message }).state).toBe("failing");
  });

  test("a release waits for its chart, the chart for its repository", () => {
    const { sources, helmReleases } = of({
      sources: [
        made("HelmRepository", {
          name: "charts",
          ready: "False",
          message: "failed to fetch Helm repository index: dial tcp: lookup charts.example.com: no such host",
        }),
        made("HelmChart", {
          name: "flux-system-app",
          ready: "False",
          message: "no artifact available for HelmRepository source 'charts'",
        }),
      ],
      helmReleases: [
        made("HelmRelease", {
          name: "app",
          ready: "False",
          reason: "SourceNotReady",
          message:
            "HelmChart 'flux-system/flux-system-app' is not ready: no artifact available for HelmRepository source 'charts'",
        }),
      ],
    });
    expect(sources.map(({ state }) => state)).toEqual(["failing", "waiting"]);
    expect(helmReleases[0]).toMatchObject({
      state: "waiting",
      waitsFor: ["HelmChart/flux-system/flux-system-app"],
    });
  });

  test("a Kustomization whose health check ran out on a release waits for that release", () => {
    const message =
      "health check failed after 20m0s: timeout waiting for: [HelmRelease/flux-system/app status: 'InProgress']";
    const objects = {
      kustomizations: [
        made("Kustomization", { name: "apps", ready: "False", reason: "HealthCheckFailed", message }),
      ],
      helmReleases: [
        made("HelmRelease", {
          name: "app",
          ready: "False",
          message: "Helm install failed for release x/app: boom",
        }),
      ],
    };
    expect(of(objects).kustomizations[0]).toMatchObject({
      state: "waiting",
      message,
      waitsFor: ["HelmRelease/flux-system/app"],
    });
  });

  test("a Kustomization whose workloads don't become ready fails by itself", () => {
    const message =
      "health check failed after 5m0s: timeout waiting for: [Deployment/chatbox/chatbox status: 'InProgress', HelmRelease/flux-system/app status: 'InProgress']";
    expect(kustomization({ ready: "False", reason: "HealthCheckFailed", message }).state).toBe("failing");
  });

  test("a Kustomization without an artifact waits for its repository", () => {
    const { kustomizations } = of({
      sources: [
        made("GitRepository", { name: "flux-system", ready: "False", message: "authentication required" }),
      ],
      kustomizations: [
        made("Kustomization", {
          ready: "False",
          reason: "ArtifactFailed",
          message: "Source artifact not found, retrying in 30s",
          spec: { sourceRef: { kind: "GitRepository", name: "flux-system" } },
        }),
      ],
    });
    expect(kustomizations[0]).toMatchObject({
      state: "waiting",
      waitsFor: ["GitRepository/flux-system/flux-system"],
    });
  });
});

test("a Kustomization that is ready at an older commit than its repository is still on its way", () => {
  const source = made("GitRepository", {
    name: "r",
    ready: "True",
    status: { artifact: { revision: "main@sha1:2" } },
  });
  const applied = (revision: string) =>
    made("Kustomization", {
      ready: "True",
      spec: { sourceRef: { kind: "GitRepository", name: "r" } },
      status: { lastAppliedRevision: revision },
    });
  const { kustomizations } = of({
    sources: [source],
    kustomizations: [applied("main@sha1:1"), applied("main@sha1:2")],
  });
  expect(kustomizations.map(({ state }) => state)).toEqual(["reconciling", "ready"]);
  expect(kustomizations[0]?.message).toBe("It has applied main@sha1:1; its source is at main@sha1:2");
});

test("a Helm repository in a registry has no status and needs none", () => {
  const repository = { ...made("HelmRepository", { spec: { type: "oci" } }), status: {} };
  expect(of({ sources: [repository as KubernetesObject] }).sources[0]?.state).toBe("ready");
});

describe("reading", () => {
  const reader = (lists: Record<string, KubernetesObject[]>) => ({
    get: async () => undefined,
    list: async (path: string) => lists[path] as never,
  });

  test("a cluster without Flux's kinds has no Flux", async () => {
    expect(await readFlux(reader({}))).toBeUndefined();
  });

  test("every object gets its kind, and kinds that an older Flux lacks are left out", async () => {
    const item = { metadata: { name: "a", namespace: "flux-system" } };
    const found = await readFlux(
      reader({
        "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations": [item],
        "/apis/helm.toolkit.fluxcd.io/v2/helmreleases": [item],
        "/apis/source.toolkit.fluxcd.io/v1/gitrepositories": [item],
        "/apis/source.toolkit.fluxcd.io/v1/ocirepositories": [item],
        "/apis/source.toolkit.fluxcd.io/v1/helmcharts": [item],
      }),
    );
    expect(
      [found?.kustomizations, found?.helmReleases, found?.sources].flat().map((one) => one?.kind),
    ).toEqual(["Kustomization", "HelmRelease", "GitRepository", "OCIRepository", "HelmChart"]);
  });
});
