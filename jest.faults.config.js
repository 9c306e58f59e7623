/** The tests that inject faults: `npm run test:faults`. @type {import("jest").Config} */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/faults/**/*.faults.ts"],
  testTimeout: 600_000,
  reporters: ["default", "<rootDir>/test/faults/support/fault-report.js"],
};
