package test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	security "k8s.io/pod-security-admission/api"
	pods "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of an overlay, rendered.
type manifests []map[string]any

func render(t *testing.T, overlay string) manifests {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "deploy", "k8s", "overlays", overlay))
	if err != nil {
		t.Fatalf("%s: %v", overlay, err)
	}
	var all manifests
	for _, resource := range rendered.Resources() {
		object, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(object) // numbers become those of JSON
		if err != nil {
			t.Fatal(err)
		}
		object = nil
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		all = append(all, object)
	}
	return all
}

// object returns the only object of T's kind. What T has no field for is a mistake.
func object[T any](t *testing.T, all manifests, kind string) T {
	t.Helper()
	var found []T
	for _, o := range all {
		if o["kind"] == kind {
			found = append(found, decode[T](t, o))
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d of kind %s", len(found), kind)
	}
	return found[0]
}

func decode[T any](t *testing.T, object map[string]any) T {
	t.Helper()
	var typed T
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &typed); err != nil {
		t.Fatalf("%v: %v", object["kind"], err)
	}
	return typed
}

// templates returns the pods that the objects start, by what starts them.
func templates(t *testing.T, all manifests) map[string]core.PodTemplateSpec {
	t.Helper()
	found := make(map[string]core.PodTemplateSpec)
	for _, o := range all {
		switch o["kind"] {
		case "Deployment":
			found["Deployment"] = decode[apps.Deployment](t, o).Spec.Template
		case "Job":
			found["Job"] = decode[batch.Job](t, o).Spec.Template
		case "CronJob":
			found["CronJob"] = decode[batch.CronJob](t, o).Spec.JobTemplate.Spec.Template
		}
	}
	return found
}

func overlays() []string { return []string{"staging", "production"} }

func TestManifestsFollowTheSchemasOfKubernetes(t *testing.T) {
	t.Parallel()
	s := loadSchemas(t)
	for _, overlay := range overlays() {
		for _, o := range render(t, overlay) {
			if o["kind"] == "ServiceMonitor" { // no kind of Kubernetes, but of the Prometheus operator
				decode[monitoring.ServiceMonitor](t, o)
				continue
			}
			if err := s.validate(o); err != nil {
				t.Errorf("%s: %s: %v", overlay, o["kind"], err)
			}
		}
	}
}

func TestSchemasOfKubernetesRefuseWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := loadSchemas(t)
	for name, spoil := range map[string]func(spec map[string]any){
		"unknown field":    func(spec map[string]any) { spec["maxUnavailible"] = 1 },
		"missing field":    func(spec map[string]any) { delete(spec, "selector") },
		"wrong type":       func(spec map[string]any) { spec["replicas"] = "three" },
		"deep in the pod":  func(spec map[string]any) { deep(spec, "template", "spec")["terminationGracePeriod"] = 1.0 },
		"no list of a map": func(spec map[string]any) { deep(spec, "template", "spec")["containers"] = map[string]any{} },
	} {
		for _, o := range render(t, "production") {
			if o["kind"] != "Deployment" {
				continue
			}
			spoil(deep(o, "spec"))
			if err := s.validate(o); err == nil {
				t.Errorf("%s: nothing is found", name)
			}
		}
	}
	if err := s.validate(map[string]any{"apiVersion": "extensions/v1beta1", "kind": "Ingress"}); err == nil {
		t.Error("a kind that Kubernetes has no longer: nothing is found")
	}
}

func deep(object map[string]any, path ...string) map[string]any {
	for _, name := range path {
		object = object[name].(map[string]any)
	}
	return object
}

// TestPodsFollowTheRestrictedStandard holds the pods against the strictest of Kubernetes' Pod Security Standards, by the
// code that enforces it in a cluster.
func TestPodsFollowTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	evaluator, err := pods.NewEvaluator(pods.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	refusals := func(pod core.PodTemplateSpec) string {
		result := pods.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
		return result.ForbiddenDetail()
	}
	for _, overlay := range overlays() {
		for name, pod := range templates(t, render(t, overlay)) {
			if why := refusals(pod); why != "" {
				t.Errorf("%s: %s: %s", overlay, name, why)
			}
			container := pod.Spec.Containers[0]
			if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Errorf("%s: %s may write to its root", overlay, name)
			}
			if token := pod.Spec.AutomountServiceAccountToken; token == nil || *token {
				t.Errorf("%s: %s has a token for Kubernetes", overlay, name)
			}
			if links := pod.Spec.EnableServiceLinks; links == nil || *links {
				t.Errorf("%s: %s takes names of services for settings", overlay, name)
			}
			if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s: %s has no limits", overlay, name)
			}
			container.SecurityContext.Capabilities = nil
			if refusals(pod) == "" {
				t.Errorf("%s: %s with capabilities is not refused", overlay, name)
			}
		}
	}
}

func TestPodsAreSetRight(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		all := render(t, overlay)
		config := object[core.ConfigMap](t, all, "ConfigMap")
		for name, pod := range templates(t, all) {
			at := overlay + ": " + name
			container := pod.Spec.Containers[0]
			if len(container.EnvFrom) != 1 || container.EnvFrom[0].ConfigMapRef.Name != config.Name {
				t.Errorf("%s: has its settings from %v, not from %s", at, container.EnvFrom, config.Name)
			}
			s := settings{"HOST": "0.0.0.0"}.with(config.Data) // of the image
			for _, variable := range container.Env {
				if variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil || variable.ValueFrom.SecretKeyRef.Key != variable.Name {
					t.Errorf("%s: %s is not from a secret of its name", at, variable.Name)
				}
				s[variable.Name] = secretOf(variable.Name)
			}
			checkSettings(t, at, s)
			if now := inForce(t, s); now["ENVIRONMENT"] != overlay || now["DATABASE"] != "dual" {
				t.Errorf("%s: runs %s on %s", at, now["ENVIRONMENT"], now["DATABASE"])
			}
		}
		for name, value := range config.Data {
			if value == "" || strings.Contains(name, "PASSWORD") || strings.Contains(name, "SECRET") {
				t.Errorf("%s: %s does not belong into a ConfigMap", overlay, name)
			}
		}
	}
}

