"""The real kubectl, old (1.20, Debian's) and new (1.32), against the simulated cluster: facts 6.3.

One table of steps runs in order per kubectl on a fresh cluster. A step's texts are regular expressions that must match the whole
stdout; stderr is searched.
"""

import re
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kube_support import Cluster, kubectls, wait_for  # noqa: E402

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: nginx, image: "nginx:1.25", ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 3, selector: {matchLabels: {app: web}}}
"""
SETS = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: pg, image: "postgres:16"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: a, image: "agent:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "busybox:1"}]}}}
"""
AGE = r"\d+[smh]\S*"
VERSION = r"v1\.32\.9"


@dataclass(frozen=True)
class Step:
    """One kubectl call. `out` None = not looked at."""

    name: str
    command: str
    out: str | None = None
    err: str = ""
    rc: int = 0
    stdin: str = ""


def row(*cells: str) -> str:
    return r"\s+".join(cells) + r"\s*\n"


NODE_ROWS = "".join(row(name, "Ready", "<none>", AGE, VERSION) for name in ("n1", "n2", "n3"))
NODES = row("NAME", "STATUS", "ROLES", "AGE", "VERSION") + NODE_ROWS
DRAIN_STUCK = "error when evicting pods/\"(web-.*)\" -n \"default\" .will retry after 5s.: Cannot evict pod as it would violate"

