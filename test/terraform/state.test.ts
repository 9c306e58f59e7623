import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readState, type StateDocument, stackDeployment } from "../../src/terraform";

const document = {
  terraform: {},
  resource: { digitalocean_vpc: { vpc: {} }, digitalocean_domain: { domain: {} } },
};
const resource = (address: string, instances: object[] = [{}], mode = "managed") => {
  const [type = "", name = ""] = address.split(".");
  return { mode, type, name, instances };
};
const deployment = (...resources: object[]) => stackDeployment(document, { resources } as StateDocument);

describe("how much of a stack is deployed", () => {
  test("all of it", () => {
    expect(
      deployment(
        resource("digitalocean_vpc.vpc"),
        resource("digitalocean_domain.domain"),
        resource("a.b", [{}], "data"),
      ),
    ).toMatchObject({ state: "deployed", resources: 2, missing: [], surplus: [], tainted: [] });
  });

  test("nothing, whether there is no state or an empty one", () => {
    const never = { state: "not deployed", resources: 0, missing: [] };
    expect(stackDeployment(document, {})).toMatchObject(never);
    expect(deployment(resource("digitalocean_vpc.vpc", []))).toMatchObject(never);
  });

  test("a part: what is missing, what is too much, what was left half made", () => {
    expect(deployment(resource("digitalocean_vpc.vpc"))).toMatchObject({
      state: "partly deployed",
      missing: ["digitalocean_domain.domain"],
    });
    const both = [resource("digitalocean_vpc.vpc"), resource("digitalocean_domain.domain")];
    expect(deployment(...both, resource("null_resource.old"))).toMatchObject({
      state: "partly deployed",
      surplus: ["null_resource.old"],
    });
    for (const instance of [{ status: "tainted" }, { deposed: "0a1b2c3d" }])
      expect(deployment(resource("digitalocean_vpc.vpc", [{}, instance]), both[1] as object)).toMatchObject({
        state: "partly deployed",
        resources: 3,
        tainted: ["digitalocean_vpc.vpc"],
      });
  });

  test("outputs are given as values", () => {
    expect(stackDeployment(document, { outputs: { id: { value: "x" } } }).outputs).toEqual({ id: "x" });
  });
});

describe("reading a state", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "state-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const local = () =>
    readState(
      {
        name: "it",
        directory: folder,
        document: { terraform: { backend: { local: { path: "it.tfstate" } } } },
      },
      {},
    );

  test("of a file: missing and empty are nothing", async () => {
    expect(await local()).toEqual({});
    writeFileSync(join(folder, "it.tfstate"), "");
    expect(await local()).toEqual({});
    writeFileSync(join(folder, "it.tfstate"), '{"outputs":{}}');
    expect(await local()).toEqual({ outputs: {} });
  });

  test("of a file that terraform is writing waits until it is whole", async () => {
    writeFileSync(join(folder, "it.tfstate"), '{"outputs":');
    const reading = local();
    writeFileSync(join(folder, "it.tfstate"), '{"outputs":{"a":{"value":1}}}');
    expect(await reading).toEqual({ outputs: { a: { value: 1 } } });
  });

  test("of a file that stays broken names the stack and the file", async () => {
    writeFileSync(join(folder, "it.tfstate"), "{");
    await expect(local()).rejects.toThrow(/^state of it can't be read \(.*it\.tfstate\): /);
  });

  describe("elsewhere", () => {
    let server: Server;
    let state: string;
    let methods: string[];
    beforeEach(async () => {
      [state, methods] = ["", []];
      server = createServer((request, response) => {
        methods.push(request.method ?? "");
        response.writeHead(state ? 200 : 404).end(state);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => {
      server.close();
      server.closeAllConnections();
    });
    const remote = () => {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/state`;
      const http = { address, lock_address: address, unlock_address: address };
      const { PATH, HOME } = process.env;
      return readState(
        { name: "it", directory: folder, document: { terraform: { backend: { http } } } },
        { PATH, HOME },
      );
    };

    test("is fetched by terraform, without a lock", async () => {
      state = JSON.stringify({
        version: 4,
        terraform_version: "1.11.0",
        serial: 1,
        lineage: "6b3f2b6a-0000-4000-8000-000000000000",
        outputs: { cluster_id: { value: "c-1", type: "string" } },
        resources: [],
      });
      expect((await remote()).outputs?.cluster_id?.value).toBe("c-1");
      expect(new Set(methods)).toEqual(new Set(["GET"]));
    });

    test("is nothing when nothing was deployed", async () => {
      expect(await remote()).toMatchObject({ outputs: {}, resources: [] });
    });

    test("that can't be fetched is terraform's error", async () => {
      state = "no state";
      await expect(remote()).rejects.toThrow(/^it: terraform (?:init|state) failed$/);
    });
  });
});
