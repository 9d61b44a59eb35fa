// SPDX-License-Identifier: LGPL-2.1-or-later
package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"

	"libkube.example/clients/check"
)

var (
	always   = metav1.CreateOptions{}
	fetch    = metav1.GetOptions{}
	replace  = metav1.UpdateOptions{}
	remove   = metav1.DeleteOptions{}
	everyOne = metav1.ListOptions{}
)

func notFound(err error) error {
	return check.That(apierrors.IsNotFound(err), "expected NotFound, got: %v", err)
}

func configMap(name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"key": value}}
}

func (s *session) deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example/app:1"}}}}},
	}
}

// CBOR is off in v1.36: a client of each group is told so once, and sends JSON from then on.
func (s *session) cborIsRefused(ctx context.Context) error {
	for _, c := range []struct {
		client     rest.Interface
		resource   string
		namespaced bool
		object     runtime.Object
	}{
		{s.typed.CoreV1().RESTClient(), "configmaps", true, configMap("cbor", "")},
		{s.typed.AppsV1().RESTClient(), "deployments", true, s.deployment("cbor", 1)},
		{s.typed.AuthenticationV1().RESTClient(), "selfsubjectreviews", false, &authenticationv1.SelfSubjectReview{}},
		{s.typed.AuthorizationV1().RESTClient(), "selfsubjectaccessreviews", false, &authorizationv1.SelfSubjectAccessReview{}},
		{s.typed.AutoscalingV1().RESTClient(), "horizontalpodautoscalers", true, &autoscalingv1.HorizontalPodAutoscaler{}},
	} {
		err := c.client.Post().NamespaceIfScoped("default", c.namespaced).Resource(c.resource).Body(c.object).Do(ctx).Error()
		if !apierrors.IsUnsupportedMediaType(err) {
			return fmt.Errorf("%s: expected UnsupportedMediaType, got: %v", c.resource, err)
		}
	}
	_, err := s.dynamic.Resource(leases).Namespace("default").Create(ctx, &unstructured.Unstructured{}, always)
	return check.That(apierrors.IsUnsupportedMediaType(err), "expected UnsupportedMediaType, got: %v", err)
}

// negotiate asks for protobuf, CBOR and what no server has, and looks at what came.
func (s *session) negotiate(ctx context.Context) error {
	for _, c := range []struct{ accept, comes string }{
		{"application/json", "application/json"},
		{"application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf"},
		{"application/vnd.kubernetes.protobuf;q=0.5,application/json", "application/json"},
		{"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "application/vnd.kubernetes.protobuf"},
		{"application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1", "application/json"},
		{"application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1", ""},
		{"application/cbor,application/json;q=0.9", "application/json"},
		{"application/yaml", "application/yaml"},
		{"application/cbor", ""},
		{"image/png", ""},
	} {
		var got string
		result := s.typed.CoreV1().RESTClient().Get().SetHeader("Accept", c.accept).Resource("namespaces").Name(s.namespace).Do(ctx).ContentType(&got)
		if c.comes == "" {
			if err := result.Error(); !apierrors.IsNotAcceptable(err) {
				return fmt.Errorf("%s: expected NotAcceptable, got: %v", c.accept, err)
			}
			continue
		}
		if err := check.First(result.Error(), check.Equal("for "+c.accept+" the Content-Type", got, c.comes)); err != nil {
			return err
		}
	}
	var got string
	missing := s.typed.CoreV1().RESTClient().Get().SetHeader("Accept", encodings["protobuf"]).Resource("namespaces").Name("nosuch").Do(ctx).ContentType(&got)
	return check.First(check.That(notFound(missing.Error()) == nil, "expected NotFound, got: %v", missing.Error()),
		check.Equal("an error's Content-Type", got, encodings["protobuf"]))
}

func (s *session) discover(ctx context.Context) error {
	version, err := s.typed.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	groups, resources, err := s.typed.Discovery().ServerGroupsAndResources()
	if err != nil {
		return err
	}
	preferred, err := s.typed.Discovery().ServerPreferredResources()
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, list := range resources {
		for _, r := range list.APIResources {
			names[list.GroupVersion+" "+r.Name] = true
		}
	}
	for _, name := range []string{"v1 pods", "v1 pods/exec", "apps/v1 deployments/scale", "rbac.authorization.k8s.io/v1 clusterroles"} {
		if !names[name] {
			return fmt.Errorf("no %s", name)
		}
	}
	return check.First(check.Equal("version", version.Major+"."+version.Minor, "1.36"),
		check.That(len(groups) > 15 && len(preferred) > 15, "only %d groups, %d preferred", len(groups), len(preferred)))
}

func (s *session) readOpenAPI(ctx context.Context) error {
	paths, err := s.typed.Discovery().OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	apps, found := paths["apis/apps/v1"]
	if !found {
		return fmt.Errorf("no apis/apps/v1 among %d documents", len(paths))
	}
	document, err := apps.Schema("application/json")
	if err != nil {
		return err
	}
	return check.That(strings.Contains(string(document), "io.k8s.api.apps.v1.DeploymentSpec"), "no DeploymentSpec in apis/apps/v1")
}

func (s *session) lifeOfAConfigMap(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	dry, err := maps.Create(ctx, configMap("life", "one"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return err
	}
	made, err := maps.Create(ctx, configMap("life", "one"), always)
	if err != nil {
		return err
	}
	made.Data["key"], made.BinaryData = "two", map[string][]byte{"bytes": {0, 255, 128}}
	updated, err := maps.Update(ctx, made, replace)
	if err != nil {
		return err
	}
	got, err := maps.Get(ctx, "life", fetch)
	if err != nil {
		return err
	}
	if err := maps.Delete(ctx, "life", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &got.UID}}); err != nil {
		return err
	}
	_, err = maps.Get(ctx, "life", fetch)
	return check.First(notFound(err),
		check.That(dry.UID != "" && dry.UID != made.UID, "dry run: uid %q", dry.UID),
		check.That(made.UID != "" && time.Since(made.CreationTimestamp.Time) < time.Minute, "made at %v", made.CreationTimestamp),
		check.That(equality.Semantic.DeepEqual(updated, got), "updated %v, got %v", updated, got),
		check.That(got.ResourceVersion != dry.ResourceVersion && reflect.DeepEqual(got.BinaryData, made.BinaryData), "got %v", got))
}

