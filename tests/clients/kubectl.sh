#!/usr/bin/env bash
# What people do with kubectl, on a node with real containers, with no check switched off. One line a step; ends with how many passed and failed.
# Usage: kubectl.sh BUILD-FOLDER [KUBECTL [PYTHON]]        (as root; it makes a network namespace of its own; PYTHON has the Python client)
set -u
[ "${KUBECTL_TEST_NETNS:-}" = 1 ] || KUBECTL_TEST_NETNS=1 exec unshare -n -- "$0" "$@"
ip link set lo up
source=$(cd "$(dirname "$0")/../.." && pwd) build=$(cd "$1" && pwd) program=${2:-kubectl} python=${3:-}
dir=$(mktemp -d /tmp/kube-kubectl.XXXXXX) pid= passed=0 failed=0
export KUBECONFIG=$dir/kubeconfig HOME=$dir
k() { timeout 60 "$program" "$@"; }
minor=$(k version --client -o json 2>/dev/null | python3 -c 'import json,re,sys; print(re.sub(r"\D", "", json.load(sys.stdin)["clientVersion"]["minor"]) or 36)')

finish() {
  [ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null
  "$build/tools/kube-all" --data-dir "$dir/data" --cleanup
  rm -rf "$dir"
}
trap finish EXIT

# step NAME COMMAND…: passes where the command does; its output is shown where it does not.
step() {
  local name=$1; shift
  if "$@" >"$dir/out" 2>&1; then passed=$((passed + 1)); echo "ok   $name"
  else failed=$((failed + 1)); echo "FAIL $name"; sed 's/^/     /' "$dir/out" | tail -n 8; fi
}
# says TEXT COMMAND…: the command's output has TEXT.
says() { local text=$1; shift; "$@" >"$dir/said" 2>&1; cat "$dir/said"; grep -qF -- "$text" "$dir/said"; }
gives() { local text=$1; shift; local got; got=$("$@" 2>"$dir/err"); echo "$got"; cat "$dir/err"; [ "$got" = "$text" ]; }
ends() { local code=$1; shift; "$@"; [ $? = "$code" ]; }
until_true() { local i; for i in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done; "$@"; }
newer() { [ "$minor" -ge "$1" ]; }

for v in 1 2; do
  python3 "$source/doc/examples/make-image.py" "$dir/image$v" "hello from version $v"
  "$build/tools/kube-image" --data-dir "$dir/data" import "$dir/image$v" localhost/web:$v >/dev/null || exit 1
done
: >"$dir/ready"
"$build/tools/kube-all" --data-dir "$dir/data" --write-kubeconfig "$KUBECONFIG" --bind-address 127.0.0.1 --node-name here >"$dir/ready" 2>"$dir/log" &
pid=$!
until grep -q '^ready ' "$dir/ready"; do kill -0 $pid 2>/dev/null || { cat "$dir/log"; exit 1; }; sleep 0.02; done
cp "$source/doc/examples/web.yaml" "$dir/web.yaml"
sed 's/replicas: 3/replicas: 4/' "$dir/web.yaml" >"$dir/web4.yaml"
pod() { k get pods -l app=web --field-selector status.phase=Running -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}' | head -n 1; }
rolled() { k rollout status deployment/web --timeout=60s; }

step "version" says 'v1.36' k version
step "api-resources" says 'deployments' k api-resources
step "explain" says workingDir k explain pod.spec.containers
step "apply" says created k apply -f "$dir/web.yaml"
step "rollout status" rolled
step "apply again changes nothing" says unchanged k apply -f "$dir/web.yaml"
step "apply refuses an unknown field" ends 1 bash -c "sed 's/replicas:/replicaz:/' '$dir/web.yaml' | $program apply -f -"
if newer 22; then
  step "apply --server-side" says serverside-applied k apply --server-side -f "$source/doc/examples/web.yaml"
  step "apply --server-side by another is a conflict" says 'conflict with "kubectl"' k apply --server-side --field-manager=other -f "$dir/web4.yaml"
  step "apply --server-side --force-conflicts" says serverside-applied k apply --server-side --field-manager=other --force-conflicts -f "$dir/web4.yaml"
  step "get --show-managed-fields" says 'manager: other' k get deployment web -o yaml --show-managed-fields
  step "apply is what it was before" says serverside-applied k apply --server-side --field-manager=other --force-conflicts -f "$dir/web.yaml"
fi
step "diff" ends 1 k diff -f "$dir/web4.yaml"
step "get" says web k get deployments,replicasets,pods
step "get -o wide" says here k get pods -o wide
step "get -o yaml" says 'kind: Deployment' k get deployment web -o yaml
step "get -o json" says '"kind": "Deployment"' k get deployment web -o json
step "get -o name" gives deployment.apps/web k get deployment -o name
step "get -o jsonpath" gives 3 k get deployment web -o jsonpath='{.spec.replicas}'
step "get -l" says web- k get pods -l app=web
step "get --field-selector" says web- k get pods --field-selector status.phase=Running
step "get -A" says kube-system k get serviceaccounts -A
step "get -w" says web- timeout 3 "$program" get pods -w
step "describe deployment" says 'ScalingReplicaSet' k describe deployment web
step "describe pod" says 'Started' k describe pod "$(pod)"
step "describe node" says 'Allocated resources' k describe node here
step "label" says labeled k label deployment web tier=front
step "annotate" says annotated k annotate deployment web note=here
step "edit" env EDITOR="sed -i s/tier:\ front/tier:\ back/" "$program" edit deployment web
step "edit took effect" gives back k get deployment web -o jsonpath='{.metadata.labels.tier}'
step "patch (strategic)" says patched k patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}'
step "patch (merge)" says patched k patch deployment web --type merge -p '{"metadata":{"labels":{"m":"1"}}}'
step "patch (json)" says patched k patch deployment web --type json -p '[{"op":"add","path":"/metadata/labels/j","value":"1"}]'
step "rollout after patch" rolled
step "scale" k scale deployment/web --replicas=2
step "rollout after scale" rolled
step "set image" k set image deployment/web web=localhost/web:2
step "rollout after set image" rolled
step "the new version answers" says 'version 2' curl -sS -m 5 "http://$(k get pod "$(pod)" -o jsonpath='{.status.podIP}'):8080/"
step "rollout history" says REVISION k rollout history deployment/web
step "rollout history --revision" says localhost/web:1 k rollout history deployment/web --revision=1
step "rollout undo" k rollout undo deployment/web
step "rollout after undo" rolled
step "the old version answers" says 'version 1' curl -sS -m 5 "http://$(k get pod "$(pod)" -o jsonpath='{.status.podIP}'):8080/"
step "rollout pause" says paused k rollout pause deployment/web
step "rollout resume" says resumed k rollout resume deployment/web
step "rollout restart" says restarted k rollout restart deployment/web
step "rollout after restart" rolled
step "logs" says serving k logs "$(pod)"
step "logs --tail --timestamps" says 'Z serving' k logs --tail=1 --timestamps "$(pod)"
step "logs -f" says serving timeout 3 "$program" logs -f "$(pod)"
step "logs of a Deployment" says serving k logs deployment/web
step "exec" gives hi k exec "$(pod)" -- echo hi
step "exec keeps the exit code" ends 7 k exec "$(pod)" -- sh -c 'exit 7'
step "exec with stdin" gives in bash -c "echo in | $program exec -i $(pod) -- cat"
step "exec with a tty" says yes script -qec "$program exec -it $(pod) -- sh -c 'test -t 0 && echo yes'" /dev/null
echo payload >"$dir/file"
step "cp to a pod" k cp "$dir/file" "$(pod):/tmp/file"
step "cp arrived" gives payload k exec "$(pod)" -- cat /tmp/file
step "cp from a pod" k cp "$(pod):/tmp/file" "$dir/back"
step "cp came back" cmp "$dir/file" "$dir/back"
step "wait --for=condition" k wait --for=condition=Available deployment/web --timeout=30s
step "expose" says exposed k expose deployment web --port=80 --target-port=8080
step "endpoints follow" until_true says :8080 k get endpoints web
step "run" says created k run once --image=localhost/web:1 --restart=Never --command -- sh -c 'echo done; exit 3'
step "run ends" until_true says Failed k get pod once -o jsonpath='{.status.phase}'
step "logs of a finished pod" gives done k logs once
step "run restarting" k run crash --image=localhost/web:1 --command -- sh -c 'echo again; exit 1'
step "logs --previous" until_true says again k logs --previous crash
step "create configmap, secret, namespace" bash -c "$program create configmap c --from-literal=a=b && $program create secret generic s --from-literal=a=b && $program create namespace n"
step "create deployment" says created k create deployment made --image=localhost/web:1
newer 24 && step "create token" says ey k create token default
step "auth can-i" gives yes k auth can-i create pods
step "auth can-i --as" gives no k auth can-i create pods --as nobody
newer 26 && step "events" says Scheduled k events
step "get events" says Scheduled k get events
step "port-forward" bash -c "$program port-forward $(pod) 18080:8080 & p=\$!; for i in \$(seq 50); do curl -sf -m 1 http://127.0.0.1:18080/ && ok=1 && break; sleep 0.1; done; kill \$p; [ \"\${ok:-}\" = 1 ]"
mkdir -p "$dir/kustom" && k create deployment kust --image=localhost/web:1 --replicas=1 --dry-run=client -o yaml >"$dir/kustom/deployment.yaml"
printf '%s\n' 'namePrefix: my-' 'configMapGenerator: [{name: settings, literals: [a=b]}]' 'resources: [deployment.yaml]' >"$dir/kustom/kustomization.yaml"
step "apply -k" says deployment.apps/my-kust k apply -k "$dir/kustom"
step "rollout of what kustomize made" k rollout status deployment/my-kust --timeout=60s
step "delete -k" says my-kust k delete -k "$dir/kustom"
step "set env, set resources" bash -c "$program set env deployment/web A=B && $program set resources deployment/web --limits=cpu=200m"
step "rollout after set" rolled
step "cordon, taint, uncordon" bash -c "$program cordon here && $program taint nodes here a=b:NoSchedule && $program taint nodes here a- && $program uncordon here"
step "drain" says drained k drain here --ignore-daemonsets --force --timeout=60s
step "uncordon" k uncordon here
step "rollout after drain" rolled
newer 28 && step "auth whoami" says system:masters k auth whoami
[ -z "$python" ] || step "streams of the Python client" "$python" "$source/tests/clients/python/streams.py" "$(pod)" 8080
step "delete --cascade=orphan" k delete deployment made $(newer 21 && echo --cascade=orphan || echo --cascade=false)
step "orphans stay" says made- k get replicasets
step "delete (foreground)" k delete deployment web $(newer 21 && echo --cascade=foreground) --timeout=30s
step "nothing of it stays" until_true gives '' k get pods -l app=web -o name
step "delete namespace" k delete namespace n --timeout=30s
step "delete all" k delete pods,services,replicasets --all --timeout=40s
newer 21 || echo "(kubectl 1.$minor: steps of newer versions left out)"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
