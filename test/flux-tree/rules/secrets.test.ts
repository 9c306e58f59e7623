import type { ApplicationSecret } from "../../../src/secrets/application-secret";
import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP, SmallTree, smallProject } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const VOLUME = `${SHOP}/volume.yaml`;
const STAGING_KEY = "age1staging";
const OTHER_KEY = "age1other";

const encrypted = (recipient: string, name = "mail", copy?: string): string => `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  namespace: shop
data:
  password: ENC[AES256_GCM,data:abc]
sops:
  age:
    - recipient: ${recipient}
      enc: none
${copy ? `    - recipient: ${copy}\n      enc: none\n` : ""}  mac: none
  version: 3.13.3
`;

function withDecryption(tree: SmallTree): void {
  tree.replace(
    "flux/clusters/staging/shop.yaml",
    "spec:\n",
    "spec:\n  decryption:\n    provider: sops\n    secretRef:\n      name: sops-age\n",
  );
}

/** An encrypted Secret as `npm run secrets` leaves it. */
function withEncrypted(tree: SmallTree, recipient: string, wanted = STAGING_KEY): void {
  tree.write(`${SHOP}/mail.yaml`, encrypted(recipient));
  tree.replace(`${SHOP}/kustomization.yaml`, "resources:\n", "resources:\n  - mail.yaml\n");
  withDecryption(tree);
  tree.write(".sops.yaml", `creation_rules:\n  - path_regex: /staging/\n    age: ${wanted}\n`);
}

/** A Secret that the shop declares. */
const SHOP_MAIL: ApplicationSecret = {
  folder: "flux/apps/shop",
  name: "shop-mail",
  namespace: "shop",
  values: { uri: { random: "hex", bytes: 32 } },
};

const PLAIN =
  "is a secret in plain text, by its name; declare a Secret in src/secrets/applications and take it from there; a value that was pushed is known and has to be replaced, or say in the annotation hybrid-gitops/reason.secrets why not";

const withVariable = (tree: SmallTree, name: string, value: string): void =>
  tree.replace(
    WEB,
    "          env:\n",
    `          env:\n            - name: ${name}\n              value: ${value}\n`,
  );

