/** What stands where something of a log was left out. */
export const LEFT_OUT = "…";
/** Stands for lines of a provider of which nothing is kept. */
const LINES_LEFT_OUT = `  ${LEFT_OUT} lines of a provider that can hold secrets are left out`;

const LEVEL = String.raw`\[(?:TRACE|DEBUG|INFO|WARN|ERROR)\]`;
/** An entry of terraform's log. `provider:` and `provider.stdio:` are terraform's own; a dot and a program's name are a provider's. */
const ENTRY = new RegExp(
  String.raw`^(\d{4}-\d\d-\d\dT\S+ ${LEVEL} +)(?:((?:provider|provisioner|plugin)\.(?!stdio:)[^\s:]+)(?::|$) ?)?(.*)$`,
  "s",
);
/** In JSON a provider's own `@module` hides that it is one; what its log library adds doesn't. */
const OWN_MODULE = /^(?:|provider|provider\.stdio|backend-\w+)$/;
const PROVIDER_FIELDS = ["timestamp", "@caller"];
/** What terraform says beside its log, behind an empty line: it ends the lines of a provider's entry. */
const OWN_WORDS = /^(?:Error: |Warning: |╷|!{5})/;

/** A provider's sentence is known by its level, or by the fields that its log library adds. */
const SENTENCE = new RegExp(
  String.raw`^(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?${LEVEL} |[ :](?:@module|@caller|timestamp|tf_\w+)=`,
);
/** From here on a sentence can hold a value: quoted, in a dump, in a field, bytes one after the other. */
const VALUE = /["'`{}[\]()<>=&\\|]|\b0x|\b\d+,? +\d+,? +\d+|@?\b\w+=/;
/** A long word with letters and digits can be a token or a part of one; the ids of clusters and requests are none. */
const LONG_WORD = /(?=[^\s\d]*\d)(?=[^\sa-z]*[a-z])[\w+/=.~-]{20,}/gi;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Of HTTP: what was asked, without its query, and the status. Headers and bodies hold credentials. */
const HTTP_LINE = /^(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/[^\s?]*|HTTP\/[\d.]+ \d{3})/;
/** Fields that say what was called and how it ended, and hold no value of a resource. */
const FIELD_NAMES =
  "tf_rpc|tf_resource_type|tf_data_source_type|tf_provider_addr|tf_req_id|tf_http_(?:op_type|req_method|req_uri|res_status_code)";
const FIELDS = new RegExp(String.raw`(?<= )(?:${FIELD_NAMES})=[\w./:-]+`, "g");
const FIELD_NAME = new RegExp(`^(?:${FIELD_NAMES})$`);
/** In terraform's own entries: bodies of the state's backend, and values that a provider returned otherwise than planned. */
const OWN_VALUE = /\S*body"?=.*|\bcty\.\w+\(.*/s;
const FIELD_LINE = /^ {2}\| /;

/**
 * Decides line by line what of terraform's debug log may be kept. Providers print what they send, receive and hold: bodies of HTTP, and
 * values as Go prints them (`[]uint8{0x41, 0x47}`, `[65 71]`), wrapped, escaped and cut as it comes. No list of encodings is complete, so of
 * a provider only what is known to be harmless stays: its sentences up to the first value, what was called, and with which status.
 */
export class LogEntries {
  private isProvider = false;
  private isLeavingOut = false;
  private isBehindEmpty = false;

  /** The line as it may be kept: undefined when nothing of it may, and whether it is terraform's own word and no part of the log. */
  keep(line: string): { readonly kept?: string; readonly isOwn: boolean } {
    if (line.startsWith('{"@')) return { kept: this.marked(ofJson(line)), isOwn: false };
    const [isEntry, head = "", name, text = line] = ENTRY.exec(line) ?? [];
    if (isEntry !== undefined) this.isProvider = name !== undefined;
    else if (this.isBehindEmpty && OWN_WORDS.test(line)) this.isProvider = false;
    this.isBehindEmpty = line === "";
    if (this.isProvider && text.trim() === "") return { isOwn: false };
    if (this.isProvider) {
      const kept = isEntry === undefined ? fieldsOf(text).join(" ") : ofProvider(text);
      return {
        kept: this.marked(kept && `${head}${name === undefined ? "  " : `${name}: `}${kept}`),
        isOwn: false,
      };
    }
    const kept = FIELD_LINE.test(line) ? undefined : this.marked(head + withoutValue(text), true);
    return { kept, isOwn: isEntry === undefined };
  }

  /** Says once, before it goes on, that lines of a provider are missing. */
  private marked(kept: string, isOwn = false): string | undefined {
    const isFirst = !this.isLeavingOut;
    this.isLeavingOut = kept === "" && !isOwn;
    if (!this.isLeavingOut) return kept;
    return isFirst ? LINES_LEFT_OUT : undefined;
  }
}

/** What of a provider's text is harmless; empty: nothing. */
function ofProvider(text: string, isSentence = SENTENCE.test(text)): string {
  const words = isSentence ? sentenceOf(text) : (HTTP_LINE.exec(text)?.[0] ?? "");
  return [words, ...fieldsOf(text)].filter((part) => part !== "").join(" ");
}

function sentenceOf(text: string): string {
  const level = new RegExp(`^[\\d/: ]*${LEVEL} `).exec(text)?.[0] ?? "";
  const rest = text.slice(level.length);
  const end = VALUE.exec(rest)?.index ?? rest.length;
  const words = rest.slice(0, end).replace(LONG_WORD, (word) => (UUID.test(word) ? word : LEFT_OUT));
  return level + words.trimEnd() + (end < rest.length ? LEFT_OUT : "");
}

function fieldsOf(text: string): string[] {
  // The log library has no order in them.
  return FIELD_LINE.test(text) ? [] : [...text.matchAll(FIELDS)].map(([field]) => field).sort();
}

function withoutValue(text: string): string {
  return text.replace(OWN_VALUE, LEFT_OUT);
}

/** An entry of `TF_LOG=json`, still JSON; empty when it is none, as a part of a long one. */
function ofJson(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return "";
  }
  const isOfLibrary = PROVIDER_FIELDS.some((name) => name in entry);
  const isProvider = isOfLibrary || !OWN_MODULE.test(String(entry["@module"] ?? ""));
  const fields = Object.entries(entry).flatMap(([name, value]): [string, unknown][] => {
    if (/^@(?:level|module|timestamp)$/.test(name)) return [[name, value]];
    if (!isProvider) return /body$/.test(name) ? [] : [[name, withoutValueIn(value)]];
    if (name === "@message") {
      return [[name, ofProvider(String(value), isOfLibrary || SENTENCE.test(String(value))) || LEFT_OUT]];
    }
    return FIELD_NAME.test(name) && /^[\w./:-]+$/.test(String(value)) ? [[name, value]] : [];
  });
  return JSON.stringify(Object.fromEntries(fields));
}

function withoutValueIn(value: unknown): unknown {
  return typeof value === "string" ? withoutValue(value) : value;
}
