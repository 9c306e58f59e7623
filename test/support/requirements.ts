/**
 * `describe` of tests that need more than Node and Terraform. Where something is missing they fail and name it: a tier of tests installs
 * what its own need, so that nothing is left out in silence.
 * @param missing what this machine lacks
 */
export function describeRequiring(missing: readonly string[], name: string, tests: () => void): void {
  if (missing.length === 0) {
    describe(name, tests);
    return;
  }
  describe(name, () => {
    test("finds the tools that it needs", () => {
      throw new Error(
        `Missing: ${missing.join(", ")}. Run this through its tier (npm run test:engine, npm run test:flux), which installs them.`,
      );
    });
  });
}
