export { concealValues, concealVariables, redact, redactStream } from "./redaction";
