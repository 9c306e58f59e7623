import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Project } from "../../../src/config";
import {
  type Finding,
  FluxTree,
  RULES,
  TreeValidator,
  type ValidationOptions,
  type ValidationReport,
} from "../../../src/flux-tree";
import { exampleProject } from "../../support/example";

/** The folder of the only application, and its Flux Kustomization. */
export const SHOP = "flux/apps/shop/staging";
export const CLUSTER = "flux/clusters/staging/shop.yaml";

/** A project with one environment, for the small tree. */
export function smallProject(change: (document: Record<string, any>) => void = () => undefined): Project {
  return exampleProject((document) => {
    document.environments = document.environments.filter(({ name }: { name: string }) => name === "staging");
    change(document);
  });
}

/** What needs tools that not everyone has is tested by itself. */
const WITHOUT_SCHEMAS = RULES.filter(({ id }) => id !== "schemas");

/** A copy of a tree that obeys every rule, for a test to make one mistake in. */
export class SmallTree {
  readonly directory = mkdtempSync(path.join(tmpdir(), "small-tree-"));

  constructor() {
    cpSync(path.join(__dirname, "small-tree"), this.directory, { recursive: true });
  }

  read(file: string): string {
    return readFileSync(path.join(this.directory, file), "utf8");
  }

  write(file: string, text: string): void {
    const target = path.join(this.directory, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** Replaces a text that has to be there. */
  replace(file: string, from: string, to: string): void {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
    this.write(
      file,
      text.replace(from, () => to),
    );
  }

  /** Adds an object to a file of the shop. */
  append(file: string, text: string): void {
    this.write(file, `${this.read(file)}---\n${text}`);
  }

  validate(options: Partial<ValidationOptions> = {}): Promise<ValidationReport> {
    const validator = new TreeValidator(new FluxTree(this.directory));
    return validator.validate({ project: smallProject(), rules: WITHOUT_SCHEMAS, ...options });
  }

  /** What is found, as people read it, with the rule in front. */
  async findings(options: Partial<ValidationOptions> = {}): Promise<string[]> {
    return (await this.validate(options)).findings.map(asLine);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function asLine({ rule, place, problem, fix }: Finding): string {
  return `${rule} | ${place}: ${problem}; ${fix}`;
}

/** A test that makes one change to the small tree and says everything that is found then. */
export function mistake(
  title: string,
  change: (tree: SmallTree) => void,
  expected: readonly string[],
  options: Partial<ValidationOptions> = {},
): void {
  test(title, async () => {
    const tree = new SmallTree();
    try {
      change(tree);
      expect(await tree.findings(options)).toEqual(expected);
    } finally {
      tree.remove();
    }
  });
}
