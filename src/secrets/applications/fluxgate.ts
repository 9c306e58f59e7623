import type { ApplicationSecret } from "../application-secret";

const FOLDER = "flux/apps/fluxgate";
const NAMESPACE = "fluxgate";
const WITHOUT_CLIENT =
  "the backend refuses the edge server, which is not ready then; create a client in the backend, then give its values";

/** What fluxgate's two configurations need. CloudNativePG makes the credentials of its database. */
export const fluxgateSecrets: readonly ApplicationSecret[] = [
  {
    folder: FOLDER,
    name: "fluxgate-jwt",
    namespace: NAMESPACE,
    // 64 characters; the document asks for 32 at least.
    values: {
      secret: {
        random: "hex",
        bytes: 32,
        rotation: { after: "kubectl -n fluxgate rollout restart deployment; everybody signs in again" },
      },
    },
  },
  {
    folder: FOLDER,
    name: "fluxgate-edge-client",
    namespace: NAMESPACE,
    // The backend makes both when a client is created in it, so they can't be random here.
    values: {
      id: {
        variable: "FLUXGATE_CLIENT_ID",
        what: "the ID of the edge server's client in fluxgate's backend",
        withoutIt: WITHOUT_CLIENT,
      },
      secret: {
        variable: "FLUXGATE_CLIENT_SECRET",
        what: "the API key of that client, which the backend shows once",
        withoutIt: WITHOUT_CLIENT,
      },
    },
  },
];
