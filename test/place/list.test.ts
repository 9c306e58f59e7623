import { listOf } from "../../src/place";

test.each([
  [[], ""],
  [["staging"], "staging"],
  [["staging", "production"], "staging and production"],
  [["staging", "qa", "production"], "staging, qa and production"],
])("%j in a sentence", (words, sentence) => {
  expect(listOf(words)).toBe(sentence);
});
