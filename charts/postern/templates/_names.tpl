{{/* Names and labels. Names leave room for the suffixes of objects. */}}

{{- define "postern.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "postern.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "postern.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "postern.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The controller's objects have a suffix: what belongs to a Gateway has the Gateway's name, which may be the release's. */}}
{{- define "postern.controller.name" -}}
{{- include "postern.fullname" . }}-controller
{{- end -}}

{{- define "postern.proxy.clusterRole" -}}
{{- include "postern.fullname" . }}-proxy
{{- end -}}

{{- define "postern.serviceAccount.name" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "postern.controller.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "postern.labels" -}}
{{- $labels := dict
  "app.kubernetes.io/name" "postern"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- toYaml (mergeOverwrite (deepCopy .Values.commonLabels) $labels) -}}
{{- end -}}

{{/* Pods of proxies have the first of these labels as well, and for instance the name of their Gateway: the component tells apart. */}}
{{- define "postern.controller.selector" -}}
app.kubernetes.io/name: postern
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "postern.controller.labels" -}}
{{ include "postern.labels" . }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "postern.proxy.labels" -}}
{{ include "postern.labels" . }}
app.kubernetes.io/component: proxy
{{- end -}}

{{/* Selects the pods of the proxies of every Gateway of our classes, in whatever namespace. */}}
{{- define "postern.proxy.selector" -}}
matchLabels:
  app.kubernetes.io/name: postern
  app.kubernetes.io/managed-by: postern
matchExpressions:
  - key: gateway.networking.k8s.io/gateway-class-name
    operator: In
    values: {{ include "postern.gatewayClasses" . }}
{{- end -}}

{{- define "postern.gatewayClasses" -}}
{{- if .Values.gatewayClassName -}}
{{- list .Values.gatewayClassName | toJson -}}
{{- else -}}
{{- .Values.gatewayClasses | toJson -}}
{{- end -}}
{{- end -}}
