import { z } from "zod";
import { configurationSchema } from "./schema";

/** The JSON Schema of infrastructure.config.json, for editors (draft 7, which all of them read). */
export function configurationJsonSchema(): object {
  return z.toJSONSchema(configurationSchema, { target: "draft-7", io: "input" });
}
