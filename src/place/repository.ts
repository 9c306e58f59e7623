import { basename, dirname, join } from "node:path";

/** The checkout that this program belongs to; its bundle lies in dist/. */
export const REPOSITORY = basename(__dirname) === "dist" ? dirname(__dirname) : dirname(dirname(__dirname));

/** The git-ignored folder of the checkout that sandboxes live in. */
export const SANDBOX_FOLDER = ".sandbox";

/** Where sandboxes live. */
export const SANDBOX_DIRECTORY = join(REPOSITORY, SANDBOX_FOLDER);
