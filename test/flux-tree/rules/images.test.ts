import { isExact } from "../../../src/flux-tree/rules/images";
import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const image = "docker.io/library/web:1.2.3";

describeWithKubectl("images", () => {
  mistake("latest", (tree) => tree.replace(WEB, image, "docker.io/library/web:latest"), [
    "images | Deployment shop/web in flux/apps/shop/staging: container web has the image docker.io/library/web:latest, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
  ]);
  mistake("no tag", (tree) => tree.replace(WEB, image, "docker.io/library/web"), [
    "images | Deployment shop/web in flux/apps/shop/staging: container web has the image docker.io/library/web, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
  ]);
  mistake("a tag that moves", (tree) => tree.replace(`${SHOP}/report.yaml`, ":v2.0.1", ":v2"), [
    "images | CronJob shop/report in flux/apps/shop/staging: container report has the image registry.example.com/report:v2, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
  ]);
  mistake(
    "no marker for Renovate",
    (tree) =>
      tree.replace(WEB, "          # renovate: datasource=docker depName=docker.io/library/web\n", ""),
    [
      "images | flux/apps/shop/staging/web.yaml:29: the image docker.io/library/web has no marker for Renovate, so it would never be updated; write the line before it: # renovate: datasource=docker depName=docker.io/library/web",
    ],
  );
  mistake(
    "the marker of another image",
    (tree) => tree.replace(WEB, "depName=docker.io/library/web", "depName=docker.io/library/wep"),
    [
      "images | flux/apps/shop/staging/web.yaml:30: the image docker.io/library/web has no marker for Renovate, so it would never be updated; write the line before it: # renovate: datasource=docker depName=docker.io/library/web",
    ],
  );
  mistake(
    "a tag that moves in the values of a chart",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "  values:\n",
        "  values:\n    image:\n      repository: registry.k8s.io/metrics-server/metrics-server\n      tag: latest\n",
      ),
    [
      "images | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: its values have the image registry.k8s.io/metrics-server/metrics-server:latest, which is not an exact version; name a whole version in tag, or leave the image to the chart, whose version is exact",
    ],
  );
  mistake(
    "an init container in the values of a chart",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "  values:\n",
        "  values:\n    initContainers:\n      - name: plugin\n        # renovate: datasource=docker depName=docker.io/velero/plugin\n        image: docker.io/velero/plugin:latest\n",
      ),
    [
      "images | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: values.initContainers.0.image is the image docker.io/velero/plugin:latest, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
    ],
  );
  mistake(
    "an image and its tag beside it",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "  values:\n",
        "  values:\n    plugin:\n      image: docker.io/velero/plugin\n      tag: 1.2.3\n",
      ),
    [],
  );
  mistake(
    "a range of versions of a chart",
    (tree) => tree.replace(`${SHOP}/release.yaml`, "version: 3.13.1", "version: 3.x"),
    [
      "images | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: takes the chart metrics-server in the version 3.x, which is not an exact one; name a whole version such as 1.2.3",
    ],
  );
  mistake(
    "no version of a chart",
    (tree) => tree.replace(`${SHOP}/release.yaml`, "      version: 3.13.1\n", ""),
    [
      "images | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: takes whatever version of the chart metrics-server is the newest; name a whole version such as 1.2.3",
    ],
  );
  mistake(
    "a database without one",
    (tree) => tree.replace(`${SHOP}/database.yaml`, "imageName: ", "imageNamed: "),
    ["images | Cluster shop/shop-db in flux/apps/shop/staging: the database names no image; name one"],
  );
});

test.each([
  ["a:1.2.3", true],
  ["a:v1.2.3-alpine", true],
  ["ghcr.io/b/a:2.17.2-pg16", true],
  ["a:17.6-bookworm", true],
  [`a@sha256:${"0".repeat(64)}`, true],
  ["a:1.2", false],
  ["a:17-bookworm", false],
  ["a:stable", false],
  ["localhost:5000/a", false],
])("%s is exact: %s", (name, exact) => {
  expect(isExact(name)).toBe(exact);
});
