/**
 * What a new value means to a system that runs already: `npm run secrets -- rotate` goes by it.
 * - `after`: what to do once Flux has applied it, such as restarting pods; nothing is lost, and until then the old value works.
 * - `procedure`: the system keeps the old value, so that the new one alone locks somebody out: what has to be done beside it.
 *   `{edit}` in it stands for the command that shows the secret.
 * - `loss`: what can no longer be read with a new value. Both of the latter are refused without --force.
 */
export type RotationEffect =
  | { readonly after: string }
  | { readonly procedure: string }
  | { readonly loss: string };

/** How the value of one key of a secret comes about. */
export type SecretValue =
  /**
   * Random bytes of a cryptographic generator, written as hexadecimal digits, as base64url, or as a UUID (16 bytes). Without `rotation`
   * nobody has said what a new value does to a system that runs, so it is refused without --force.
   */
  | {
      readonly random: "hex" | "base64url" | "uuid";
      readonly bytes: number;
      readonly rotation?: RotationEffect;
    }
  /**
   * Given by a person: the value of an environment variable or a line of .env, `<ENVIRONMENT>_<variable>` before
   * `<variable>`. With `withoutIt` it may be missing: that says what is switched off then, and the value is empty. It is concealed in all
   * that is printed, unless it is `readable`: a host, say.
   */
  | {
      readonly variable: string;
      readonly what: string;
      readonly withoutIt?: string;
      readonly readable?: true;
    }
  /** Made of other keys of the same secret and fixed text: `redis://:{password}@redis:6379`. */
  | { readonly template: string }
  /** A line of an htpasswd file for `user`, with the password of another key, which has to be a random one. */
  | { readonly htpasswd: { readonly user: string; readonly passwordKey: string } }
  /** The content of a private file of the environment, made on first use: the token that Flux's receiver is called with. */
  | { readonly privateFile: "webhook-token" };

/** A Kubernetes Secret that is created once for each environment, encrypted with SOPS, and committed. */
export interface ApplicationSecret {
  /** The folder that gets it in `<folder>/<environment>/secrets/<name>.yaml`: `flux/apps/chatbox`, `flux/infrastructure`. */
  readonly folder: string;
  /** Its name as in that file: without the prefix that an overlay's kustomization adds. */
  readonly name: string;
  readonly namespace: string;
  /** Kubernetes' type; default `Opaque`. */
  readonly type?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, SecretValue>>;
}

/** A secret value that a person gives in a variable, and that may be missing. */
export function optional(variable: string, what: string, withoutIt: string): SecretValue {
  return { variable, what, withoutIt };
}

/** A value that a person gives in a variable, that may be missing, and that anybody may read. */
export function setting(variable: string, what: string, withoutIt: string): SecretValue {
  return { variable, what, withoutIt, readable: true };
}
