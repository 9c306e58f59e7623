import {
  referencesIn,
  refusedForms,
  substitute,
  VARIABLE_NAME,
  variablesIn,
  withoutComments,
} from "../../src/flux-tree";
import { substituteAnyway } from "../../src/flux-tree/substitution";
import { ENVIRONMENTS, producedVariables } from "./produced-names";
import { textOf, yamlFiles } from "./tree";

const files = yamlFiles();

describe("variables of flux/", () => {
  it.each(ENVIRONMENTS)("have values in %s that one line of YAML can take", (environment) => {
    const values = Object.entries(producedVariables(environment));

    expect(values.filter(([, value]) => typeof value !== "string" || value.includes("\n"))).toEqual([]);
    expect(values.filter(([name]) => !VARIABLE_NAME.test(name))).toEqual([]);
  });

  it("stand in no file of clusters/, which the root Kustomization applies without substitution", () => {
    const used = files
      .filter((file) => file.startsWith("flux/clusters/"))
      .filter((file) => variablesIn(withoutComments(textOf(file))).length > 0);

    expect(used).toEqual([]);
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

  it("tells defaults and places", () => {
    expect(referencesIn("a ${b:=1} ${c=2} ${d-3}")).toEqual([
      { name: "b", valid: true, hasDefault: true, offset: 2, text: "${b:=1}" },
      { name: "c", valid: true, hasDefault: true, offset: 10, text: "${c=2}" },
      { name: "d-3", valid: false, hasDefault: false, offset: 17, text: "${d-3}" },
    ]);
  });

  it("goes on after mistakes with what was probably meant", () => {
    const variables = { infraConfig_storage_fast_size: "10Gi", n: "1" };

    expect(
      substituteAnyway("${infraConfig.storage.fast.size} ${infraConfig_storage_fast_sizes}", variables),
    ).toBe("10Gi 10Gi");
    expect(substituteAnyway("${n} ${m:=2} ${elsewhere} $${n}", variables)).toBe("1 2 unset ${n}");
  });

  it("ignores comments, which kustomize does not print", () => {
    expect(withoutComments("# one\na: b # two\nurl: https://host/#anchor\n")).toBe(
      "\na: b \nurl: https://host/#anchor\n",
    );
  });
});
