import { readFileSync } from "node:fs";
import path from "node:path";
import { FluxTree } from "../../src/flux-tree";
import { REPOSITORY } from "./tree";

const repository = new FluxTree(REPOSITORY);
const [manager] = JSON.parse(readFileSync(path.join(REPOSITORY, "renovate.json"), "utf8")).customManagers;
const files = [...repository.files("flux"), ...repository.files("helm")].filter(
  (file) => !file.includes("/templates/"),
);

/** The place of every comment for Renovate. */
const markers = files.flatMap((file) =>
  repository
    .text(file)
    .split("\n")
    .flatMap((line, index) => (line.includes("# renovate:") ? [`${file}:${index + 1}`] : [])),
);

describe("the comments for Renovate", () => {
  it("are there", () => {
    expect(markers.length).toBeGreaterThan(0);
  });

  it("stand in files that its manager reads", () => {
    const patterns = (manager.managerFilePatterns as string[]).map(
      (pattern) => new RegExp(pattern.slice(1, -1)),
    );
    const unread = markers.filter(
      (place) => !patterns.some((pattern) => pattern.test(place.replace(/:\d+$/, ""))),
    );
    expect(unread).toEqual([]);
  });

  it("are each followed by the version that the manager finds", () => {
    const expression = new RegExp(manager.matchStrings[0], "g");
    const found = files.flatMap((file) => {
      const text = repository.text(file);
      return [...text.matchAll(expression)].map((match) => {
        expect(match.groups?.currentValue).toMatch(/^v?\d+\.\d+/);
        return `${file}:${text.slice(0, match.index).split("\n").length}`;
      });
    });
    expect(found).toEqual(markers);
  });
});
