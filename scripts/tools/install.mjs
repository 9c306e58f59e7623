// `npm run tools`: see install.ts.
import { runTypeScript } from "./run-typescript.mjs";

await runTypeScript("scripts/tools/install.ts");