const withSetting = (tree: SmallTree, setting: string): void =>
  tree.append(
    VOLUME,
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  ${setting}\n`,
  );

describeWithKubectl("secrets", () => {
  mistake(
    "a key that a database's Secret doesn't have",
    (tree) => tree.replace(WEB, "key: uri", "key: url"),
    [
      "secrets | Deployment shop/web in flux/apps/shop/staging: DATABASE of container web names the key url of the Secret shop/shop-db-app, which has dbname, fqdn-jdbc-uri, fqdn-uri, host, jdbc-uri, password, pgpass, port, uri, user, username; correct the key, or declare it in src/secrets/applications",
    ],
  );
  mistake(
    "a key that is not declared",
    (tree) => {
      tree.replace(WEB, "name: shop-db-app", "name: shop-mail");
      tree.replace(WEB, "key: uri", "key: host");
      withDecryption(tree);
    },
    [
      "secrets | Deployment shop/web in flux/apps/shop/staging: DATABASE of container web names the key host of the Secret shop/shop-mail, which has uri; correct the key, or declare it in src/secrets/applications",
    ],
    { declaredSecrets: [SHOP_MAIL] },
  );
  mistake(
    "no decryption for what is to be written",
    () => undefined,
    [
      "secrets | flux/clusters/staging/shop.yaml: is to apply encrypted Secrets (shop-mail) and doesn't decrypt them; add spec.decryption: { provider: sops, secretRef: { name: sops-age } }",
    ],
    { declaredSecrets: [SHOP_MAIL] },
  );
  mistake("a password in a variable", (tree) => withVariable(tree, "SMTP_PASSWORD", "hunter2"), [
    `secrets | Deployment shop/web in flux/apps/shop/staging: the variable SMTP_PASSWORD ${PLAIN}`,
  ]);
  mistake("a token in a ConfigMap", (tree) => withSetting(tree, "api-token: dop_v1_0123"), [
    `secrets | ConfigMap shop/settings in flux/apps/shop/staging: the key api-token ${PLAIN}`,
  ]);
  mistake(
    "a password in the values of a chart",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "  values:\n",
        "  values:\n    extraEnv:\n      - name: SECRET_KEY\n        value: hunter2\n",
      ),
    [
      `secrets | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: the variable SECRET_KEY ${PLAIN}`,
    ],
  );
  mistake(
    "what is no secret in spite of its name",
    (tree) => {
      withVariable(tree, "PASSWORD_FILE", "hunter2");
      withVariable(tree, "TOKENS", "/run/tokens");
      withVariable(tree, "SECRET", "shop-db-app");
      withVariable(tree, "ASK_PASSWORD", '"true"');
      withVariable(tree, "TOKEN_AGE", "15m");
      withSetting(tree, 'max-tokens: "4096"');
    },
    [],
  );
  mistake(
    "a secret with a reason",
    (tree) => {
      withVariable(tree, "API_KEY", "public");
      tree.replace(
        WEB,
        "metadata:\n",
        "metadata:\n  annotations:\n    hybrid-gitops/reason.secrets: Every browser gets this key.\n",
      );
    },
    [],
  );
  mistake(
    "one in plain text",
    (tree) =>
      tree.append(
        VOLUME,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: mail\n  namespace: shop\nstringData:\n  password: hunter2\n",
      ),
    [
      "secrets | flux/apps/shop/staging/volume.yaml: the Secret mail is in plain text; declare it in src/secrets/applications and run npm run secrets -- create, which writes it encrypted; a value that was pushed is known and has to be replaced",
    ],
  );
  mistake(
    "one that kustomize makes of plain text",
    (tree) =>
      tree.replace(
        `${SHOP}/kustomization.yaml`,
        "resources:\n",
        "secretGenerator:\n  - name: mail\n    namespace: shop\n    literals:\n      - password=hunter2\n    options:\n      disableNameSuffixHash: true\nresources:\n",
      ),
    [
      "secrets | Secret shop/mail in flux/apps/shop/staging: is applied in plain text; leave secretGenerator out, and let npm run secrets -- create write the Secret encrypted",
    ],
  );
  mistake(
    "a value that is still to be given",
    (tree) =>
      tree.replace(
        WEB,
        "          env:\n",
        "          env:\n            - name: TOKEN\n              value: CHANGE_ME_TOKEN\n",
      ),
    [
      "secrets | flux/apps/shop/staging/web.yaml:35: CHANGE_ME_TOKEN stands for a value that nobody has given; declare it in src/secrets/applications and run npm run secrets -- create, or write the value",
    ],
  );
  mistake(
    "a reference to what nothing makes",
    (tree) => tree.replace(WEB, "name: shop-db-app", "name: shop-database"),
    [
      "secrets | Deployment shop/web in flux/apps/shop/staging: DATABASE of container web names the Secret shop/shop-database, which nothing makes; declare it in src/secrets/applications, or correct the name",
    ],
  );
  mistake(
    "an optional reference to what nothing makes",
    (tree) =>
      tree.replace(WEB, "name: shop-db-app\n", "name: shop-database\n                  optional: true\n"),
    [],
  );
  mistake(
    "a reference in the values of a chart",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "  values:\n",
        "  values:\n    auth:\n      existingSecret: tokens\n",
      ),
    [
      "secrets | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: auth.existingSecret names the Secret shop/tokens, which nothing makes; declare it in src/secrets/applications, or correct the name",
    ],
  );
  mistake("an encrypted one", (tree) => withEncrypted(tree, STAGING_KEY), []);
  mistake("an encrypted one that somebody else can read", (tree) => withEncrypted(tree, OTHER_KEY), [
    "secrets | flux/apps/shop/staging/mail.yaml: can be read by age1other, who is not among those of .sops.yaml; sops updatekeys flux/apps/shop/staging/mail.yaml",
    "secrets | flux/apps/shop/staging/mail.yaml: can't be read by age1staging, for whom .sops.yaml wants it; sops updatekeys flux/apps/shop/staging/mail.yaml",
  ]);
  mistake(
    "an encrypted one without a rule for it",
    (tree) => {
      withEncrypted(tree, STAGING_KEY);
      tree.write(".sops.yaml", `creation_rules:\n  - path_regex: /production/\n    age: ${STAGING_KEY}\n`);
    },
    [
      "secrets | flux/apps/shop/staging/mail.yaml: is encrypted, and .sops.yaml doesn't say for whom; add a rule for it to .sops.yaml (npm run secrets -- create writes them)",
    ],
  );
  mistake(
    "an encrypted one that nothing decrypts",
    (tree) => {
      withEncrypted(tree, STAGING_KEY);
      tree.replace("flux/clusters/staging/shop.yaml", "    provider: sops\n", "    provider: none\n");
    },
    [
      "secrets | flux/clusters/staging/shop.yaml: applies encrypted Secrets and doesn't decrypt them; add spec.decryption: { provider: sops, secretRef: { name: sops-age } }",
    ],
  );
  mistake(
    "one key for two environments",
    (tree) => {
      withEncrypted(tree, STAGING_KEY);
      tree.write("flux/apps/shop/production/mail.yaml", encrypted(STAGING_KEY));
      tree.write(".sops.yaml", `creation_rules:\n  - age: ${STAGING_KEY}\n`);
    },
    [
      "secrets | flux/apps/shop/production/mail.yaml: can be read with age1staging, the key of another environment's cluster; bring back this environment's own file from Git, or remove it and run npm run secrets -- create",
      "secrets | flux/apps/shop/staging/mail.yaml: can be read with age1staging, the key of another environment's cluster; bring back this environment's own file from Git, or remove it and run npm run secrets -- create",
    ],
  );
  mistake(
    "one file of another environment among an environment's own",
    (tree) => {
      withEncrypted(tree, STAGING_KEY);
      tree.write("flux/apps/shop/production/mail.yaml", encrypted(OTHER_KEY));
      tree.write("flux/apps/shop/production/more.yaml", encrypted(OTHER_KEY));
      tree.write("flux/apps/shop/production/wrong.yaml", encrypted(STAGING_KEY));
      tree.write(`${SHOP}/more.yaml`, encrypted(STAGING_KEY));
      tree.write(
        ".sops.yaml",
        `creation_rules:\n  - path_regex: /staging/\n    age: ${STAGING_KEY}\n  - age: ${OTHER_KEY}\n`,
      );
    },
    [
      "secrets | flux/apps/shop/production/wrong.yaml: can be read by age1staging, who is not among those of .sops.yaml; sops updatekeys flux/apps/shop/production/wrong.yaml",
      "secrets | flux/apps/shop/production/wrong.yaml: can't be read by age1other, for whom .sops.yaml wants it; sops updatekeys flux/apps/shop/production/wrong.yaml",
      "secrets | flux/apps/shop/production/wrong.yaml: can be read with age1staging, the key of another environment's cluster; bring back this environment's own file from Git, or remove it and run npm run secrets -- create",
    ],
  );
  mistake(
    "a person's own copy of both",
    (tree) => {
      withEncrypted(tree, STAGING_KEY);
      tree.write(`${SHOP}/mail.yaml`, encrypted(STAGING_KEY, "mail", "age1person"));
      tree.write("flux/apps/shop/production/mail.yaml", encrypted(OTHER_KEY, "mail", "age1person"));
      tree.write(
        ".sops.yaml",
        `creation_rules:\n  - path_regex: /staging/\n    age: ${STAGING_KEY},age1person\n  - age: ${OTHER_KEY},age1person\n`,
      );
    },
    [],
  );
  mistake(
    "those of a dev overlay, which are no secrets",
    (tree) => {
      tree.write(
        "flux/apps/shop/dev/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - mail.yaml\n",
      );
      tree.write(
        "flux/apps/shop/dev/mail.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: mail\n  namespace: shop\nstringData:\n  password: CHANGE_ME\n",
      );
    },
    [],
  );

  test("one that is declared and not created yet is told, and no mistake", async () => {
    const tree = new SmallTree();
    tree.replace(WEB, "name: shop-db-app", "name: shop-mail");
    withDecryption(tree);
    const { findings, notes } = await tree.validate({
      declaredSecrets: [SHOP_MAIL],
    });
    tree.remove();

    expect(findings).toEqual([]);
    expect(notes.filter(({ pending }) => pending)).toEqual([
      {
        rule: "secrets",
        system: "flux",
        text: "1 secret is not created yet in staging (shop/shop-mail): npm run secrets -- create --environment staging",
        pending: true,
      },
    ]);
  });
});

describeWithKubectl("placeholders of a project called like one", () => {
  const project = smallProject((document) => {
    document.project = { name: "my-shop", domain: "my-shop.dev", email: "me@my-shop.dev" };
    document.environments[0].domain = "staging.my-shop.dev";
    document.github = { owner: "my-company", repository: "my-infrastructure" };
  });
  mistake(
    "its own names",
    (tree) => {
      tree.replace(`${SHOP}/ingress.yaml`, "chat.staging.example.com", "chat.staging.my-shop.dev");
      tree.replace(
        `${SHOP}/namespace.yaml`,
        "  annotations:\n",
        "  annotations:\n    owner: my-shop, my-shop-staging, me@my-shop.dev, https://github.com/my-company/my-infrastructure\n",
      );
    },
    [],
    { project },
  );
});
