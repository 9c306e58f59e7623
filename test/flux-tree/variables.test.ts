import { refusedForms, substitute, VARIABLE_NAME, variablesIn, withoutComments } from "../../src/flux-tree";
import { ENVIRONMENTS, producedVariables } from "./produced-names";
import { filesReadBy, fluxKustomizations, manifestsOf, textOf, yamlFiles } from "./tree";

const files = yamlFiles();

describe("variables of flux/", () => {
  it.each(ENVIRONMENTS)("are all produced by the dynamic configuration of %s", (environment) => {
    const produced = producedVariables(environment);
    const used = fluxKustomizations(environment)
      .flatMap(({ path }) => filesReadBy(path))
      .flatMap((file) => variablesIn(withoutComments(textOf(file))).map((name) => ({ file, name })));

    expect(used.length).toBeGreaterThan(8);
    expect(used.filter(({ name }) => !(name in produced))).toEqual([]);
  });

  it.each(ENVIRONMENTS)("have values in %s that one line of YAML can take", (environment) => {
    const values = Object.entries(producedVariables(environment));

    expect(values.filter(([, value]) => typeof value !== "string" || value.includes("\n"))).toEqual([]);
    expect(values.filter(([name]) => !VARIABLE_NAME.test(name))).toEqual([]);
  });

  it("have names that Flux accepts, not the dotted form", () => {
    expect(files.flatMap((file) => refusedForms(textOf(file)).map((form) => `${file}: ${form}`))).toEqual([]);
  });

  it("stand in no file of clusters/, which the root Kustomization applies without substitution", () => {
    const used = files
      .filter((file) => file.startsWith("flux/clusters/"))
      .filter((file) => variablesIn(withoutComments(textOf(file))).length > 0);

    expect(used).toEqual([]);
  });

  it("reach no HelmRelease by valuesFrom with targetPath, which takes one flat value and expands nothing", () => {
    const offenders = files.filter((file) =>
      manifestsOf(file)
        .filter(({ kind }) => kind === "HelmRelease")
        .flatMap(({ spec }) => spec.valuesFrom ?? [])
        .some((source: { targetPath?: string }) => source.targetPath !== undefined),
    );

    expect(offenders).toEqual([]);
  });
});

describe("substitution as Flux does it", () => {
  it("finds variables, without their defaults and without escaped ones", () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Flux variables, not TypeScript's
    expect(variablesIn("${a} ${b:=1} $${shell} ${c.d} ${a}")).toEqual(["a", "b", "c.d"]);
    expect(refusedForms("${infraConfig.storage.bulk.size}")).toEqual([
      "${infraConfig.storage.bulk.size}: write ${infraConfig_storage_bulk_size}",
    ]);
    expect(substitute("n: ${quote}${n}${quote} $${HOME}", { n: "1", quote: '"' })).toBe('n: "1" ${HOME}');
    expect(() => substitute("${a.b}", {})).toThrow("${a.b}: not a name that Flux accepts");
    expect(() => substitute("${a}", {})).toThrow("${a}: variable not set");
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Flux variables, not TypeScript's
  });

  it("ignores comments, which kustomize does not print", () => {
    expect(withoutComments("# one\na: b # two\nurl: https://host/#anchor\n")).toBe(
      "\na: b \nurl: https://host/#anchor\n",
    );
  });
});
