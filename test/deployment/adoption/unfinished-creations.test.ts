import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnfinishedCreations } from "../../../src/deployment/adoption";
import { isRefusal } from "../../../src/deployment/adoption/conflicts";

let directory: string;
let told: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "unfinished-"));
  told = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const open = () => new UnfinishedCreations({ directory }, "a", { problem: (text) => told.push(text) });

test("the time of the first attempt stays as long as the name does", () => {
  const begun = (when: string, name: string) => {
    jest.useFakeTimers({ now: new Date(when) });
    open().begun("x.y", name);
    jest.useRealTimers();
  };
  begun("2026-01-01T00:00:00Z", "one");
  begun("2026-01-02T00:00:00Z", "one");
  expect(open().all()).toEqual([{ address: "x.y", name: "one", begun: "2026-01-01T00:00:00.000Z" }]);
  begun("2026-01-03T00:00:00Z", "two");
  expect(open().all()).toEqual([{ address: "x.y", name: "two", begun: "2026-01-03T00:00:00.000Z" }]);
  open().settle(({ name }) => name === "two");
  expect(readdirSync(join(directory, "state"))).toEqual([]);
});

test("notes that can't be written are told once and throw nothing, nor leave a draft", () => {
  mkdirSync(join(directory, "state", "a.unfinished.json", "in-the-way"), { recursive: true });
  const notes = open();
  notes.begun("x.y", "one");
  notes.begun("x.z", "two");
  notes.settle(() => true);
  expect(told).toEqual([expect.stringMatching(/^a: .*a\.unfinished\.json: .*can't be noted there \(E/)]);
  expect(readdirSync(join(directory, "state"))).toEqual(["a.unfinished.json"]);
});

test.each([
  ["POST https://api.digitalocean.com/v2/vpcs: 400 no", true],
  ["POST https://api.digitalocean.com/v2/vpcs: 422 no", true],
  ["POST https://api.digitalocean.com/v2/vpcs: 408 slow", false],
  ["POST https://api.digitalocean.com/v2/vpcs: 429 many", false],
  ["POST https://api.digitalocean.com/v2/vpcs: 500 oops", false],
  ["context deadline exceeded", false],
  ["Plugin did not respond", false],
])("%s: certain that nothing was made: %s", (summary, certain) => {
  expect(isRefusal({ summary, detail: "" })).toBe(certain);
});
