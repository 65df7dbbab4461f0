{{/* What both the controller and the proxies read. Proxies read EndpointSlices as well, which the controller only lets them. */}}
{{- define "postern.rules.objects" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses, gateways, httproutes, backendtlspolicies, referencegrants]
  verbs: [get, list, watch]
- apiGroups: [agentgateway.dev]
  resources: [agentgatewaybackends]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [services, namespaces]
  verbs: [get, list, watch]
{{- end -}}

{{/* The controller must hold what it grants to proxies by name. */}}
{{- define "postern.rules.data" -}}
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, list, watch]
{{- end -}}

{{- define "postern.rbac.subjects" -}}
- kind: ServiceAccount
  name: {{ include "postern.serviceAccount.name" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