func (s *session) errors(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	_, missing := maps.Get(ctx, "none", fetch)
	_, root := maps.Get(ctx, "kube-root-ca.crt", fetch)
	if root != nil {
		return root
	}
	_, exists := maps.Create(ctx, configMap("kube-root-ca.crt", ""), always)
	_, invalid := maps.Create(ctx, configMap("Not_A_Name", ""), always)
	_, nowhere := s.typed.CoreV1().ConfigMaps("nowhere").Create(ctx, configMap("a", ""), always)
	_, tooLarge := maps.Create(ctx, configMap("large", strings.Repeat("x", 4<<20)), always)
	wrong := types.UID("11111111-2222-3333-4444-555555555555")
	conflict := maps.Delete(ctx, "kube-root-ca.crt", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	_, bad := maps.List(ctx, metav1.ListOptions{FieldSelector: "data.key=1"})
	status, _ := invalid.(apierrors.APIStatus)
	return check.First(notFound(missing),
		check.That(apierrors.IsAlreadyExists(exists), "expected AlreadyExists: %v", exists),
		check.That(apierrors.IsInvalid(invalid), "expected Invalid: %v", invalid),
		check.That(len(status.Status().Details.Causes) == 1 && status.Status().Details.Causes[0].Field == "metadata.name", "causes of %v", invalid),
		check.That(apierrors.IsNotFound(nowhere), "expected NotFound: %v", nowhere),
		check.That(apierrors.IsRequestEntityTooLargeError(tooLarge), "expected RequestEntityTooLarge: %.200v", tooLarge),
		check.That(apierrors.IsConflict(conflict), "expected Conflict: %v", conflict),
		check.That(apierrors.IsBadRequest(bad), "expected BadRequest: %v", bad))
}

func (s *session) conflict(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	stale, err := maps.Create(ctx, configMap("conflict", "0"), always)
	if err != nil {
		return err
	}
	if _, err := maps.Update(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "conflict"}, Data: map[string]string{"a": "b"}}, replace); err != nil {
		return err
	}
	_, refused := maps.Update(ctx, stale, replace)
	attempts := 0
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		attempts++
		if attempts > 1 {
			if stale, err = maps.Get(ctx, "conflict", fetch); err != nil {
				return err
			}
		}
		stale.Data = map[string]string{"c": "d"}
		_, err := maps.Update(ctx, stale, replace)
		return err
	})
	return check.First(err, check.Equal("attempts", attempts, 2), check.That(apierrors.IsConflict(refused), "expected Conflict: %v", refused))
}

