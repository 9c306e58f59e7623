import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { variablesIn } from "../../../src/flux-tree";
import { describeRequiring } from "../../support/requirements";
import { filesReadBy, manifestsOf, REPOSITORY, textOf } from "../tree";

const FOLDER = path.join(REPOSITORY, "flux/apps/chatbox");

describe("chatbox's README", () => {
  const readme = readFileSync(path.join(FOLDER, "README.md"), "utf8");

  test("lists exactly the variables that K3s has to be given, and the one that the Makefile asks for", () => {
    const used = new Set(
      filesReadBy("flux/apps/chatbox/production").flatMap((file) => variablesIn(textOf(file))),
    );
    const given = [...readme.matchAll(/--from-literal=(\w+)=/g)].map(([, name]) => name);

    expect(given.sort()).toEqual([...used, "infraConfig_cluster_environment"].sort());
  });

  test("explains every verb of the Makefile", () => {
    const section = readme.slice(readme.indexOf("## The verbs"), readme.indexOf("## WebSockets"));

    expect(VERBS.filter((verb) => !section.includes(verb))).toEqual([]);
  });

  test("helps with troubles by commands that name what is there", () => {
    const section = readme.slice(readme.indexOf("## When something is wrong"));
    const there = filesReadBy("flux/apps/chatbox/production")
      .filter((file) => file.endsWith(".yaml"))
      .flatMap(manifestsOf)
      .flatMap(({ kind, metadata }) =>
        kind === "StatefulSet" ? `${metadata?.name}-0` : (metadata?.name ?? []),
      );
    const named = [
      ...readme.matchAll(
        /kubectl -n chatbox (?:exec (?:-it? )?|logs |delete pod |delete pvc |describe hpa )([a-z0-9-]+)/g,
      ),
    ].map(([, name]) => name);

    expect(section.split("\n").filter((line) => line.startsWith("| ")).length).toBeGreaterThan(10);
    expect(new Set(named)).toEqual(new Set(["mongodb-0", "mongodb-data", "chatbox"]));
    expect(there).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  test("states the grace period, preStop and the timeout of the manifests", () => {
    const text = textOf("flux/apps/chatbox/base/server/deployment.yaml");
    const config = textOf("flux/apps/chatbox/base/config/kustomization.yaml");

    expect(text).toContain("terminationGracePeriodSeconds: 30");
    expect(text).toMatch(/sleep:\n +seconds: 5/);
    expect(config).toContain("SHUTDOWN_TIMEOUT=20s");
    expect(readme).toContain("`terminationGracePeriodSeconds` (30 s)");
    expect(readme).toContain("`preStop` waits 5 s");
    expect(readme).toContain("`SHUTDOWN_TIMEOUT` (20 s)");
  });
});

const VERBS = [
  "build",
  "push",
  "build-push",
  "deploy",
  "status",
  "logs",
  "health",
  "scale",
  "restart",
  "rollback",
  "delete",
] as const;

const hasMake = spawnSync("make", ["--version"]).status === 0;

describeRequiring(hasMake ? [] : ["make"], "chatbox's Makefile", () => {
  let folder: string;
  let log: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "chatbox-make-"));
    log = path.join(folder, "calls");
    for (const part of ["apps/chatbox", "clusters"]) {
      cpSync(path.join(REPOSITORY, "flux", part), path.join(folder, "flux", part), { recursive: true });
    }
    mkdirSync(path.join(folder, "bin"));
    mkdirSync(path.join(folder, "source"));
    writeFileSync(path.join(folder, "source/Dockerfile"), "FROM scratch\n");
    for (const name of ["docker", "flux", "curl", "git"]) standIn(name, "");
    cluster({});
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A program that writes down how it was called. */
  function standIn(name: string, script: string): void {
    const file = path.join(folder, "bin", name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> "${log}"\n${script}\n`);
    chmodSync(file, 0o755);
  }

  function cluster({ environment = "staging", suspended = "", most = 10, pods = "pod/a pod/b" }): void {
    standIn(
      "kubectl",
      `case "$*" in
        *infraConfig_cluster_environment*) printf '%s' "${environment}" ;;
        *spec.suspend*) printf '%s' "${suspended}" ;;
        *spec.maxReplicas*) printf '%s' "${most}" ;;
        *"get pods"*) printf '%s\\n' ${pods} ;;
      esac`,
    );
  }

  function make(...words: string[]): {
    status: number | null;
    error: string;
    output: string;
    calls: string[];
  } {
    rmSync(log, { force: true });
    const { status, stderr, stdout } = spawnSync("make", ["--no-print-directory", ...words], {
      cwd: path.join(folder, "flux/apps/chatbox"),
      encoding: "utf8",
      env: { PATH: `${path.join(folder, "bin")}:${process.env.PATH}`, SOURCE: path.join(folder, "source") },
    });
    const calls = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return { status, error: stderr, output: stdout, calls };
  }

  const entry = (): string => path.join(folder, "flux/clusters/staging/chatbox.yaml");
  const changing = (calls: readonly string[]): string[] =>
    calls.filter((call) => !/^(git status|kubectl .*\bget\b)/.test(call));

  test.each(VERBS)("has the verb %s, which makes sense to make (make -n) and has a line of help", (verb) => {
    expect(make("-n", verb, "REPLICAS=5")).toMatchObject({ status: 0, error: "", calls: [] });
    expect(make().output).toMatch(new RegExp(`^  ${verb} +[A-Z]`, "m"));
  });

  test("builds and pushes REGISTRY/chatbox:IMAGE_TAG, in this order", () => {
    const { status, calls } = make("build-push", "REGISTRY=registry.test/team", "IMAGE_TAG=v2.0.0");

    expect(status).toBe(0);
    expect(calls).toEqual([
      `docker build --tag registry.test/team/chatbox:v2.0.0 ${path.join(folder, "source")}`,
      "docker push registry.test/team/chatbox:v2.0.0",
    ]);
  });

  test("has the deployed image for its default", () => {
    expect(make("push").calls).toEqual(["docker push registry.example.com/chatbox:v1.0.0"]);
  });

  test.each(["build", "push", "deploy"])("refuses IMAGE_TAG=latest in %s", (verb) => {
    expect(make(verb, "IMAGE_TAG=latest")).toMatchObject({
      status: 2,
      error: expect.stringContaining("IMAGE_TAG=latest is no version"),
      calls: [],
    });
  });

  test("says where a Dockerfile is missing", () => {
    expect(make("build", "SOURCE=/nowhere")).toMatchObject({
      status: 2,
      error: expect.stringContaining("build: /nowhere has no Dockerfile"),
    });
  });

  test("deploys by Flux, never by kubectl apply", () => {
    const { status, calls } = make("deploy");

    expect(status).toBe(0);
    expect(changing(calls)).toEqual([
      "flux reconcile kustomization chatbox --with-source",
      "kubectl --namespace chatbox rollout status deployment/chatbox --timeout 5m",
    ]);
  });

  test("refuses to deploy an image that Git doesn't name, and says where to write it", () => {
    const { status, error, calls } = make("deploy", "IMAGE_TAG=v9.9.9");

    expect(status).toBe(2);
    expect(error).toMatch(
      /deployment\.yaml has the image .*chatbox:v1\.0\.0: write .*chatbox:v9\.9\.9 there/,
    );
    expect(changing(calls)).toEqual([]);
  });

  test("tells of changes that Flux doesn't see", () => {
    standIn("git", 'echo " M base/server/deployment.yaml"');

    expect(make("deploy").error).toContain("changes that are not committed");
  });

  test.each(["deploy", "restart", "rollback", "scale", "delete"])(
    "refuses %s in another environment's cluster",
    (verb) => {
      cluster({ environment: "production" });
      const { status, error, calls } = make(verb, "REPLICAS=5");

      expect(status).toBe(2);
      expect(error).toContain('the cluster of "production", and ENVIRONMENT is staging');
      expect(changing(calls)).toEqual([]);
      rmSync(path.join(folder, "flux/clusters/production/chatbox.yaml"));
      expect(make(verb, "REPLICAS=5", "ENVIRONMENT=production").status).toBe(0);
    },
  );

  test("scales by the autoscaler's minimum, says for how long, and never above its maximum", () => {
    const { status, output, calls } = make("scale", "REPLICAS=5");

    expect(status).toBe(0);
    expect(changing(calls)).toEqual([
      'kubectl --namespace chatbox patch horizontalpodautoscaler chatbox --type merge --patch {"spec":{"minReplicas":5}}',
    ]);
    expect(output).toContain("within the hour");
    expect(make("scale", "REPLICAS=11")).toMatchObject({
      status: 2,
      error: expect.stringContaining("the autoscaler's maximum is 10"),
    });
    for (const replicas of ["", "0", "x", "-1"]) {
      expect(make("scale", `REPLICAS=${replicas}`)).toMatchObject({
        status: 2,
        error: expect.stringContaining("REPLICAS=5"),
        calls: [],
      });
    }
  });

  test("restarts in a way that Flux leaves alone", () => {
    expect(changing(make("restart").calls)).toEqual([
      "kubectl --namespace chatbox rollout restart deployment/chatbox --field-manager flux-client-side-apply",
      "kubectl --namespace chatbox rollout status deployment/chatbox --timeout 10m",
    ]);
  });

  test("rolls back with Flux suspended, and deploy ends that", () => {
    expect(changing(make("rollback").calls)).toEqual([
      "flux suspend kustomization chatbox",
      "kubectl --namespace chatbox rollout undo deployment/chatbox",
      "kubectl --namespace chatbox rollout status deployment/chatbox --timeout 10m",
    ]);
    cluster({ suspended: "true" });
    expect(changing(make("deploy").calls).slice(0, 2)).toEqual([
      "flux reconcile source git flux-system",
      "flux resume kustomization chatbox",
    ]);
  });

  test("deletes only what Git no longer has", () => {
    const refused = make("delete");
    expect(refused).toMatchObject({ status: 2, error: expect.stringContaining("git rm it") });
    expect(changing(refused.calls)).toEqual([]);

    rmSync(entry());
    expect(changing(make("delete").calls)).toEqual([
      "flux reconcile kustomization flux-system --with-source",
      "kubectl --namespace flux-system wait kustomizations.kustomize.toolkit.fluxcd.io/chatbox --for delete --timeout 15m",
    ]);
  });

  test("asks every pod for both health paths, and fails when one does", () => {
    const asked = (calls: string[]) =>
      calls.filter((call) => call.startsWith("curl")).map((call) => call.split("/chat/")[1]);
    const well = make("health");
    expect(well.status).toBe(0);
    expect(asked(well.calls)).toEqual(["healthz", "readyz", "healthz", "readyz"]);

    standIn("curl", 'case "$*" in *readyz) exit 22 ;; esac');
    const ill = make("health");
    expect(ill.status).toBe(2);
    expect(asked(ill.calls)).toHaveLength(4);

    cluster({ pods: "" });
    expect(make("health")).toMatchObject({ status: 2, error: expect.stringContaining("no pod is running") });
  });

  test("shows Flux's view, the objects and the logs, of the cluster of CONTEXT", () => {
    expect(make("status", "CONTEXT=one").calls).toEqual([
      "flux --context one get kustomization chatbox",
      expect.stringMatching(/^kubectl --context one --namespace chatbox get deployments,/),
    ]);
    expect(make("logs").calls).toEqual([
      expect.stringMatching(/^kubectl --namespace chatbox logs --selector app=chatbox .*--follow/),
    ]);
  });
});
