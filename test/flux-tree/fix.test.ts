import {
  chmodSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { FluxTree, fixTree } from "../../src/flux-tree";
import { describeWithKubectl } from "./kubectl";
import { SHOP, SmallTree } from "./rules/small-tree";

const RELEASE = `${SHOP}/release.yaml`;

/** A release as the original workflow document writes it. */
const ORIGINAL = `# The chat of the team
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: metrics-server
  namespace: chat
spec:
  valuesFrom: # sizes
    - kind: ConfigMap
      name: infrastructure-config
      valuesKey: values.yaml
      targetPath: infraConfig
  chart:
    spec:
      chart: metrics-server
  values:
    # Dynamic values: \${infraConfig.resourceProfiles.medium}
    resources:   "\${infraConfig.resourceProfiles.medium}"  # of the profile
    persistence:
      data: { size: "\${infraConfig.storage.bulk.size}", class: '\${infraConfig.storage.bulk.storageClass}' }
    url: https://\${infraConfig.cluster.domain}/\${other.name}
    nodes: '\${quote}\${infraConfig.cluster.nodeCount}\${quote}'
    script: |
      echo \${infraConfig.cluster.region}
      echo $\${infraConfig.cluster.region}
`;

const FIXED = `# The chat of the team
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: metrics-server
  namespace: chat
spec:
  chart:
    spec:
      chart: metrics-server
  values:
    # Dynamic values: \${infraConfig.resourceProfiles.medium}
    resources:   \${infraConfig_resourceProfiles_medium}  # of the profile
    persistence:
      data: { size: "\${infraConfig_storage_bulk_size}", class: '\${infraConfig_storage_bulk_storageClass}' }
    url: https://\${infraConfig_cluster_domain}/\${other.name}
    nodes: '\${quote}\${infraConfig_cluster_nodeCount}\${quote}'
    script: |
      echo \${infraConfig_cluster_region}
      echo $\${infraConfig.cluster.region}
`;

let tree: SmallTree;
beforeEach(() => {
  tree = new SmallTree();
});
afterEach(() => tree.remove());

const fix = () => fixTree(new FluxTree(tree.directory));

describe("--fix", () => {
  test("rewrites the form of the original document and nothing else", () => {
    tree.write(RELEASE, ORIGINAL);

    expect(fix().changes).toEqual([
      {
        place: `${RELEASE}:18`,
        text: '"${infraConfig.resourceProfiles.medium}" → ${infraConfig_resourceProfiles_medium}',
      },
      { place: `${RELEASE}:20`, text: "${infraConfig.storage.bulk.size} → ${infraConfig_storage_bulk_size}" },
      {
        place: `${RELEASE}:20`,
        text: "${infraConfig.storage.bulk.storageClass} → ${infraConfig_storage_bulk_storageClass}",
      },
      { place: `${RELEASE}:21`, text: "${infraConfig.cluster.domain} → ${infraConfig_cluster_domain}" },
      { place: `${RELEASE}:22`, text: "${infraConfig.cluster.nodeCount} → ${infraConfig_cluster_nodeCount}" },
      { place: `${RELEASE}:24`, text: "${infraConfig.cluster.region} → ${infraConfig_cluster_region}" },
      {
        place: `${RELEASE}:9`,
        text: "infrastructure-config removed from valuesFrom: Flux substitutes the variables in the values",
      },
    ]);
    expect(tree.read(RELEASE)).toBe(FIXED);
  });

  test("says what is left to do by hand", () => {
    tree.write(RELEASE, ORIGINAL);

    expect(fix().left).toEqual([
      {
        place: `${RELEASE}:9`,
        text: "the Flux Kustomization that applies this file needs spec.postBuild.substituteFrom with the ConfigMap infrastructure-vars",
      },
      {
        place: `${RELEASE}:9`,
        text: "set metadata.namespace to flux-system and spec.targetNamespace to chat, as the other releases have it",
      },
    ]);
  });

  test("has nothing to do the second time", () => {
    tree.write(RELEASE, ORIGINAL);
    fix();

    expect(fix()).toEqual({ changes: [], left: [] });
    expect(tree.read(RELEASE)).toBe(FIXED);
  });

  test("changes nothing in a tree that is right", () => {
    const before = tree.read(`${SHOP}/web.yaml`);

    expect(fix()).toEqual({ changes: [], left: [] });
    expect(tree.read(`${SHOP}/web.yaml`)).toBe(before);
  });

  test("leaves the document to charts of this repository, without targetPath", () => {
    const release = (entry: string): string => `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: own
  namespace: flux-system
spec:
  valuesFrom:
    - kind: Secret
      name: own
${entry}  chart:
    spec:
      chart: ./helm/own
      sourceRef:
        kind: GitRepository
        name: flux-system
`;
    const right = "    - kind: ConfigMap\n      name: infrastructure-config\n";
    tree.write(RELEASE, release(`${right}      targetPath: infraConfig\n`));

    expect(fix().changes).toEqual([
      {
        place: `${RELEASE}:10`,
        text: "targetPath removed: the chart gets the document at the root of its values",
      },
    ]);
    expect(tree.read(RELEASE)).toBe(release(right));

    tree.write(
      RELEASE,
      release("    - targetPath: infraConfig\n      kind: ConfigMap\n      name: infrastructure-config\n"),
    );
    fix();
    expect(tree.read(RELEASE)).toBe(release(right));
  });

  test("takes only the wrong entry of several out", () => {
    tree.write(
      RELEASE,
      ORIGINAL.replace(
        "    - kind: ConfigMap\n",
        "    - kind: Secret\n      name: own\n    - kind: ConfigMap\n",
      ),
    );
    fix();

    expect(tree.read(RELEASE)).toBe(
      FIXED.replace(
        "spec:\n  chart:",
        "spec:\n  valuesFrom: # sizes\n    - kind: Secret\n      name: own\n  chart:",
      ),
    );
  });

  test("keeps line ends of Windows, the file's mode, and leaves no other file behind", () => {
    tree.write(RELEASE, "kind: X\r\na: ${infraConfig.cluster.region} # b\r\nc: d\r\n");
    chmodSync(path.join(tree.directory, RELEASE), 0o640);
    const files = readdirSync(path.join(tree.directory, SHOP));
    fix();

    expect(tree.read(RELEASE)).toBe("kind: X\r\na: ${infraConfig_cluster_region} # b\r\nc: d\r\n");
    expect(statSync(path.join(tree.directory, RELEASE)).mode & 0o777).toBe(0o640);
    expect(readdirSync(path.join(tree.directory, SHOP))).toEqual(files);
  });

  test("keeps the default of a variable", () => {
    tree.write(RELEASE, 'kind: X\na: "${infraConfig.cluster.region:-nyc3}"\n');
    fix();

    expect(tree.read(RELEASE)).toBe("kind: X\na: ${infraConfig_cluster_region:-nyc3}\n");
  });

  test.each([
    [
      "is not UTF-8",
      "the file is not UTF-8",
      (file: string) =>
        writeFileSync(file, Buffer.from("a: ${infraConfig.cluster.region} # caf\xe9\n", "latin1")),
    ],
    ["is read-only", "the file is read-only", (file: string) => chmodSync(file, 0o444)],
    [
      "has two names",
      "the file has several names (hard links)",
      (file: string) => linkSync(file, `${file}.other`),
    ],
    [
      "is a link",
      "the file is a link; change what it leads to",
      (file: string) => {
        renameSync(file, `${file}.target`);
        symlinkSync(`${file}.target`, file);
      },
    ],
  ])("leaves a file alone that %s, and says so", (_, reason, change) => {
    tree.write(RELEASE, "kind: X\na: ${infraConfig.cluster.region} # b\n");
    const file = path.join(tree.directory, RELEASE);
    change(file);
    const [before, link] = [readFileSync(file), lstatSync(file).isSymbolicLink()];

    expect(fix()).toEqual({
      changes: [],
      left: [
        {
          place: expect.stringMatching(/release\.yaml:[12]$/),
          text: `\${infraConfig.cluster.region} → \${infraConfig_cluster_region} (not done: ${reason})`,
        },
      ],
    });
    expect(readFileSync(file)).toEqual(before);
    expect(lstatSync(file).isSymbolicLink()).toBe(link);
  });

  test("leaves a file alone that is no YAML", () => {
    tree.write(RELEASE, "a: [${infraConfig.cluster.region}\n");

    expect(fix().changes).toEqual([]);
    expect(tree.read(RELEASE)).toBe("a: [${infraConfig.cluster.region}\n");
  });
});

describeWithKubectl("a release of the original document", () => {
  test("obeys the rules about variables after --fix and what it says to do by hand", async () => {
    const text = tree.read(RELEASE);
    tree.write(
      RELEASE,
      text.replace(
        "  values:\n    resources: ${infraConfig_resourceProfiles_small}\n",
        '  valuesFrom:\n    - kind: ConfigMap\n      name: infrastructure-config\n      valuesKey: values.yaml\n      targetPath: infraConfig\n  values:\n    resources: "${infraConfig.resourceProfiles.small}"\n',
      ),
    );
    expect((await tree.validate()).findings.map(({ rule }) => rule)).toEqual(["variables", "variables"]);
    fix();

    expect(await tree.findings()).toEqual([]);
    expect(tree.read(RELEASE)).toBe(text);
  });
});
