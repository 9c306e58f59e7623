{{/*
Labels of an object. Arguments: root, component. Never for a pod: Flux puts the commit into the chart's version, so
every commit would restart every pod.
*/}}
{{- define "fade.labels" -}}
{{ include "fade.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Labels that select the pods of a component, and that never change. Arguments: root, component. */}}
{{- define "fade.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Reference of an image. Arguments: root, image. */}}
{{- define "fade.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{- printf "%s:%s" .image.repository $tag -}}
{{- with .image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{/* Number of nodes: the explicit value before the dynamic configuration. */}}
{{- define "fade.nodeCount" -}}
{{- int (.Values.nodes.replicaCount | default .Values.applications.fade.replicas) -}}
{{- end }}

{{/* Every node with its HTTP port, as `<pod>.<headless service>:<port>`, which the StatefulSet makes predictable. */}}
{{- define "fade.nodeAddresses" -}}
{{- $addresses := list -}}
{{- range $index := until (int (include "fade.nodeCount" .)) -}}
{{- $addresses = append $addresses (printf "repram-node-%d.repram-nodes:%d" $index (int $.Values.nodes.httpPort)) -}}
{{- end -}}
{{- join "," $addresses -}}
{{- end }}

{{/*
Requests and limits of a component, as YAML: the explicit `resources`, else its `profile`, else the fallback.
Arguments: root, component (its key in the values), fallback.
*/}}
{{- define "fade.resources" -}}
{{- $values := index .root.Values .component -}}
{{- if $values.resources -}}
{{- toYaml $values.resources -}}
{{- else if $values.profile -}}
{{- $profiles := .root.Values.resourceProfiles -}}
{{- if not (hasKey $profiles $values.profile) -}}
{{- $known := keys $profiles | sortAlpha | join ", " | default "none" -}}
{{- fail (printf "%s.profile: there is no resource profile %q in infrastructure-config, only: %s. Choose one of them, or state %s.resources" .component $values.profile $known .component) -}}
{{- end -}}
{{- toYaml (index $profiles $values.profile) -}}
{{- else -}}
{{- toYaml .fallback -}}
{{- end -}}
{{- end }}

{{/* Requests and limits of a node, its ephemeral storage among them, as YAML. */}}
{{- define "fade.nodeResources" -}}
{{- $resources := include "fade.resources" (dict "root" . "component" "nodes" "fallback" .Values.applications.fade.resources) | fromYaml -}}
{{- with .Values.nodes.ephemeralStorage -}}
{{- $_ := set $resources.requests "ephemeral-storage" .request -}}
{{- $_ := set $resources.limits "ephemeral-storage" .limit -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end }}

{{/* What the Pod Security Standard "restricted" asks of a pod. */}}
{{- define "fade.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.runAsUser }}
runAsGroup: {{ .Values.runAsUser }}
fsGroup: {{ .Values.runAsUser }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What it asks of a container, and a root file system that can't be written. */}}
{{- define "fade.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}

{{/* Pods of a component are spread over the nodes of the Kubernetes cluster. Arguments: root, component. */}}
{{- define "fade.topologySpread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  # Not DoNotSchedule: more replicas than machines are better than missing ones.
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "fade.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* More variables of a component, as YAML. Arguments: component (its key in the values), env, reserved. */}}
{{- define "fade.env" -}}
{{- range $name, $value := .env }}
{{- if has $name $.reserved }}
{{- fail (printf "%s.env.%s: the chart sets this variable itself. Change the value that it follows from (README.md)" $.component $name) }}
{{- end }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Environment of the server; it restarts when this changes, for instance with the number of nodes. */}}
{{- define "fade.serverConfig" -}}
{{- $nodes := include "fade.nodeAddresses" . -}}
PORT: {{ .Values.fade.service.port | quote }}
REPRAM_NODES: {{ $nodes | quote }}
{{- /* The same nodes as URLs, which is how the published server wants them. */}}
FADE_NODES: {{ printf "http://%s" ($nodes | replace "," ",http://") | quote }}
{{- include "fade.env" (dict "component" "fade" "env" .Values.fade.env "reserved" (list "PORT" "REPRAM_NODES" "FADE_NODES")) }}
{{- end }}

{{/*
Environment of the nodes, apart from the list of their peers: a node restarts when this changes, but not when another
one joins, since its messages would be lost.
*/}}
{{- define "fade.nodeConfig" -}}
REPRAM_PORT: {{ .Values.nodes.httpPort | quote }}
REPRAM_GOSSIP_PORT: {{ .Values.nodes.gossipPort | quote }}
{{- /* A write waits for a majority of so many nodes: not more than there are. */}}
REPLICATION_FACTOR: {{ min 3 (int (include "fade.nodeCount" .)) | quote }}
{{- include "fade.env" (dict "component" "nodes" "env" .Values.nodes.env "reserved" (list "REPRAM_NODE_ID" "NODE_ADDRESS" "REPRAM_PORT" "REPRAM_GOSSIP_PORT" "REPRAM_BOOTSTRAP_PEERS" "REPLICATION_FACTOR")) }}
{{- end }}

{{/* DNS, for the egress of a network policy. */}}
{{- define "fade.allowDns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end }}
