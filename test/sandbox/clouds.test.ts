import { fork } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { CloudFile, type JsonObject } from "../../sandbox/clouds/cloud-file";
import { locateJsonError } from "../../sandbox/clouds/json-error";
import { errorsOf, Playground } from "./terraform";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clouds-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a cloud's file", () => {
  test("is written whole, for its owner only, with sorted keys", () => {
    const file = new CloudFile<JsonObject>(join(folder, "deep", "cloud.json"), {});
    file.update((content) => {
      content.b = { z: 1, a: [2, 1] };
      content.a = null;
    });
    expect(readFileSync(file.path, "utf8")).toBe(
      '{\n  "a": null,\n  "b": {\n    "a": [\n      2,\n      1\n    ],\n    "z": 1\n  }\n}\n',
    );
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "deep"))).toStrictEqual(["cloud.json"]);
  });

  test("is read again after an edit by hand", () => {
    const file = new CloudFile<JsonObject>(join(folder, "cloud.json"), {});
    expect(file.read()).toStrictEqual({});
    writeFileSync(file.path, '{ "a": 1 }');
    expect(file.read()).toStrictEqual({ a: 1 });
    writeFileSync(file.path, '{ "a": 22 }');
    expect(file.read()).toStrictEqual({ a: 22 });
  });

  test("keeps its content when a change throws, and gives its lock back", () => {
    const file = new CloudFile<JsonObject>(join(folder, "cloud.json"), {});
    file.update((content) => {
      content.a = 1;
    });
    expect(() =>
      file.update((content) => {
        content.a = 2;
        throw new Error("stopped");
      }),
    ).toThrow("stopped");
    expect(file.read()).toStrictEqual({ a: 1 });
    expect(readdirSync(folder)).toStrictEqual(["cloud.json"]);
  });

  test("is not blocked by the lock of a process that died", () => {
    const file = new CloudFile<JsonObject>(join(folder, "cloud.json"), {});
    writeFileSync(`${file.path}.lock`, "1\n");
    utimesSync(`${file.path}.lock`, new Date(0), new Date(0));
    file.update((content) => {
      content.a = 1;
    });
    expect(file.read()).toStrictEqual({ a: 1 });
  });

  test("loses no change of several processes at once", async () => {
    const program = join(folder, "count.js");
    buildSync({
      stdin: {
        contents: `
          import { CloudFile } from "./sandbox/clouds/cloud-file";
          const file = new CloudFile(process.argv[2], {});
          for (let i = 0; i < 50; i++) file.update((content) => { content.count = (content.count ?? 0) + 1; });
        `,
        resolveDir: join(__dirname, "..", ".."),
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      outfile: program,
    });
    const path = join(folder, "cloud.json");
    const codes = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise<number | null>((resolve) =>
            fork(program, [path], { execArgv: [] }).on("exit", resolve),
          ),
      ),
    );
    expect(codes).toStrictEqual([0, 0, 0]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toStrictEqual({ count: 150 });
  });

  test.each([
    ['{\n  "a": 1,\n  "b": x\n}', 3, "a value is missing"],
    ['{\n  "a": 1\n  "b": 2\n}', 3, '"," or "}" is missing'],
    ['{\n  "a": 1,\n}', 3, "a string in double quotes is missing or isn't ended"],
    ['{\n  "a" 1\n}', 2, '":" is missing'],
    ['{\n  "a": "x\n"}', 2, "a string in double quotes is missing or isn't ended"],
    ["{}\n}", 2, "nothing may follow the end of the value"],
    ["", 1, "a value is missing"],
    ["[1, 2", 1, '"," or "]" is missing'],
  ])("%j is wrong in line %i: %s", (source, line, reason) => {
    expect(() => JSON.parse(source)).toThrow();
    expect(locateJsonError(source)).toStrictEqual({ line, reason });
  });
});

describe("terraform on clouds that were edited", () => {
  let playground: Playground;
  beforeEach(async () => {
    playground = await Playground.start();
  });
  afterEach(() => playground.stop());

  const VPC = 'resource "digitalocean_vpc" "it" {\n  name   = "staging"\n  region = "nyc3"\n}\n';

  test("names file, line and fix when one is broken, and leaves it as it is", async () => {
    const workspace = await playground.workspace("broken", VPC);
    writeFileSync(playground.cloud("digitalocean.json"), '{\n  "digitalocean_vpc": {\n}');
    expect(errorsOf(await workspace.apply())).toStrictEqual([
      `The sandbox's file ${playground.cloud("digitalocean.json")} is not valid JSON: line 3: "," or "}" is missing: Correct that line, or delete the file to start with an empty one. Nothing was written.`,
    ]);
    expect(readFileSync(playground.cloud("digitalocean.json"), "utf8")).toBe('{\n  "digitalocean_vpc": {\n}');
  });

  test("names the place of a value of the wrong type, and of a section that is none", async () => {
    const workspace = await playground.workspace("types", VPC);
    await workspace.mustApply();
    const [id] = Object.keys(playground.read("digitalocean.json").digitalocean_vpc);
    playground.edit("digitalocean.json", (content) => {
      content.digitalocean_vpc[id as string].name = 7;
    });
    expect(errorsOf(await workspace.plan())).toStrictEqual([
      `A value in the sandbox's cloud has the wrong type: digitalocean_vpc ${id}.name: expected a string, found number 7. Correct it in the cloud's file, or delete the entry there.`,
    ]);
    playground.edit("digitalocean.json", (content) => {
      content.digitalocean_vpc = [];
    });
    expect(errorsOf(await workspace.plan())).toStrictEqual([
      expect.stringContaining('"digitalocean_vpc" must be an object'),
    ]);
  });

  test("loses nothing when two runs work side by side", async () => {
    const projects = (prefix: string) =>
      `resource "digitalocean_project" "it" {\ncount = 20\nname = "${prefix}-\${count.index}"\n}\n` +
      `resource "github_actions_variable" "it" {\ncount = 20\nrepository = "app"\nvariable_name = "${prefix}_\${count.index}"\nvalue = "x"\n}\n`;
    const runs = await Promise.all(
      ["a", "b"].map(async (name) =>
        (await playground.workspace(name, projects(name))).apply("-parallelism=20"),
      ),
    );
    expect(runs.flatMap(errorsOf)).toStrictEqual([]);
    // The account has a default project.
    expect(Object.keys(playground.read("digitalocean.json").digitalocean_project)).toHaveLength(41);
    expect(
      Object.keys(playground.read("github.json").repositories["acme/app"].github_actions_variable),
    ).toHaveLength(40);
  });
});
