{{/* The file that `postern controller --config` reads. */}}
{{- define "postern.controller.config" -}}
controllerName: {{ .Values.controllerName }}
gatewayClasses: {{ include "postern.gatewayClasses" . }}
leaseName: {{ include "postern.controller.name" . }}
proxyClusterRole: {{ include "postern.proxy.clusterRole" . }}
allowExternalNameServices: {{ .Values.allowExternalNameServices }}
proxy:
  {{- $proxy := deepCopy .Values.proxy }}
  {{- $_ := set $proxy "image" (include "postern.image" (list . .Values.proxy.image) | fromYaml) }}
  {{- $_ := set $proxy "imagePullSecrets" (.Values.proxy.imagePullSecrets | default .Values.imagePullSecrets) }}
  {{- $_ := set $proxy "extraEnv" (include "postern.environment.strings" .Values.proxy.extraEnv | fromJson) }}
  {{- toYaml $proxy | nindent 2 }}
{{- end -}}
