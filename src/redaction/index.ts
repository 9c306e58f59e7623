export {
  concealValues,
  concealVariables,
  redact,
  redactorOfPieces,
  redactStream,
} from "./redaction";
export type { Redactor } from "./redactor";
