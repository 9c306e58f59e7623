import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { FluxTree } from "../../src/flux-tree";
import { TreeFile } from "../../src/flux-tree/tree-file";
import {
  CLUSTERS,
  exists,
  filesReadBy,
  fluxKustomizations,
  isFolder,
  isKustomizeFile,
  isWrittenByBootstrap,
  manifestsOf,
  parseManifests,
  referencesOf,
  yamlFiles,
} from "./tree";

const files = yamlFiles();

const kustomizations = files.filter(isKustomizeFile);
const configurations = kustomizations.flatMap((file) =>
  ((manifestsOf(file)[0]?.configurations ?? []) as string[]).map((name) =>
    path.join(path.dirname(file), name),
  ),
);

/** Tells kustomize which fields are names; no object. */
const isKustomizeConfiguration = (file: string): boolean => configurations.includes(file);

/** Components that a user adds by a line of a kustomization, and overlays for a laptop. */
const isOptional = (file: string): boolean =>
  manifestsOf(file)[0]?.kind === "Component" || /^flux\/apps\/[^/]+\/dev\//.test(file);

describe("files of flux/", () => {
  it("are there", () => {
    expect(files.length).toBeGreaterThan(30);
  });

  it.each(files)("%s parses and holds what it should", (file) => {
    const manifests = manifestsOf(file);

    if (isWrittenByBootstrap(file) || isKustomizeConfiguration(file)) return;
    expect(manifests).not.toHaveLength(0);
    for (const manifest of manifests) {
      expect(manifest).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
      if (!isKustomizeFile(file)) expect(manifest.metadata?.name).toMatch(/^[a-z0-9-]+$/);
    }
  });

  it("have kebab-case names that end in .yaml, which the static configuration and Flux both read", () => {
    expect(files.filter((file) => !/^[a-z0-9/-]+\.yaml$/.test(file))).toEqual([]);
  });

  it("with a duplicate key or a syntax error are refused with their name", () => {
    expect(() => parseManifests("a: 1\na: 2\n", "twice.yaml")).toThrow(
      /^twice\.yaml: Map keys must be unique/,
    );
    expect(() => parseManifests("a: [1\n", "open.yaml")).toThrow(/^open\.yaml: /);
  });

  it.each([
    "*Sentinel9",
    "!Sentinel9 x",
    "|Sentinel9 x",
    '"\\Sentinel9"',
    "'x' Sentinel9",
    "{ Sentinel9: [ }",
  ])("tell a syntax error without the text, which may be a password: %s", (written) => {
    const text = `a: 1\nb: ${written}\n`;
    const directory = mkdtempSync(path.join(tmpdir(), "tree-"));
    writeFileSync(path.join(directory, "x.yaml"), text);
    const { problem, problemFix, problemPlace, manifests } = new TreeFile(new FluxTree(directory), "x.yaml");
    rmSync(directory, { recursive: true });
    expect([problemPlace, manifests]).toEqual([expect.stringMatching(/^x\.yaml:[23]$/), []]);
    expect(problem).toMatch(/^[A-Z]/);
    expect(`${problem} ${problemFix}`).not.toContain("Sentinel9");
    expect(() => parseManifests(text, "x.yaml")).toThrow(/^x\.yaml: (?!.*Sentinel9).* at line [23]$/);
  });

  it("that stand for more than the memory holds are refused", () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) => `a${n}: &a${n} [${n ? `*a${n - 1},`.repeat(9) : "x"}]`,
    );
    expect(() => parseManifests(levels.join("\n"), "bomb.yaml")).toThrow(
      /^bomb\.yaml: Aliases that stand for/,
    );
  });
});

describe("kustomizations of flux/", () => {
  it.each(kustomizations)("%s names only what exists, each once", (file) => {
    const references = referencesOf(file);

    expect(references.filter((reference) => !exists(reference))).toEqual([]);
    expect(references).toHaveLength(new Set(references).size);
    for (const folder of references.filter(isFolder)) {
      expect(exists(path.join(folder, "kustomization.yaml"))).toBe(true);
    }
  });

  it("leave no file out: everything is applied in some environment, or an option that can be", () => {
    const optional = kustomizations.filter(isOptional).flatMap((file) => filesReadBy(path.dirname(file)));
    const applied = CLUSTERS.flatMap((environment) => [
      ...filesReadBy(path.join("flux/clusters", environment, "flux-system")),
      ...fluxKustomizations(environment).flatMap((kustomization) => [
        kustomization.file,
        ...filesReadBy(kustomization.path),
      ]),
    ]);

    expect(files.filter((file) => !applied.includes(file) && !optional.includes(file))).toEqual([]);
  });
});
