/** A kubeconfig as DigitalOcean gives it, of a cluster that isn't there. */
export const KUBECONFIG = `apiVersion: v1
kind: Config
clusters:
  - name: do-nyc3-c
    cluster:
      server: https://127.0.0.1:1
contexts:
  - name: do-nyc3-c
    context:
      cluster: do-nyc3-c
      user: do-nyc3-c-admin
current-context: do-nyc3-c
users:
  - name: do-nyc3-c-admin
    user:
      token: a-token-of-the-cluster
`;
