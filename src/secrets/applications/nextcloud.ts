import type { ApplicationSecret } from "../application-secret";

/** What Nextcloud needs beside its database, whose credentials CloudNativePG makes. */
export const nextcloudSecrets: readonly ApplicationSecret[] = [
  {
    folder: "flux/apps/nextcloud",
    // Read at the first installation only: later the password is changed in Nextcloud.
    name: "nextcloud-admin",
    namespace: "nextcloud",
    values: {
      username: { template: "admin" },
      password: {
        random: "base64url",
        bytes: 24,
        rotation: {
          procedure:
            "Nextcloud keeps the old password. Change it there (Personal settings, Security, or php occ user:resetpassword admin in the pod) to the value of key password that {edit} shows",
        },
      },
    },
  },
];
