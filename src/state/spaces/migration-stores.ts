import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { LocalStore } from "../local-store";
import { type MigrationStore, RETIRED_FOLDER } from "./migrate";
import { SpacesStore } from "./spaces-store";

/** Local states that are moved. */
export class MigratingLocalStore extends LocalStore implements MigrationStore {
  async create(name: string, content: Buffer): Promise<boolean> {
    // The lock of the workspace keeps other commands out, so that nothing can come in between.
    if ((await this.read(name)) !== undefined) return false;
    await this.write(name, content);
    return true;
  }

  async retire(name: string): Promise<void> {
    const folder = join(this.folder, RETIRED_FOLDER);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Terraform's own copy of the state before goes with it.
    for (const file of [`${name}.backup`, name])
      if (existsSync(join(this.folder, file)))
        renameSync(join(this.folder, file), join(folder, freeName(folder, file)));
  }
}

/** Nothing that was retired before is overwritten. */
function freeName(folder: string, file: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? file : `${file}.${number}`;
    if (!existsSync(join(folder, name))) return name;
  }
}

/** States in a bucket that are moved. */
export class MigratingSpacesStore extends SpacesStore implements MigrationStore {
  create(name: string, content: Buffer): Promise<boolean> {
    return this.bucket.create(name, content);
  }

  async retire(name: string): Promise<void> {
    const content = await this.read(name);
    if (content === undefined) return;
    const taken = await this.list(RETIRED_FOLDER);
    let free = name;
    for (let number = 2; taken.includes(free); number++) free = `${name}.${number}`;
    const retired = `${RETIRED_FOLDER}/${free}`;
    await this.write(retired, content);
    // The bucket may have no versions: the copy has to be there before the original goes.
    if (!(await this.read(retired))?.equals(content))
      throw new Error(
        `${this.description}: ${retired} is not what was written; ${name} is left where it is. Run the command again.`,
      );
    await this.remove(name);
  }
}
