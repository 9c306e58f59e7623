/** The tests on real parts: `npm run test:e2e`. @type {import("jest").Config} */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/e2e/**/*.e2e.ts"],
  globalSetup: "<rootDir>/test/e2e/support/requirements.ts",
  testTimeout: 300_000,
  // One after the other: each starts clusters of its own, and their times are compared.
  maxWorkers: 1,
  // A test that failed may have left a connection; the programs themselves are ended by their process ids.
  forceExit: true,
  reporters: ["default", "<rootDir>/test/e2e/support/run-report.js"],
};