STEPS = (
    # reading
    Step("wait_ready", "wait --for=condition=Ready node --all --timeout=20s", "".join(f"node/n{i} condition met\n" for i in (1, 2, 3))),
    Step("nodes_table", "get nodes", NODES),
    Step("nodes_by_short_name", "get no --no-headers", NODE_ROWS),
    Step("node_wide", "get node n1 -o wide", r"NAME .*INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\n"
         r"n1 +Ready +<none> +\S+ +v1\.32\.9 +10\.10\.0\.11 +<none> +.* containerd://\S+\n"),
    Step("nodes_name", "get nodes -o name", "node/n1\nnode/n2\nnode/n3\n"),
    Step("nodes_jsonpath", "get nodes -o jsonpath={.items[*].status.addresses[0].address}", r"10\.10\.0\.11 10\.10\.0\.12 10\.10\.0\.13"),
    Step("nodes_by_label", "get nodes -l node.kubernetes.io/microk8s-worker -o name", "node/n3\n"),
    Step("nodes_by_set_label", "get nodes -l kubernetes.io/hostname!=n1,kubernetes.io/os -o name", "node/n2\nnode/n3\n"),
    Step("node_json", "get node n1 -o json", r'(?s)\{\n    "apiVersion": "v1",\n    "kind": "Node",.*'),
    Step("node_yaml", "get node n1 -o yaml", r"(?s)apiVersion: v1\nkind: Node\n.*reason: KubeletReady\n.*"),
    Step("list_json", "get nodes -o json", r'(?s).*"kind": "Node",.*"kind": "List",.*'),
    Step("custom_columns", "get nodes -o custom-columns=N:.metadata.name,V:.status.nodeInfo.kubeletVersion --no-headers",
         "".join(row(f"n{i}", VERSION) for i in (1, 2, 3))),
    Step("sorted", "get nodes --sort-by=.metadata.name --no-headers", r"(?s)n1 .*\nn2 .*\nn3 .*\n"),
    Step("namespaces", "get ns", r"NAME +STATUS +AGE\n" + "".join(
        row(n, "Active", AGE) for n in ("default", "kube-node-lease", "kube-public", "kube-system"))),
    Step("leases", "get leases -A", r"NAMESPACE +NAME +HOLDER +AGE\n" + "".join(
        row("kube-node-lease", f"n{i}", f"n{i}", AGE) for i in (1, 2, 3))),
    Step("calico_rollout", "-n kube-system rollout status ds/calico-node --timeout=20s", r"(?s).*successfully rolled out\n"),
    Step("controllers_rollout", "-n kube-system rollout status deploy/calico-kube-controllers --timeout=20s", r"(?s).*successfully rolled out\n"),
    Step("daemon_sets", "get ds -A",
         r"NAMESPACE +NAME +DESIRED +CURRENT +READY +UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\n"
         r"kube-system +calico-node +3 +3 +3 +3 +3 +kubernetes\.io/os=linux +\S+\n"),
    Step("pods_on_node", "get pods -A --field-selector spec.nodeName=n3,status.phase=Running -o name", r"(pod/\S+\n)*pod/calico-node-\w{5}\n(pod/\S+\n)*"),
    Step("all", "get all -A", r"(?s).*service/kubernetes +ClusterIP +10\.152\.183\.1 +<none> +443/TCP +.*daemonset\.apps/calico-node.*"),
    Step("endpoints", "get endpoints kubernetes --no-headers", r"kubernetes +10\.10\.0\.11:16443,10\.10\.0\.12:16443 +\S+\n"),
    Step("describe_node", "describe node n1", r"(?s)Name: +n1\nRoles: +<none>\n.*Lease:\n +HolderIdentity: +n1\n.*Ready +True.*calico-node-.*"),
    Step("events", "get events --field-selector reason=NodeReady", r"(?s)LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*node/n1 +Node n1 status is now: NodeReady\n.*"),
    Step("missing", "get node n9", "", r'^Error from server \(NotFound\): nodes "n9" not found\n$', 1),
    Step("missing_grouped", "get deploy nope", "", r'deployments\.apps "nope" not found', 1),
    Step("unknown_kind", "get frobs", "", r"""the server doesn't have a resource type "frobs\"""", 1),
    Step("bad_field", "get pods --field-selector spec.color=red", "", r"field label not supported: spec\.color", 1),
    Step("empty", "get jobs", "", r"No resources found in default namespace\.", 0),
    Step("paged", "get clusterroles,nodes --chunk-size=2 -o name", "node/n1\nnode/n2\nnode/n3\n"),
    Step("raw", "get --raw /readyz", "ok"),
    Step("raw_verbose", "get --raw /livez?verbose", r"(?s)\[\+\]ping ok\n.*\[\+\]etcd ok\n.*livez check passed\n"),
    Step("version", "version -o json", r'(?s).*"serverVersion".*"gitVersion": "v1\.32\.9".*'),
    Step("cluster_info", "cluster-info", r"(?s).*Kubernetes control plane.* is running at .*https://127\.0\.0\.1:\d+.*"),
    Step("api_resources", "api-resources", r"(?s)NAME +SHORTNAMES.*\nnodes +no +v1 +false +Node\n.*deployments +deploy +apps/v1 +true +Deployment\n.*"),
    Step("api_versions", "api-versions", r"(?s).*policy/v1\n.*storage\.k8s\.io/v1\nv1\n"),
    Step("top_without_metrics", "top nodes", "", "Metrics API not available", 1),
    Step("watch", "get nodes --watch --request-timeout=2s --no-headers", r"(?s)n1 .*n3 .*", rc=0),
    # nodes
    Step("cordon", "cordon n2", "node/n2 cordoned\n"),
    Step("cordon_again", "cordon n2", "node/n2 already cordoned\n"),
    Step("cordoned_table", "get nodes n2 --no-headers", row("n2", "Ready,SchedulingDisabled", "<none>", AGE, VERSION)),
    Step("uncordon", "uncordon n2", "node/n2 uncordoned\n"),
    Step("uncordon_again", "uncordon n2", "node/n2 already uncordoned\n"),
    Step("label", "label node n3 zone=a", "node/n3 labeled\n"),
    Step("label_refused", "label node n3 zone=b", "", r"already has a value", 1),
    Step("label_overwrite", "label node n3 zone=b --overwrite", "node/n3 labeled\n"),
    Step("label_column", "get nodes -L zone --no-headers", r"(?s).*n3 .* b\n"),
    Step("label_remove", "label node n3 zone-", r"node/n3 (un)?labeled\n"),
    Step("annotate", "annotate node n3 orch/cordoned-by=me", "node/n3 annotated\n"),
    Step("annotate_remove", "annotate node n3 orch/cordoned-by-", "node/n3 annotated\n"),
    Step("taint", "taint node n3 k=v:NoSchedule", "node/n3 tainted\n"),
    Step("taint_shown", "get node n3 -o jsonpath={.spec.taints[*].key}", "k"),
    Step("untaint", "taint node n3 k-", "node/n3 untainted\n"),
    # workloads
    Step("apply", "apply -f -", "deployment.apps/web created\nservice/web created\n", stdin=WEB),
    Step("apply_again", "apply -f -", "deployment.apps/web unchanged\nservice/web unchanged\n", stdin=WEB),
    Step("diff", "diff -f -", "", stdin=WEB),
    Step("rollout", "rollout status deploy/web --timeout=20s", r'(?s).*deployment "web" successfully rolled out\n'),
    Step("deployments", "get deploy -o wide", r"NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\n"
         r"web +3/3 +3 +3 +\S+ +nginx +nginx:1\.25 +app=web\n"),
    Step("pods_spread", "get pods -l app=web -o wide --no-headers", "".join(
        r"web-\w{10}-\w{5} +1/1 +Running +0 +\S+ +10\.1\.\d+\.\d+ +n\d +<none> +<none>\n" for _ in range(3))),
    Step("scale", "scale deploy web --replicas=4", "deployment.apps/web scaled\n"),
    Step("patch", 'patch deploy web -p {"spec":{"replicas":3}}', "deployment.apps/web patched\n"),
    Step("patch_merge", 'patch deploy web --type=merge -p {"metadata":{"annotations":{"a":"b"}}}', "deployment.apps/web patched\n"),
    Step("patch_json", 'patch deploy web --type=json -p [{"op":"remove","path":"/metadata/annotations/a"}]', "deployment.apps/web patched\n"),
    Step("patch_bad", 'patch deploy web --type=json -p [{"op":"remove","path":"/spec/nope"}]', "", r"request is invalid|rejected our request", 1),
    Step("set_image", "set image deploy/web nginx=nginx:1.26", r"deployment\.apps/web image updated\n"),
    Step("rollout_new", "rollout status deploy/web --timeout=30s", r'(?s).*deployment "web" successfully rolled out\n'),
    Step("container_merged", "get deploy web -o jsonpath={.spec.template.spec.containers[*].image}/{.spec.template.spec.containers[0].ports[0].containerPort}", "nginx:1.26/80"),
    Step("rollout_history", "rollout history deploy/web", r"(?s).*REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n\s*"),
    Step("rollout_undo", "rollout undo deploy/web", "deployment.apps/web rolled back\n"),
    Step("rollout_undone", "rollout status deploy/web --timeout=30s", r"(?s).*successfully rolled out\n"),
    Step("rollout_restart", "rollout restart deploy/web", "deployment.apps/web restarted\n"),
    Step("rollout_restarted", "rollout status deploy/web --timeout=30s", r"(?s).*successfully rolled out\n"),
    Step("apply_sets", "apply -f -", "statefulset.apps/db created\ndaemonset.apps/agent created\njob.batch/once created\n", stdin=SETS),
    Step("sts_rollout", "rollout status sts/db --timeout=20s", r"(?s).*2 new pods have been updated\.\.\.\n|(?s:.*)rolling update complete.*\n"),
    Step("job_wait", "wait --for=condition=Complete job/once --timeout=20s", "job.batch/once condition met\n"),
    Step("sts_names", "get pods -l app=db -o name", "pod/db-0\npod/db-1\n"),
    Step("logs", "logs db-0", r"\S+ db-0/pg: started\n"),
    Step("delete_pod", "delete pod db-0", 'pod "db-0" deleted\n'),
    Step("sts_again", "rollout status sts/db --timeout=20s", r"(?s).*"),
    Step("delete_sets", "delete -f -", 'statefulset.apps "db" deleted\ndaemonset.apps "agent" deleted\njob.batch "once" deleted\n', stdin=SETS),
    Step("server_side_apply", "apply --server-side -f -", "configmap/ssa serverside-applied\n",
         stdin='{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"ssa"},"data":{"a":"b"}}'),
    Step("dry_run", "delete cm ssa --dry-run=server", 'configmap "ssa" deleted (server dry run)\n'.replace("(", r"\(").replace(")", r"\)")),
    Step("still_there", "get cm ssa -o name", "configmap/ssa\n"),
    Step("create_typed", "create configmap typed --from-literal=a=b", "configmap/typed created\n"),
    Step("create_twice", "create configmap typed --from-literal=a=b", "", r'configmaps "typed" already exists', 1),
    Step("create_deployment", "create deployment typed --image=nginx:1", "deployment.apps/typed created\n"),
    Step("delete_typed", "delete deploy/typed cm/typed", 'deployment.apps "typed" deleted\nconfigmap "typed" deleted\n'),
    Step("create_namespace", "create ns team", "namespace/team created\n"),
    Step("namespace_furnished", "-n team create configmap x --from-literal=a=b", "configmap/x created\n"),
    Step("delete_namespace", "delete ns team --timeout=20s", 'namespace "team" deleted\n'),
    Step("namespace_missing", "-n team create configmap x --from-literal=a=b", "", r'namespaces "team" not found', 1),
    # drain
    Step("budget", "apply -f -", "poddisruptionbudget.policy/web created\n", stdin=BUDGET),
    Step("drain_needs_flag", "drain n2", None, r"cannot delete DaemonSet-managed Pods", 1),
    Step("drain_stuck", "drain n2 --ignore-daemonsets --timeout=2s", r"(?s).*evicting pod default/web-.*",
         rf"(?s)(?i:warning): ignoring DaemonSet-managed Pods: kube-system/calico-node-\w{{5}}\n.*{DRAIN_STUCK}.*"
         r"error: unable to drain node \"n2\"(?: due to error:.*|, aborting command\.\.\..*)global timeout reached: 2s", 1),
    Step("budget_relaxed", 'patch pdb web --type=merge -p {"spec":{"minAvailable":1}}', "poddisruptionbudget.policy/web patched\n"),
    Step("drain", "drain n2 --ignore-daemonsets --delete-emptydir-data --force --timeout=30s",
         r"(?s)node/n2 already cordoned\n.*evicting pod default/(web-\S+)\n.*pod/\1 evicted\n.*node/n2 (drained|evicted)\n"),
    Step("drained", "get pods -A --field-selector spec.nodeName=n2 -o name", r"pod/calico-node-\w{5}\n"),
    Step("uncordon_drained", "uncordon n2", "node/n2 uncordoned\n"),
    Step("delete_web", "delete -f -", 'deployment.apps "web" deleted\nservice "web" deleted\n', stdin=WEB),
    Step("delete_node", "delete node n3", 'node "n3" deleted\n'),
    Step("node_gone", "get nodes -o name", "node/n1\nnode/n2\n"),
)


