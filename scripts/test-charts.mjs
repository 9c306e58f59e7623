// `npm run test:charts`: see tools/test-charts.ts.
import { runTypeScript } from "./tools/run-typescript.mjs";

await runTypeScript("scripts/tools/test-charts.ts");
