import { replacementsFor } from "../../flux";
import { OutcomeBuilder, type Rule, WHOLE_TREE } from "./rule";
import { systemOf } from "./system-of";

/** Anything that looks like a placeholder: a name under the reserved example domains, or `my-…`. */
const LOOKS_LIKE_ONE =
  /[\w.@-]*\bexample\.(?:com|org|net)\b[\w.-]*|(?<![\w.-])my-[\w-]+(?:\/my-[\w-]+)?(?:\.[\w-]+)*/gi;

/** A name of the tree that stands for one of the project is one that the static configuration replaces. */
export const placeholders: Rule = {
  id: "placeholders",
  title: "placeholders are those that the deployment replaces",
  check({ files, project, kustomizations }) {
    const outcome = new OutcomeBuilder("placeholders");
    const replacements = replacementsFor(project);
    const known = new Map(replacements.map(({ placeholder, value }) => [placeholder, value]));
    const values = replacements.map(({ value }) => value).filter((value) => !known.has(value));
    const left = new Set<string>();
    for (const file of files) {
      for (const { 0: found, index } of file.text.matchAll(LOOKS_LIKE_ONE)) {
        const name = found.replace(/[.-]+$/, "");
        outcome.check(
          { system: systemOf(file.file, kustomizations), place: file.placeOf(index) },
          known.has(name) || values.some((value) => isPartOf(name, value)),
          `${name} looks like a placeholder, and nothing replaces it`,
          "write the real name, or one of the placeholders of docs/static-configuration.md",
        );
        if (known.has(name) && known.get(name) !== name) left.add(name);
      }
    }
    if (left.size > 0) {
      const names = [...left].sort().slice(0, 3).join(", ");
      outcome.note(
        WHOLE_TREE,
        `${left.size} ${left.size === 1 ? "placeholder is" : "placeholders are"} still there (${names}${left.size > 3 ? ", …" : ""}): npm run deploy replaces them`,
      );
    }
    return outcome;
  },
};

/** Whether a name is one of the project's own, such as a host of its domain: projects may be called `my-…` as well. */
function isPartOf(name: string, value: string): boolean {
  return (
    name === value ||
    value.split("/").includes(name) ||
    name.endsWith(`.${value}`) ||
    name.endsWith(`@${value}`)
  );
}
