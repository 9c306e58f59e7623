import { availability } from "./availability";
import { capacity } from "./capacity";
import { dependencies } from "./dependencies";
import { files } from "./files";
import { images } from "./images";
import { ingresses } from "./ingresses";
import { network } from "./network";
import { objectsRule } from "./objects";
import { placeholders } from "./placeholders";
import { probes } from "./probes";
import { referencesRule } from "./references";
import { resources } from "./resources";
import type { Rule } from "./rule";
import { schemasRule } from "./schemas";
import { secrets } from "./secrets";
import { security } from "./security";
import { variables } from "./variables";
import { volumes } from "./volumes";

/** Every rule that the tree obeys, in the order in which they are told. */
export const RULES: readonly Rule[] = [
  files,
  variables,
  schemasRule(),
  objectsRule,
  resources,
  images,
  security,
  probes,
  availability,
  network,
  volumes,
  referencesRule,
  secrets,
  placeholders,
  ingresses,
  dependencies,
  capacity,
];

export type { RuleContext } from "./context";
export type { Exception, Finding, Note, Outcome, Rule } from "./rule";
export { OutcomeBuilder, WHOLE_TREE } from "./rule";
