import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const LINEAGE = "1f2e3d4c-0000-4000-8000-000000000001";
export const OTHER_LINEAGE = "99999999-0000-4000-8000-000000000002";

/** A state file as Terraform writes it. */
export function stateText({
  serial = 3,
  lineage = LINEAGE,
  resources = ["digitalocean_vpc.vpc", "digitalocean_project.project"],
}: {
  serial?: number;
  lineage?: string;
  resources?: readonly string[];
} = {}): string {
  const document = {
    version: 4,
    terraform_version: "1.11.4",
    serial,
    lineage,
    outputs: { cluster_id: { value: "secret-of-a-cluster", type: "string" } },
    resources: resources.map((address) => {
      const [type, name] = address.split(".");
      return { mode: "managed", type, name, provider: "p", instances: [{ attributes: { id: address } }] };
    }),
    check_results: null,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

export const stateBuffer = (options: Parameters<typeof stateText>[0] = {}): Buffer =>
  Buffer.from(stateText(options));

/** Temporary folders that go with the test. */
export function temporaryFolders(): () => string {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-state-test-"));
    folders.push(folder);
    return folder;
  };
}
