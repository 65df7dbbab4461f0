{{/* A map of strings, numbers and booleans as one of strings. (Numbers by JSON: Go prints a million as 1e+06.) */}}
{{- define "postern.environment.strings" -}}
{{- $strings := dict -}}
{{- range $name, $value := . -}}
{{- $_ := set $strings $name (kindIs "string" $value | ternary $value (toJson $value)) -}}
{{- end -}}
{{- toJson $strings -}}
{{- end -}}

{{- define "postern.controller.environment" -}}
{{- $own := dict "RUST_LOG" .Values.controller.logLevel "LOG_FORMAT" .Values.controller.logFormat -}}
{{- $extra := include "postern.environment.strings" .Values.controller.extraEnv | fromJson -}}
{{- range $name, $value := mergeOverwrite $own $extra }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}
