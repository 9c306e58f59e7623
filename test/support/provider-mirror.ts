import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PLATFORMS, type Provider, providerName } from "../../src/terraform";

/**
 * Writes a mirror of providers as `terraform providers mirror` lays it out: a zip for each platform with a program that says what it is and
 * does nothing, and a configuration of terraform that takes providers from there only.
 * @returns the configuration's path
 */
export function writeMirror(
  folder: string,
  providers: readonly Required<Provider>[],
  what = "released",
): string {
  for (const provider of providers)
    for (const platform of PLATFORMS) {
      const name = `terraform-provider-${provider.address.split("/").at(-1)}`;
      const program = `#!/bin/sh\n# ${providerName(provider)} ${platform}: ${what}\n`;
      const directory = join(folder, ...provider.address.split("/"));
      mkdirSync(directory, { recursive: true });
      writeFileSync(
        join(directory, `${name}_${provider.version}_${platform}.zip`),
        zip(`${name}_v${provider.version}`, Buffer.from(program)),
      );
    }
  const configuration = join(folder, "terraform.rc");
  writeFileSync(
    configuration,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(folder)}\n  }\n}\n`,
  );
  return configuration;
}

/** A zip with one program, stored as it is. */
function zip(name: string, content: Buffer): Buffer {
  const sizes = Buffer.alloc(16);
  [crc32(content), content.length, content.length, name.length].forEach((value, index) => {
    sizes.writeUInt32LE(value >>> 0, index * 4);
  });
  // Version 2.0, no flags, stored, 1980-01-01.
  const common = Buffer.concat([Buffer.from([20, 0, 0, 0, 0, 0, 0, 0, 33, 0]), sizes]);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), content]);
  const mode = Buffer.alloc(14);
  mode.writeUInt32LE((0o100755 << 16) >>> 0, 6);
  // Made on Unix, so that the mode counts.
  const entry = Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), common, mode, Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, entry, end]);
}

function crc32(content: Buffer): number {
  let crc = -1;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}