class KubectlCases:
    """The steps as tests of one kubectl; subclasses say which."""

    version = ""
    cluster: Cluster
    program: str

    @classmethod
    def setUpClass(cls):
        found = kubectls()
        if cls.version not in found:
            raise unittest.SkipTest(f"no kubectl {cls.version} here (have {', '.join(found) or 'none'}); set MKO_TEST_KUBECTLS")
        cls.program = found[cls.version]
        cls.cluster = Cluster()

    @classmethod
    def tearDownClass(cls):
        complaints = cls.cluster.close()
        if complaints:
            raise AssertionError(complaints)

    def run_step(self, step: Step):
        done = self.cluster.kubectl(self.program, *step.command.split(), stdin=step.stdin)
        said = f"\nkubectl {step.command}\nrc {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
        self.assertEqual(done.returncode, step.rc, said)
        if step.out is not None:
            self.assertTrue(re.fullmatch(step.out, done.stdout), f"stdout is not {step.out!r}{said}")
        self.assertTrue(re.search(step.err, done.stderr), f"stderr lacks {step.err!r}{said}")


def _test(step: Step):
    return lambda self: self.run_step(step)


for _number, _step in enumerate(STEPS):
    setattr(KubectlCases, f"test_{_number:03}_{_step.name}", _test(_step))


