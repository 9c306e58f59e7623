/** The tests on real parts: `npm run test:e2e`. @type {import("jest").Config} */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/e2e/**/*.e2e.ts"],
  testTimeout: 300_000,
  maxWorkers: 1,
};
