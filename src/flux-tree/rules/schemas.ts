import { nameOf } from "../objects";
import { MissingSchemas, checkSchemas as realCheck } from "../schemas";
import { MissingTool } from "../tools";
import { OutcomeBuilder, type Rule, WHOLE_TREE } from "./rule";

/** Every object is one that the API servers of the cluster take. */
export function schemasRule(checkSchemas: typeof realCheck = realCheck): Rule {
  return {
    id: "schemas",
    title: "every object validates against its schema, those of custom resources included",
    async check({ objects }) {
      const outcome = new OutcomeBuilder("schemas");
      try {
        const { problems } = await checkSchemas(objects.map(({ object }) => object));
        for (const { system } of objects) outcome.checks[system] = (outcome.checks[system] ?? 0) + 1;
        for (const { object, path, message } of problems) {
          const placed = objects.find((candidate) => nameOf(candidate.object) === object);
          outcome.findings.push({
            rule: "schemas",
            system: placed?.system ?? WHOLE_TREE,
            place: placed?.place ?? object,
            problem: path ? `${path}: ${message}` : message,
            fix: "write it as the schema of its kind wants (kubectl explain tells the fields)",
          });
        }
      } catch (error) {
        if (!(error instanceof MissingSchemas || error instanceof MissingTool)) throw error;
        outcome.leftOut = error.message;
      }
      return outcome;
    },
  };
}
