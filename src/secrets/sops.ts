import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ageKeyFile } from "./age-key";
import { requireEncryptedText } from "./plain-parts";
import { privateDirectory } from "./private-files";
import { SOPS_CONFIGURATION } from "./sops-configuration";

/** SOPS in a project's directory. What is secret goes in and out through pipes: neither a file nor an argument holds it. */
export class Sops {
  /** @param program the path of the sops program, or its name on PATH */
  constructor(
    private readonly program: string,
    private readonly directory: string,
  ) {}

  /** @throws Error that says how to get sops where it isn't installed: once, before anything is made */
  async requireInstalled(): Promise<void> {
    await this.run(["--help"], {});
  }

  /**
   * Encrypts a manifest as .sops.yaml wants it for its file.
   * @param file from the project's directory, with slashes
   * @returns YAML
   * @throws Error with what sops says, or with the values that the rule of .sops.yaml would leave in plain text
   */
  async encrypt(file: string, manifest: unknown): Promise<string> {
    const types = ["--input-type", "json", "--output-type", "yaml"];
    const parameters = ["encrypt", ...types, "--filename-override", file];
    return requireEncryptedText(
      this.directory,
      file,
      await this.run(parameters, { input: JSON.stringify(manifest) }),
    );
  }

  /** Decrypts a file with the key of an environment. @throws Error with what sops says when the key doesn't open it */
  async decrypt(file: string, environment: string): Promise<unknown> {
    return JSON.parse(await this.run(["decrypt", "--output-type", "json", file], { environment }));
  }

  /** Decrypts a file with the key of an environment, as YAML with its comments. @throws Error with what sops says */
  async decryptText(file: string, environment: string): Promise<string> {
    return this.run(["decrypt", "--input-type", "yaml", "--output-type", "yaml", file], { environment });
  }

  /**
   * Encrypts YAML as .sops.yaml wants it for its file; comments stay.
   * @returns YAML
   * @throws Error with what sops says, or with the values that the rule of .sops.yaml would leave in plain text
   */
  async encryptText(file: string, text: string): Promise<string> {
    const types = ["--input-type", "yaml", "--output-type", "yaml"];
    const parameters = ["encrypt", ...types, "--filename-override", file];
    return requireEncryptedText(this.directory, file, await this.run(parameters, { input: text }));
  }

  /**
   * An encrypted file with a new data key, for other recipients; the file itself stays as it is.
   * @returns YAML
   * @throws Error with what sops says when the environment's keys don't open it, or with the values that are in plain text
   */
  async rotate(
    file: string,
    environment: string,
    { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
  ): Promise<string> {
    const change = [
      ...(add.length > 0 ? ["--add-age", add.join(",")] : []),
      ...(remove.length > 0 ? ["--rm-age", remove.join(",")] : []),
    ];
    const parameters = ["rotate", "--input-type", "yaml", "--output-type", "yaml", ...change, file];
    return requireEncryptedText(this.directory, file, await this.run(parameters, { environment }));
  }

  /**
   * Sets one value in an encrypted file; the others stay as they are, byte for byte. The rule is the one that the file was encrypted
   * by, so that the file is looked at before it gets a value and after.
   * @throws Error with what sops says, or with the values that are in plain text
   */
  async set(file: string, environment: string, path: readonly string[], value: string): Promise<void> {
    const index = path.map((key) => `[${JSON.stringify(key)}]`).join("");
    this.requireEncrypted(file);
    await this.run(["set", "--input-type", "yaml", "--output-type", "yaml", "--value-stdin", file, index], {
      environment,
      input: JSON.stringify(value),
    });
    this.requireEncrypted(file);
  }

  private requireEncrypted(file: string): void {
    requireEncryptedText(this.directory, file, readFileSync(join(this.directory, file), "utf8"));
  }

  private run(
    parameters: readonly string[],
    { environment, input = "" }: { readonly environment?: string; readonly input?: string },
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(this.program, ["--config", SOPS_CONFIGURATION, ...parameters], {
        cwd: this.directory,
        env: this.variables(environment),
        stdio: ["pipe", "pipe", "pipe"],
      });
      let [output, errors] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors += text;
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? new Error(MISSING) : error),
      );
      child.once("close", (code) => {
        if (code === 0) resolve(output);
        else reject(new Error(errors.trim() || `sops ended with ${code}`));
      });
    });
  }

  /**
   * Nothing of the caller's environment but the path: SOPS_AGE_RECIPIENTS and its like would encrypt for others than
   * .sops.yaml says, and a key in the home directory would open what this environment's must open alone.
   */
  private variables(environment: string | undefined): NodeJS.ProcessEnv {
    const nowhere = join(privateDirectory(this.directory, "none"), "home");
    return {
      PATH: process.env.PATH,
      SystemRoot: process.env.SystemRoot,
      HOME: nowhere,
      XDG_CONFIG_HOME: nowhere,
      ...(environment === undefined ? {} : { SOPS_AGE_KEY_FILE: ageKeyFile(this.directory, environment) }),
    };
  }
}

const MISSING =
  'sops is not installed: "mise install" installs the version that this repository is tested with, and "npm run tools" builds it where Go is installed';