// secretOf returns what an operator may put into the Secret.
func secretOf(name string) string {
	switch name {
	case "MONGODB_URL":
		return "mongodb://a64core:canary@mongodb.test/"
	case "REDIS_URL":
		return "redis://:canary@redis.test:6379/0"
	case "SECRET_KEY_PREVIOUS":
		return ""
	}
	return operator()[name]
}

func TestProbesAskWhatTheHubAnswers(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		all := render(t, overlay)
		deployment := object[apps.Deployment](t, all, "Deployment")
		pod := deployment.Spec.Template
		container := pod.Spec.Containers[0]
		ports := make(map[string]int32)
		for _, p := range container.Ports {
			ports[p.Name] = p.ContainerPort
		}
		if ports["http"] != 8000 || ports["metrics"] != 9090 {
			t.Errorf("%s: ports %v", overlay, ports)
		}
		for path, probe := range map[string]*core.Probe{"/api/ready": container.ReadinessProbe, "/api/health": container.LivenessProbe} {
			if probe.HTTPGet.Path != path || probe.HTTPGet.Port != intstr.FromString("http") {
				t.Errorf("%s: %s is asked by %v", overlay, path, probe.HTTPGet)
			}
			if !strings.Contains(readFile(t, "docs/openapi.yaml"), "\n  "+path+":\n") {
				t.Errorf("the hub has no %s", path)
			}
		}
		if startup := container.StartupProbe; startup == nil || startup.FailureThreshold*startup.PeriodSeconds < 60 {
			t.Errorf("%s: has no time to start: %v", overlay, startup)
		}
		config := settings(object[core.ConfigMap](t, all, "ConfigMap").Data)
		delay := config.duration(t, "SHUTDOWN_DELAY")
		if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace < delay+inForce(t, nil).duration(t, "SHUTDOWN_TIMEOUT")+90*time.Second {
			t.Errorf("%s: is killed after %v", overlay, grace)
		}
		if ready := container.ReadinessProbe; time.Duration(ready.PeriodSeconds*ready.FailureThreshold)*time.Second >= delay {
			t.Errorf("%s: gets requests until it is gone", overlay)
		}
	}
}

// TestObjectsFindEachOther holds the names and labels by which one object means another.
func TestObjectsFindEachOther(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		all := render(t, overlay)
		deployment := object[apps.Deployment](t, all, "Deployment")
		labels := deployment.Spec.Template.Labels
		service := object[core.Service](t, all, "Service")
		selectors := map[string]map[string]string{
			"Deployment": deployment.Spec.Selector.MatchLabels, "Service": service.Spec.Selector,
			"PodDisruptionBudget":     object[policy.PodDisruptionBudget](t, all, "PodDisruptionBudget").Spec.Selector.MatchLabels,
			"NetworkPolicy":           object[networking.NetworkPolicy](t, all, "NetworkPolicy").Spec.PodSelector.MatchLabels,
			"topologySpreadContraint": deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
		}
		for name, selector := range selectors {
			if len(selector) == 0 || !within(selector, labels) {
				t.Errorf("%s: %s looks for %v, and pods are %v", overlay, name, selector, labels)
			}
		}
		for _, name := range []string{"Job", "CronJob"} {
			if pod, ok := templates(t, all)[name]; ok && (within(service.Spec.Selector, pod.Labels) || !within(selectors["NetworkPolicy"], pod.Labels)) {
				t.Errorf("%s: pods of the %s are %v", overlay, name, pod.Labels)
			}
		}
		backend := object[networking.Ingress](t, all, "Ingress").Spec.Rules[0].HTTP.Paths[0].Backend.Service
		if backend.Name != service.Name || !slices.ContainsFunc(service.Spec.Ports, func(p core.ServicePort) bool { return p.Name == backend.Port.Name }) {
			t.Errorf("%s: the Ingress leads to %v", overlay, backend)
		}
		if scaled := object[autoscaling.HorizontalPodAutoscaler](t, all, "HorizontalPodAutoscaler").Spec.ScaleTargetRef; scaled.Name != deployment.Name {
			t.Errorf("%s: the autoscaler scales %v", overlay, scaled)
		}
		if overlay == "production" {
			monitor := object[monitoring.ServiceMonitor](t, all, "ServiceMonitor")
			if !within(monitor.Spec.Selector.MatchLabels, service.Labels) || monitor.Spec.Endpoints[0].Port != "metrics" {
				t.Errorf("the ServiceMonitor looks for %v, and the Service is %v", monitor.Spec.Selector.MatchLabels, service.Labels)
			}
		}
		if namespace := object[core.Namespace](t, all, "Namespace"); deployment.Namespace != namespace.Name {
			t.Errorf("%s: is in the namespace %s, not in %s", overlay, deployment.Namespace, namespace.Name)
		}
		if image := deployment.Spec.Template.Spec.Containers[0].Image; !strings.Contains(image, ":v") {
			t.Errorf("%s: the image %s has no version", overlay, image)
		}
	}
}

// within reports whether all labels of a selector are among others.
func within(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return true
}