class Kubectl132(KubectlCases, unittest.TestCase):
    version = "1.32"


class Kubectl120(KubectlCases, unittest.TestCase):
    version = "1.20"


class NodesThatGo(unittest.TestCase):
    """A node that falls silent, its pods, and its return."""

    @classmethod
    def setUpClass(cls):
        found = kubectls()
        if not found:
            raise unittest.SkipTest("no kubectl here; set MKO_TEST_KUBECTLS")
        cls.program = next(iter(found.values()))
        cls.cluster = Cluster()
        cls.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=20s")
        cls.cluster.kubectl(cls.program, "apply", "-f", "-", stdin=WEB)
        cls.kubectl("rollout", "status", "deploy/web", "--timeout=20s")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    @classmethod
    def kubectl(cls, *args: str) -> str:
        return cls.cluster.kubectl(cls.program, *args).stdout

    def node(self, path: str) -> str:
        return self.kubectl("get", "node", "n3", "-o", "jsonpath={" + path + "}")

    def on_n3(self) -> str:
        return self.kubectl("get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=n3", "--no-headers")

    def test_silent_node_becomes_unknown_is_emptied_and_returns(self):
        self.assertIn("Running", self.on_n3())
        self.cluster.control(down=["n3"])
        ready = '.status.conditions[?(@.type=="Ready")]'
        wait_for(lambda: self.node(ready + ".status") == "Unknown")
        self.assertEqual(self.node(ready + ".reason"), "NodeStatusUnknown")
        self.assertEqual(self.node(ready + ".message"), "Kubelet stopped posting node status.")
        self.assertRegex(self.kubectl("get", "nodes"), r"n3 +NotReady ")
        wait_for(lambda: self.node(".spec.taints[*].effect").split() == ["NoSchedule", "NoExecute"])
        wait_for(lambda: "Terminating" in self.on_n3())
        wait_for(lambda: self.kubectl("get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}") == "3")
        self.assertIn("Terminating", self.on_n3(), "a dead kubelet ends no pods")
        self.cluster.control()
        wait_for(lambda: self.node(ready + ".status") == "True")
        wait_for(lambda: "Terminating" not in self.on_n3())
        wait_for(lambda: not self.node(".spec.taints"))


if __name__ == "__main__":
    unittest.main()
