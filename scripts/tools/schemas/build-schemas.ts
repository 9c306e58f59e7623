import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { SCHEMA_INDEX, type SchemaIndex, schemaFile, schemasDirectory } from "../../../src/flux-tree/schemas";
import { VERSIONS } from "../../../src/flux-tree/tools";
import { downloadModule, type Module, moduleAtVersion } from "../go";
import { place } from "../place";
import { step } from "../progress";
import { type CustomResourceDefinition, customResourceSchemas } from "./custom-resources";
import { apiVersionOf, type JsonSchema, type ObjectType } from "./json-schema";
import { KubernetesSchemas } from "./kubernetes";

/**
 * Builds the JSON schemas that kubeconform checks the tree with, out of the modules in versions.json.
 * @throws MissingGo, or Error that names the module that can't be read
 */
export async function buildSchemas(): Promise<void> {
  const { kubernetes, customResources } = VERSIONS.schemas;
  await place(schemasDirectory(), async (folder) => {
    const index: Record<string, string> = {};
    const write = async (type: ObjectType, schema: JsonSchema, module: Module): Promise<void> => {
      const name = { apiVersion: apiVersionOf(type), kind: type.kind };
      const file = path.join(folder, schemaFile(name));
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(schema));
      index[`${name.apiVersion}/${name.kind}`] = moduleAtVersion(module);
    };
    const objects = await step(`schemas of Kubernetes ${kubernetes.version}`, async () => {
      const found = KubernetesSchemas.read(await downloadModule(kubernetes));
      for (const { type, schema } of found.objects()) await write(type, schema, kubernetes);
      return found;
    });
    const metadata = objects.metadata();
    for (const module of customResources) {
      await step(`schemas of ${moduleAtVersion(module)}`, async () => {
        const definitions = await definitionsIn(path.join(await downloadModule(module), module.folder));
        if (definitions.length === 0)
          throw new Error(
            `${moduleAtVersion(module)} has no CustomResourceDefinition in ${module.folder}: correct "folder" in scripts/tools/versions.json`,
          );
        for (const definition of definitions)
          for (const { type, schema } of customResourceSchemas(definition, metadata))
            await write(type, schema, module);
      });
    }
    await writeFile(path.join(folder, SCHEMA_INDEX), JSON.stringify(index satisfies SchemaIndex, null, 2));
  });
}

async function definitionsIn(folder: string): Promise<CustomResourceDefinition[]> {
  const files = (await readdir(folder)).filter((file) => /\.ya?ml$/.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), "utf8")));
  return texts
    .flatMap((text) => text.split(/^---$/m))
    .filter((text) => /^kind: CustomResourceDefinition$/m.test(text))
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS({ maxAliasCount: -1 })));
}
