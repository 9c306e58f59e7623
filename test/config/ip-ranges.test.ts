import { rangesOverlap } from "../../src/config";

test.each([
  ["10.10.0.0/16", "10.10.0.0/16", true],
  ["10.10.0.0/16", "10.10.16.0/20", true],
  ["10.10.16.0/20", "10.10.0.0/16", true],
  ["10.10.0.0/16", "10.11.0.0/16", false],
  ["192.168.0.0/24", "192.168.1.0/24", false],
  ["255.255.255.0/24", "255.255.255.255/32", true],
  ["10.10.0.0/16", "no range", false],
])("%s and %s overlap: %s", (one, other, expected) => {
  expect(rangesOverlap(one, other)).toBe(expected);
});
