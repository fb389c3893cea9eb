{{- define "dragoman.labels" -}}
app.kubernetes.io/name: dragoman
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dragoman.name" -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "dragoman.claim" -}}
{{ .Values.files.existingClaim | default (printf "%s-files" (include "dragoman.name" .)) }}
{{- end }}