func (s *session) patches(ctx context.Context) error {
	deployments := s.typed.AppsV1().Deployments(s.namespace)
	if _, err := deployments.Create(ctx, s.deployment("patched", 1), always); err != nil {
		return err
	}
	strategic := `{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"registry.example/side:1"},{"$patch":"delete","name":"none"}]}}}}`
	if _, err := deployments.Patch(ctx, "patched", types.StrategicMergePatchType, []byte(strategic), metav1.PatchOptions{}); err != nil {
		return err
	}
	merge := `{"metadata":{"labels":{"app":null,"merged":"yes"}}}`
	if _, err := deployments.Patch(ctx, "patched", types.MergePatchType, []byte(merge), metav1.PatchOptions{}); err != nil {
		return err
	}
	list := `[{"op":"test","path":"/metadata/labels/merged","value":"yes"},{"op":"replace","path":"/spec/replicas","value":0}]`
	got, err := deployments.Patch(ctx, "patched", types.JSONPatchType, []byte(list), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	_, failed := deployments.Patch(ctx, "patched", types.JSONPatchType, []byte(`[{"op":"test","path":"/spec/replicas","value":7}]`), metav1.PatchOptions{})
	return check.First(check.Equal("containers", len(got.Spec.Template.Spec.Containers), 2), check.Equal("replicas", *got.Spec.Replicas, 0),
		check.That(reflect.DeepEqual(got.Labels, map[string]string{"merged": "yes"}), "labels %v", got.Labels),
		check.That(apierrors.IsInvalid(failed), "expected Invalid: %v", failed))
}

func (s *session) subresources(ctx context.Context) error {
	deployments := s.typed.AppsV1().Deployments(s.namespace)
	if _, err := deployments.Create(ctx, s.deployment("scaled", 1), always); err != nil {
		return err
	}
	available := func(n int32) error {
		return check.Until(ctx, func() error {
			got, err := deployments.Get(ctx, "scaled", fetch)
			return check.First(err, check.Equal("available", got.Status.AvailableReplicas, n))
		})
	}
	if err := available(1); err != nil {
		return err
	}
	scale, err := deployments.GetScale(ctx, "scaled", fetch)
	if err != nil {
		return err
	}
	scale.Spec.Replicas = 3
	if scale, err = deployments.UpdateScale(ctx, "scaled", scale, replace); err != nil {
		return err
	}
	if err := available(3); err != nil {
		return err
	}
	node, err := s.typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	condition := corev1.NodeCondition{Type: "ClientGo", Status: corev1.ConditionTrue, Reason: "Tested", LastTransitionTime: metav1.Now()}
	node.Items[0].Status.Conditions = append(node.Items[0].Status.Conditions, condition)
	updated, err := s.typed.CoreV1().Nodes().UpdateStatus(ctx, &node.Items[0], replace)
	// a heartbeat of the node in between is no failure
	if err != nil && !apierrors.IsConflict(err) {
		return err
	}
	return check.First(check.Equal("selector", scale.Status.Selector, "app=scaled"), check.Equal("spec.replicas", scale.Spec.Replicas, 3),
		check.That(err != nil || len(updated.Status.Conditions) == len(node.Items[0].Status.Conditions), "conditions %v", updated))
}

func (s *session) pages(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	for i := range 7 {
		object := configMap(fmt.Sprintf("page-%d", i), "")
		object.Labels = map[string]string{"page": "yes"}
		if _, err := maps.Create(ctx, object, always); err != nil {
			return err
		}
	}
	versions, names := map[string]bool{}, []string{}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		list, err := maps.List(ctx, options)
		if err != nil {
			return nil, err
		}
		versions[list.ResourceVersion] = true
		// what is written between two pages is not in them
		_, err = maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "page-9-", Labels: map[string]string{"page": "yes"}}}, always)
		return list, err
	})
	pages.PageSize = 3
	err := pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: "page in (yes)"}, func(object runtime.Object) error {
		names = append(names, object.(*corev1.ConfigMap).Name)
		return nil
	})
	return check.First(err, check.Equal("versions", len(versions), 1),
		check.Equal("names", strings.Join(names, " "), "page-0 page-1 page-2 page-3 page-4 page-5 page-6"))
}

