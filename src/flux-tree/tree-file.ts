import {
  type Document,
  isCollection,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  visit,
} from "yaml";
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

/** A YAML file of the tree as its author sees it, with lines and comments. */
export class TreeFile {
  readonly text: string;
  readonly documents: readonly Document.Parsed[];
  /** The objects of the file; undefined in place of documents that are empty. Empty when there is a problem. */
  readonly manifests: ReadonlyArray<Manifest | undefined>;
  /** The first syntax error, duplicate key or unknown anchor. */
  readonly problem?: string;
  private readonly lines = new LineCounter();
  private placed?: PlacedText[];

  constructor(
    tree: FluxTree,
    readonly file: string,
  ) {
    let unreadable: string | undefined;
    try {
      this.text = tree.text(file);
    } catch (error) {
      // A link that leads nowhere, or a file that this user may not read
      this.text = "";
      unreadable = (error as Error).message;
    }
    this.documents = parseAllDocuments(this.text, { lineCounter: this.lines });
    try {
      if (unreadable !== undefined) throw new Error(`can't be read: ${unreadable}`);
      const found = this.documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])[0];
      if (found) throw found;
      this.manifests = this.documents.map((document) => (document.toJS() as Manifest | null) ?? undefined);
    } catch (error) {
      this.manifests = [];
      this.problem = (error as Error).message.split("\n")[0]?.replace(/:$/, "");
    }
  }

  /** `flux/apps/x/base/y.yaml:12` */
  placeOf(offset: number): string {
    return `${this.file}:${this.lines.linePos(offset).line}`;
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
