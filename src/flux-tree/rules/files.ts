import { FLUX_FOLDER } from "../tree";
import { OutcomeBuilder, type Rule, WHOLE_TREE } from "./rule";
import { systemOf } from "./system-of";

/** What can't be read or built says nothing to the other rules, so it is told by this one. */
export const files: Rule = {
  id: "files",
  title: "every file is YAML, and every folder builds",
  check({ files: readable, brokenFiles, environment, kustomizations, failures, hasCluster, tree }) {
    const outcome = new OutcomeBuilder("files");
    for (const file of [...readable, ...brokenFiles]) {
      const place = { system: systemOf(file.file, kustomizations), place: file.problemPlace };
      outcome.check(
        place,
        file.problem === undefined,
        `is not YAML that Kubernetes takes: ${file.problem}`,
        file.problemFix,
      );
    }
    const { name: wanted } = environment;
    const folder = `${FLUX_FOLDER}/clusters/${wanted}`;
    outcome.check(
      { system: WHOLE_TREE, place: folder },
      !hasCluster || tree.exists(folder),
      `is missing, so nothing says what runs in ${wanted}`,
      `copy ${FLUX_FOLDER}/clusters/staging there, and the overlays that it names`,
    );
    for (const { name, file } of kustomizations) {
      const failure = failures.get(name);
      outcome.check(
        { system: name, place: file },
        failure === undefined,
        `can't be built for ${environment.name}: ${failure}`,
        "correct what the message names; its objects are not checked until then",
      );
    }
    return outcome;
  },
};