func (s *session) deleteCollection(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	if err := maps.DeleteCollection(ctx, remove, metav1.ListOptions{LabelSelector: "page=yes"}); err != nil {
		return err
	}
	paged, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "page"})
	if err != nil {
		return err
	}
	rest, err := maps.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=kube-root-ca.crt"})
	return check.First(err, check.Equal("left of the pages", len(paged.Items), 0), check.Equal("others", len(rest.Items), 1))
}

// richSpec has a value of each sort that an encoding could lose: integers of all sizes, quantities, int-or-string, bytes, times, maps, pointers to zero values.
func richSpec() corev1.PodSpec {
	zero, large, no, mode := int64(0), int64(1)<<40, false, int32(0o400)
	return corev1.PodSpec{
		NodeSelector: map[string]string{"nowhere": "yes", "empty": ""}, TerminationGracePeriodSeconds: &zero, ActiveDeadlineSeconds: &[]int64{3600}[0],
		AutomountServiceAccountToken: &no, EnableServiceLinks: &no, HostAliases: []corev1.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"a", "b"}}},
		SecurityContext: &corev1.PodSecurityContext{FSGroup: &zero, RunAsUser: &[]int64{large >> 10}[0], SupplementalGroups: []int64{0, 1, 65535}},
		Containers: []corev1.Container{{
			Name: "main", Image: "registry.example/app:1", Command: []string{"", "ü", "\u2028"},
			Env: []corev1.EnvVar{{Name: "EMPTY"}, {Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse("250m"), "memory": resource.MustParse("1.5Gi")},
				Limits:   corev1.ResourceList{"cpu": resource.MustParse("2"), "memory": resource.MustParse("2e9")}},
			Ports:        []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			VolumeMounts: []corev1.VolumeMount{{Name: "files", MountPath: "/files", ReadOnly: true}},
			LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")}},
				FailureThreshold: 4, PeriodSeconds: 7, TimeoutSeconds: 2, SuccessThreshold: 1},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}},
		}},
		Volumes: []corev1.Volume{{Name: "files", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "files"}, Items: []corev1.KeyToPath{{Key: "a", Path: "b", Mode: &mode}}}}}},
	}
}

func (s *session) richPod(ctx context.Context) error {
	want := richSpec()
	pods := s.typed.CoreV1().Pods(s.namespace)
	if _, err := pods.Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "rich", Annotations: map[string]string{"a/b": "<&>"}}, Spec: want}, always); err != nil {
		return err
	}
	var scheduled *corev1.PodCondition
	var pod *corev1.Pod
	err := check.Until(ctx, func() (err error) {
		if pod, err = pods.Get(ctx, "rich", fetch); err != nil {
			return err
		}
		for i := range pod.Status.Conditions {
			if pod.Status.Conditions[i].Type == corev1.PodScheduled {
				scheduled = &pod.Status.Conditions[i]
			}
		}
		return check.That(scheduled != nil, "not looked at by the scheduler")
	})
	if err != nil {
		return err
	}
	viaJSON, err := kubernetes.NewForConfigOrDie(s.config).CoreV1().Pods(s.namespace).Get(ctx, "rich", fetch)
	if err != nil {
		return err
	}
	got, container := pod.Spec, pod.Spec.Containers[0]
	return check.First(check.Equal("reason", scheduled.Reason, corev1.PodReasonUnschedulable),
		check.That(equality.Semantic.DeepEqual(pod, viaJSON), "as %s: %v\nas JSON: %v", s.encoding, pod, viaJSON),
		check.That(equality.Semantic.DeepEqual(container.Resources, want.Containers[0].Resources), "resources %v", container.Resources),
		check.That(reflect.DeepEqual(container.Command, want.Containers[0].Command), "command %q", container.Command),
		check.That(reflect.DeepEqual(container.LivenessProbe.HTTPGet.Port, intstr.FromString("http")), "probe %v", container.LivenessProbe),
		check.That(reflect.DeepEqual(container.ReadinessProbe.TCPSocket.Port, intstr.FromInt32(8080)), "probe %v", container.ReadinessProbe),
		check.That(reflect.DeepEqual(got.SecurityContext, want.SecurityContext), "securityContext %v", got.SecurityContext),
		check.That(reflect.DeepEqual(got.NodeSelector, want.NodeSelector), "nodeSelector %v", got.NodeSelector),
		check.That(got.EnableServiceLinks != nil && !*got.EnableServiceLinks && *got.TerminationGracePeriodSeconds == 0, "false or 0 became %v, %v",
			got.EnableServiceLinks, got.TerminationGracePeriodSeconds),
		check.Equal("mode", *got.Volumes[0].ConfigMap.Items[0].Mode, int32(0o400)))
}

