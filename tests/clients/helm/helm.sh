#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of a release of the chart that helm itself makes, with what a server is asked for on the way: capabilities, lookups, waits, revisions in Secrets.
# Usage: helm.sh HELM KUBECTL        with KUBECONFIG naming the cluster's administrator
set -u
helm=$(realpath "$1") kubectl=$(realpath "$2") dir=$(mktemp -d) passed=0 failed=0
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# step NAME TEXT COMMAND…: the command ends well and its output has the text.
step() {
  local name=$1 text=$2; shift 2
  if "$@" >out 2>&1 && grep -qF -- "$text" out; then passed=$((passed + 1)); echo "ok   $name"
  else failed=$((failed + 1)); echo "FAIL $name"; sed 's/^/     /' out | tail -n 12; fi
}
h() { timeout 120 "$helm" -n shop "$@"; }
k() { timeout 60 "$kubectl" -n shop "$@"; }
refused() { ! h "$@"; }
settings() { cat <<YAML
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-settings}
data:
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  disruption: {{ .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" | quote }}
  nodes: {{ (lookup "v1" "Node" "" "").items | default list | len | quote }}
YAML
}

step "create" Creating "$helm" create web
settings >web/templates/settings.yaml
step "lint" '0 chart(s) failed' h lint web
step "template" 'kind: Deployment' h template web web
step "install --dry-run=server" 'STATUS: pending-install' h install web web --create-namespace --dry-run=server
step "install --wait" 'STATUS: deployed' h install web web --create-namespace --wait --timeout 60s
step "a chart sees the server" 'v1.36' k get configmap web-settings -o jsonpath='{.data.version}'
step "its kinds" true k get configmap web-settings -o jsonpath='{.data.disruption}'
step "and its objects" 1 k get configmap web-settings -o jsonpath='{.data.nodes}'
step "install a name that is taken" 'cannot re-use a name' refused install web web
step "list" web-0.1.0 h list
step "status --show-resources" 'v1/Pod(related)' h status web --show-resources
step "get manifest" 'kind: ServiceAccount' h get manifest web
step "upgrade --wait" 'REVISION: 2' h upgrade web web --set replicaCount=3 --set ingress.enabled=true --set autoscaling.enabled=false --wait --timeout 60s
step "what was upgraded" 3 k get deployment web -o jsonpath='{.status.availableReplicas}'
step "what was added" web k get ingress -o name
step "upgrade that the server refuses" 'must be greater than or equal to 0' refused upgrade web web --reuse-values --set replicaCount=-1
step "rollback" 'Rollback was a success' h rollback web 1 --wait --timeout 60s
step "what was rolled back" 1 k get deployment web -o jsonpath='{.spec.replicas}'
step "what had been added is gone" 'No resources found' k get ingress
step "history" 'Rollback to 1' h history web
step "revisions are Secrets" sh.helm.release.v1.web.v4 k get secrets --field-selector type=helm.sh/release.v1 -o name
step "upgrade --install --atomic" 'REVISION: 5' h upgrade --install --atomic web web --set service.type=NodePort --timeout 60s
step "uninstall --wait" 'uninstalled' h uninstall web --wait --timeout 60s
step "nothing of it stays" 'No resources found' k get deployments,services,ingresses,pods,secrets -l app.kubernetes.io/instance=web
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
