{{/* Images. Both take a list: the root, and the image of a component, whose empty keys are those of `image`. */}}

{{- define "postern.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $common := $root.Values.image -}}
{{- dict
  "registry" ($image.registry | default $common.registry)
  "repository" ($image.repository | default $common.repository)
  "tag" ($image.tag | default $common.tag | default $root.Chart.AppVersion)
  "pullPolicy" ($image.pullPolicy | default $common.pullPolicy)
  | toYaml -}}
{{- end -}}

{{- define "postern.image.reference" -}}
{{- $image := include "postern.image" . | fromYaml -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ $image.tag }}
{{- end -}}