func (s *session) evictionAndReviews(ctx context.Context) error {
	pods := s.typed.CoreV1().Pods(s.namespace)
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "rich", Namespace: s.namespace}}
	if err := pods.EvictV1(ctx, eviction); err != nil {
		return err
	}
	if err := check.Until(ctx, func() error { _, err := pods.Get(ctx, "rich", fetch); return notFound(err) }); err != nil {
		return err
	}
	access := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: "nobody",
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.namespace, Verb: "get", Resource: "pods"}}}
	denied, err := s.typed.AuthorizationV1().SubjectAccessReviews().Create(ctx, access, always)
	if err != nil {
		return err
	}
	self, err := s.typed.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, always)
	if err != nil {
		return err
	}
	_, err = s.typed.AutoscalingV1().HorizontalPodAutoscalers(s.namespace).Create(ctx, &autoscalingv1.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "scaled"}, Spec: autoscalingv1.HorizontalPodAutoscalerSpec{MaxReplicas: 3,
			ScaleTargetRef: autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "scaled"}}}, always)
	if err != nil {
		return err
	}
	second, err := s.typed.AutoscalingV2().HorizontalPodAutoscalers(s.namespace).Get(ctx, "scaled", fetch)
	return check.First(err, check.Equal("allowed", denied.Status.Allowed, false),
		check.That(self.Status.UserInfo.Username != "" && len(self.Status.UserInfo.Groups) > 0, "user %v", self.Status.UserInfo),
		check.Equal("maxReplicas in v2", second.Spec.MaxReplicas, 3))
}

func (s *session) token(ctx context.Context) error {
	seconds := int64(600)
	token, err := s.typed.CoreV1().ServiceAccounts(s.namespace).CreateToken(ctx, "default",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, always)
	if err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(s.config)
	config.BearerToken = token.Status.Token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	self, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, always)
	if err != nil {
		return err
	}
	_, forbidden := client.CoreV1().Secrets(s.namespace).List(ctx, everyOne)
	config.BearerToken = token.Status.Token + "x"
	_, unauthorized := kubernetes.NewForConfigOrDie(config).CoreV1().Secrets(s.namespace).List(ctx, everyOne)
	left := time.Until(token.Status.ExpirationTimestamp.Time)
	return check.First(check.Equal("user", self.Status.UserInfo.Username, "system:serviceaccount:"+s.namespace+":default"),
		check.That(left > 9*time.Minute && left <= 10*time.Minute, "expires in %v", left),
		check.That(apierrors.IsForbidden(forbidden), "expected Forbidden: %v", forbidden),
		check.That(apierrors.IsUnauthorized(unauthorized), "expected Unauthorized: %v", unauthorized))
}

func (s *session) impersonate(ctx context.Context) error {
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "jo", Groups: []string{"ops", "ops and more"}, Extra: map[string][]string{"example.com/Scope": {"a", "b"}}}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	self, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, always)
	if err != nil {
		return err
	}
	user := self.Status.UserInfo
	body, forbidden := client.CoreV1().Pods(s.namespace).GetLogs("none", &corev1.PodLogOptions{}).Stream(ctx)
	if forbidden == nil {
		io.Copy(io.Discard, body)
	}
	return check.First(check.Equal("user", user.Username, "jo"), check.Equal("groups", strings.Join(user.Groups, ","), "ops,ops and more,system:authenticated"),
		check.Equal("extra", strings.Join(user.Extra["example.com/scope"], ","), "a,b"),
		check.That(apierrors.IsForbidden(forbidden), "expected Forbidden: %v", forbidden))
}
