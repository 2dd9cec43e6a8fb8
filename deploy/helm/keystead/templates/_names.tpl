{{/* What everything is called: the release, with `keystead` in its name. */}}
{{- define "keystead.name" -}}
{{- if contains "keystead" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-keystead" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keystead.selector" -}}
app.kubernetes.io/name: keystead
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "keystead.labels" -}}
{{ include "keystead.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "keystead.scheme" -}}
{{- if .Values.tls.secret }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}

{{/* What can't work is refused before anything is made. */}}
{{- define "keystead.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.database.url) -}}
{{- fail "replicas: several need database.url; SQLite is for one." -}}
{{- end -}}
{{- if eq (empty .Values.rootKey.secret) (empty .Values.rootKey.volume) -}}
{{- fail "rootKey: give secret or volume, one of them." -}}
{{- end -}}
{{- if eq (empty .Values.tls.secret) (not .Values.tls.insecureHttp) -}}
{{- fail "tls: give secret or insecureHttp, one of them." -}}
{{- end -}}
{{- end -}}
