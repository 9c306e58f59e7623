import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SANDBOX_DIRECTORY } from "../../src/place";
import { readableDotenv, readDotenv } from "../../src/workspace";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-dotenv-test-"));
  file = join(folder, ".env");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string, Record<string, string>]>([
  ["A=1\n\n  # it's a comment\nB = 2 # behind\nC=\n", { A: "1", B: "2" }],
  [
    "export A=1\nexport  B=2\n\tC=3\n\texport D=4\r\nE.f-g=5",
    { A: "1", B: "2", C: "3", D: "4", "E.f-g": "5" },
  ],
  ["\ufeffA=1\nB=2", { A: "1", B: "2" }],
  ["A='one\ntwo words, no = sign\n\nthree'\nB=2", { A: "one\ntwo words, no = sign\n\nthree", B: "2" }],
  [
    'A="-----BEGIN KEY-----\nabc\n-----END KEY-----" # a key\nB=`x\ny`',
    { A: "-----BEGIN KEY-----\nabc\n-----END KEY-----", B: "x\ny" },
  ],
  ["A=it's\nB='b'", { A: "it's", B: "b" }],
])("%j has the variables that it says", (text, variables) => {
  writeFileSync(file, text);
  expect([readDotenv(file), readableDotenv(file)]).toEqual([variables, variables]);
});

test.each<[string, string, Record<string, string>]>([
  ["DIGITALOCEAN_TOKEN dop_v1_x\nGITHUB_TOKEN=ghp_1\n", "line 1 is", { GITHUB_TOKEN: "ghp_1" }],
  ["A=1\nexport B\n# fine\nC: 3\r\nD=4", "line 2, 4 are", { A: "1", D: "4" }],
  ["A='x\ny'\nB x\nC=3", "line 3 is", { A: "x\ny", C: "3" }],
  ["A=1\nB='x\nC=3", "line 2 is", { A: "1", C: "3" }],
  ["A B=1\n=2\nC=3", "line 1, 2 are", { C: "3" }],
])(
  "%j is refused with the number of the line, and conceals what it says all the same",
  (text, lines, readable) => {
    writeFileSync(file, text);
    expect(() => readDotenv(file)).toThrow(
      new Error(
        `.env can't be read: ${lines} neither empty nor a comment nor of the form NAME=value. Write each so, with a closing quote for every opening one, or remove it.`,
      ),
    );
    expect(readableDotenv(file)).toEqual(readable);
  },
);

test("a sandbox's is named with the sandbox; none is empty, and what is no file is told", () => {
  expect([readDotenv(file), readableDotenv(file)]).toEqual([{}, {}]);
  mkdirSync(file);
  expect(() => readDotenv(file)).toThrow(
    /^\.env can't be read \(EISDIR.*\): make it a file that you can read$/,
  );
  expect(readableDotenv(file)).toEqual({});
  const name = `test-dotenv-${process.pid}`;
  const sandbox = join(SANDBOX_DIRECTORY, name);
  mkdirSync(sandbox, { recursive: true });
  try {
    writeFileSync(join(sandbox, ".env"), "SPACES_ACCESS_KEY_ID x\n");
    expect(() => readDotenv(join(sandbox, ".env"))).toThrow(`.sandbox/${name}/.env can't be read: line 1 is`);
  } finally {
    rmSync(sandbox, { recursive: true, force: true });
  }
});
