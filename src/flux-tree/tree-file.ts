import {
  type Document,
  type ErrorCode,
  isCollection,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  visit,
} from "yaml";
import { yamlProblem } from "../secrets/yaml-problem";
import type { FluxTree, Manifest } from "./tree";

/** A text in a YAML file, with where it stands. */
export interface PlacedText {
  /** As the parser reads it: without quotes and line folding. */
  readonly value: string;
  /** As it is written. */
  readonly source: string;
  /** Begin and end in the file's text. */
  readonly range: readonly [number, number];
  /** The document in the file that it belongs to. */
  readonly document: number;
  /** Whether it stands between braces or brackets, where a text can't have any without quotes. */
  readonly flow: boolean;
  /** The keys that lead to it. */
  readonly path: readonly string[];
}

/** What to do about mistakes that the parser has a name for. */
const FIXES: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_INDENT: "indent it as the lines beside it, or close the quote or bracket before it",
  DUPLICATE_KEY: "keep one of them",
  TAB_AS_INDENT: "indent with spaces",
};

/** What the parser says of an entry of a list that is indented less than the first one. */
const MISPLACED_ENTRY = "A block sequence may not be used as an implicit map key";

/** A YAML file of the tree as its author sees it, with lines and comments. */
export class TreeFile {
  readonly text: string;
  readonly documents: readonly Document.Parsed[];
  /** The objects of the file; undefined in place of documents that are empty. Empty when there is a problem. */
  readonly manifests: ReadonlyArray<Manifest | undefined>;
  /** The first syntax error, duplicate key or unknown anchor. */
  readonly problem?: string;
  /** Where the problem is, with its line as far as that is known. */
  readonly problemPlace: string;
  /** What to do about the problem. */
  readonly problemFix: string = "correct it there";
  private readonly lines = new LineCounter();
  private placed?: PlacedText[];

  constructor(
    tree: FluxTree,
    readonly file: string,
  ) {
    this.problemPlace = file;
    let unreadable: string | undefined;
    try {
      this.text = tree.text(file);
    } catch (error) {
      // A link that leads nowhere, or a file that this user may not read
      this.text = "";
      unreadable = (error as Error).message;
    }
    this.documents = parseAllDocuments(this.text, { lineCounter: this.lines });
    const found = this.documents.flatMap((document) => yamlProblem(document) ?? [])[0];
    if (unreadable === undefined && found === undefined) {
      this.manifests = this.documents.map((document) => (document.toJS() as Manifest | null) ?? undefined);
      return;
    }
    this.manifests = [];
    this.problem = unreadable === undefined ? found?.reason : `can't be read: ${unreadable}`;
    if (unreadable !== undefined || found === undefined) return;
    this.problemPlace = this.placeOf(found.offset);
    const misplaced = found.reason === MISPLACED_ENTRY;
    if (misplaced) this.problem = "This entry of a list is indented like no line before it";
    this.problemFix = FIXES[misplaced ? "BAD_INDENT" : found.code] ?? this.problemFix;
  }

  /** `flux/apps/x/base/y.yaml:12` */
  placeOf(offset: number): string {
    return `${this.file}:${this.lines.linePos(offset).line}`;
  }

  /** The place of a key of an object's `data` or `stringData`. */
  placeOfKey(manifest: Manifest, key: string): string | undefined {
    const document = this.manifests.indexOf(manifest);
    const found = this.texts().find(
      (text) =>
        text.document === document && text.value === key && /^(?:stringD|d)ata\./.test(text.path.join(".")),
    );
    return found && this.placeOf(found.range[0]);
  }

  /**
   * Where a value stands in an object of this file.
   * @param keys the keys that lead to it; numbers of list entries don't count, since kustomize moves them
   */
  placeOfValue(
    kind: string,
    name: string,
    { keys, value }: { keys: readonly string[]; value: unknown },
  ): string | undefined {
    const wanted = keys.filter((key) => !/^\d+$/.test(key)).join("\n");
    for (const [index, document] of this.documents.entries()) {
      const manifest = this.manifests[index];
      if (manifest?.kind !== kind || manifest.metadata?.name !== name) continue;
      let found: number | undefined;
      visit(document, {
        Scalar: (role, node, path) => {
          if (role === "key" || node.value !== value || !node.range || keysOf(path) !== wanted) return;
          found = node.range[0];
          return visit.BREAK;
        },
      });
      if (found !== undefined) return this.placeOf(found);
    }
    return undefined;
  }

  /** The line before the one of a place; empty at the file's beginning. */
  lineBefore(offset: number): string {
    const { line } = this.lines.linePos(offset);
    return this.text.split("\n")[line - 2] ?? "";
  }

  /** Every text of the file, keys included, comments not. */
  texts(): readonly PlacedText[] {
    this.placed ??= this.findTexts();
    return this.placed;
  }

  private findTexts(): PlacedText[] {
    return this.documents.flatMap((document, index) => {
      const found: PlacedText[] = [];
      visit(document, {
        Scalar: (_, node, path) => {
          if (typeof node.value !== "string" || !node.range) return;
          const [begin, end] = node.range;
          found.push({
            value: node.value,
            source: this.text.slice(begin, end),
            range: [begin, end],
            document: index,
            flow: path.some((ancestor) => isCollection(ancestor) && ancestor.flow === true),
            path: path.flatMap((ancestor) =>
              "key" in ancestor && isScalar(ancestor.key) ? [String((ancestor.key as Scalar).value)] : [],
            ),
          });
        },
      });
      return found;
    });
  }
}

/** The keys of a node's ancestors, one a line. */
function keysOf(path: readonly unknown[]): string {
  return path
    .flatMap((ancestor) => (isPair(ancestor) && isScalar(ancestor.key) ? [String(ancestor.key.value)] : []))
    .join("\n");
}
