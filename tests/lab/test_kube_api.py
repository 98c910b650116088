"""The API server, kubelet ports and addons over raw HTTPS: who may ask (facts 6.2, 7), lost quorum, watches, paging, eviction."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from kube_support import LAB, Cluster, wait_for  # noqa: E402

sys.path.insert(0, str(LAB))
from sim.kube.__main__ import Timing, make_certificates  # noqa: E402
from sim.kube.addons import ADDONS, addon_enabled, disable_addon, enable_addon  # noqa: E402
from sim.kube.kubelet import Kubelet  # noqa: E402
from sim.kube.store import ObjectStore  # noqa: E402

PUBLIC = ("/livez", "/readyz", "/healthz", "/version")
CLOSED = ("/api", "/apis", "/api/v1/nodes", "/openapi/v2", "/metrics", "/", "/nope")


class ApiCase(unittest.TestCase):
    """One cluster a class."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)

    def connect(self, with_certificate: bool = True, ca: bool = True) -> http.client.HTTPSConnection:
        certs = self.cluster.certs
        context = ssl.create_default_context(cafile=certs / "ca.crt") if ca else ssl.create_default_context()
        if with_certificate:
            context.load_cert_chain(certs / "admin.crt", certs / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.cluster.port, context=context, timeout=20)
        self.addCleanup(connection.close)
        return connection

    def ask(self, path: str, method: str = "GET", body=None, certificate: bool = True, **headers: str):
        """(status, parsed JSON or text)."""
        connection = self.connect(certificate)
        data = None if body is None else json.dumps(body)
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, path, data, {"Content-Type": "application/json", **sent} if data else sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if "json" in answer.headers["Content-Type"] else text


class WhoMayAsk(ApiCase):
    def test_without_rbac_anonymous_gets_401_everywhere(self):
        self.cluster.control(mode="AlwaysAllow")
        for path in (*PUBLIC, *CLOSED):
            with self.subTest(path):
                status, body = self.ask(path, certificate=False)
                self.assertEqual(status, 401)
                self.assertEqual(body, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                                        "message": "Unauthorized", "reason": "Unauthorized", "code": 401})  # fmt: skip

    def test_with_rbac_anonymous_reads_four_paths_and_gets_403_elsewhere(self):
        self.cluster.control(mode="RBAC,Node")
        self.addCleanup(self.cluster.control)
        for path in PUBLIC:
            with self.subTest(path):
                self.assertEqual(self.ask(path, certificate=False)[0], 200)
        for path in CLOSED:
            with self.subTest(path):
                status, body = self.ask(path, certificate=False)
                self.assertEqual((status, body["reason"]), (403, "Forbidden"))
        self.assertEqual(
            self.ask("/api/v1/nodes", certificate=False)[1]["message"],
            'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope',
        )
        self.assertEqual(self.ask("/api/v1/nodes")[0], 200)

    def test_a_bad_token_is_401_in_both_modes(self):
        for mode in ("AlwaysAllow", "RBAC,Node"):
            self.cluster.control(mode=mode)
            self.assertEqual(self.ask("/readyz", certificate=False, Authorization="Bearer nope")[0], 401)
        self.cluster.control()

    def test_the_server_certificate_is_of_the_cluster_ca(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(ca=False).request("GET", "/readyz")

    def test_keep_alive(self):
        connection = self.connect()
        for _ in range(3):
            connection.request("GET", "/readyz")
            self.assertEqual(connection.getresponse().read(), b"ok")
            address = connection.sock.getsockname()
        self.assertEqual(connection.sock.getsockname(), address)

    def test_unknown_paths(self):
        self.assertEqual(self.ask("/nope"), (404, "404 page not found\n"))
        for path in ("/apis/nope/v1", "/api/v1/frobs", "/apis/apps/v1/namespaces/default/frobs", "/openapi/v9"):
            with self.subTest(path):
                status, body = self.ask(path)
                self.assertEqual((status, body["message"]), (404, "the server could not find the requested resource"))


class LostQuorum(ApiCase):
    def test_health_says_no_and_objects_cannot_be_read_or_written(self):
        self.assertEqual(self.ask("/readyz"), (200, "ok"))
        self.cluster.control(quorum=False)
        for path in ("/readyz", "/livez", "/healthz"):
            status, text = self.ask(path)
            self.assertEqual(status, 500)
            self.assertIn("[-]etcd failed: reason withheld\n", text)
            self.assertTrue(text.endswith(f"{path[1:]} check failed\n"))
        for method, body in (("GET", None), ("POST", {"metadata": {"name": "x"}})):
            status, answer = self.ask("/api/v1/nodes", method, body)
            self.assertEqual((status, answer["kind"], answer["code"]), (500, "Status", 500))
        self.assertEqual(self.ask("/version")[0], 200)
        self.cluster.control()
        self.assertEqual(self.ask("/readyz?verbose")[1].splitlines()[-1], "readyz check passed")
        self.assertEqual(self.ask("/api/v1/nodes")[0], 200)

    def test_readyz_of_one_check(self):
        self.assertEqual(self.ask("/readyz/etcd"), (200, "ok"))
        self.assertEqual(self.ask("/readyz/nope")[0], 404)


class Objects(ApiCase):
    def config_map(self, name: str, **data: str) -> dict:
        body = {"metadata": {"name": name, "labels": {"t": name.partition("-")[0]}}, "data": data}
        return self.ask("/api/v1/namespaces/default/configmaps", "POST", body)[1]

    def test_lists_are_paged(self):
        for number in range(5):
            self.config_map(f"page-{number}")
        path, names = "/api/v1/namespaces/default/configmaps?labelSelector=t%3Dpage&limit=2", []
        token = ""
        while True:
            page = self.ask(f"{path}&continue={token}")[1]
            names += [item["metadata"]["name"] for item in page["items"]]
            token = page["metadata"].get("continue", "")
            if not token:
                break
        self.assertEqual(names, [f"page-{number}" for number in range(5)])
        self.assertNotIn("kind", page["items"][0])
        self.assertEqual(page["kind"], "ConfigMapList")

    def test_a_stale_update_is_a_conflict(self):
        made = self.config_map("stale")
        path = "/api/v1/namespaces/default/configmaps/stale"
        self.assertEqual(self.ask(path, "PUT", {**made, "data": {"a": "1"}})[0], 200)
        status, body = self.ask(path, "PUT", {**made, "data": {"a": "2"}})
        self.assertEqual((status, body["reason"]), (409, "Conflict"))
        self.assertIn("please apply your changes to the latest version", body["message"])

    def test_finalizers_hold_an_object(self):
        body = {"metadata": {"name": "held", "finalizers": ["me/wait"]}}
        path = "/api/v1/namespaces/default/configmaps"
        self.ask(path, "POST", body)
        self.assertIn("deletionTimestamp", self.ask(f"{path}/held", "DELETE")[1]["metadata"])
        patch = {"metadata": {"finalizers": None}}
        self.ask(f"{path}/held", "PATCH", patch, Content_Type="application/merge-patch+json")
        self.assertEqual(self.ask(f"{path}/held")[0], 404)

    def test_status_and_spec_are_kept_apart(self):
        patch = {"spec": {"unschedulable": True}, "status": {"conditions": []}}
        path = "/api/v1/nodes/n1"
        kind = {"Content_Type": "application/merge-patch+json"}
        node = self.ask(path, "PATCH", patch, **kind)[1]
        self.assertTrue(node["spec"]["unschedulable"])
        self.assertTrue(node["status"]["conditions"])
        self.ask(path, "PATCH", {"spec": {"unschedulable": None}}, **kind)

    def test_a_put_keeps_name_and_namespace(self):
        self.config_map("kept")
        path = "/api/v1/namespaces/default/configmaps/kept"
        self.assertEqual(self.ask(path, "PUT", {"metadata": {"name": "kept"}, "data": {"a": "b"}})[0], 200)
        self.assertEqual(self.ask(path)[1]["data"], {"a": "b"})
        self.assertEqual(self.ask(path, "PUT", {"metadata": {"name": "other"}})[0], 400)

    def test_unknown_bodies_are_refused(self):
        path = "/api/v1/namespaces/default/configmaps"
        self.assertEqual(self.ask(path, "POST", {}, Content_Type="application/yaml")[0], 415)
        self.assertEqual(self.ask(path, "POST", {"metadata": {}})[1]["reason"], "Invalid")
        self.assertEqual(self.ask(path, Accept="text/html")[0], 406)

    def test_a_stuck_pod_is_not_evicted_by_the_fault(self):
        pods = wait_for(lambda: self.ask("/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns")[1]["items"])
        name = pods[0]["metadata"]["name"]
        path = f"/api/v1/namespaces/kube-system/pods/{name}/eviction"
        self.cluster.control(faults={"drain_stuck": "coredns"})
        status, body = self.ask(path, "POST", {"metadata": {"name": name}})
        self.assertEqual((status, body["reason"]), (429, "TooManyRequests"))
        self.assertEqual(body["details"]["causes"][0]["reason"], "DisruptionBudget")
        self.cluster.control()
        self.assertEqual(self.ask(path, "POST", {"metadata": {"name": name}})[0], 201)


class Watches(ApiCase):
    PATH = "/api/v1/namespaces/default/configmaps?watch=true"

    def watch(self, query: str, **headers: str):
        connection = self.connect()
        connection.request("GET", self.PATH + query, headers=headers)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        return answer

    def put(self, name: str, label: str) -> None:
        path = "/api/v1/namespaces/default/configmaps"
        body = {"metadata": {"name": name, "labels": {"t": label}}}
        if self.ask(path, "POST", body)[0] == 409:
            self.ask(f"{path}/{name}", "PUT", body)

    def revision(self) -> str:
        return self.ask("/api/v1/namespaces/default/configmaps")[1]["metadata"]["resourceVersion"]

    def test_an_object_enters_and_leaves_a_selection(self):
        answer = self.watch(f"&labelSelector=t%3Din&resourceVersion={self.revision()}&timeoutSeconds=5")
        for label in ("out", "in", "in2", "in"):
            self.put("mover", label)
        self.ask("/api/v1/namespaces/default/configmaps/mover", "DELETE")
        kinds = [json.loads(answer.readline())["type"] for _ in range(4)]
        self.assertEqual(kinds, ["ADDED", "DELETED", "ADDED", "DELETED"])

    def test_initial_events_end_with_a_bookmark(self):
        self.put("first", "x")
        answer = self.watch("&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=5&resourceVersionMatch=NotOlderThan")
        lines = []
        while not lines or lines[-1]["type"] != "BOOKMARK":
            lines.append(json.loads(answer.readline()))
        self.assertTrue(all(line["type"] == "ADDED" for line in lines[:-1]))
        self.assertEqual(lines[-1]["object"]["metadata"]["annotations"], {"k8s.io/initial-events-end": "true"})

    def test_tables_have_headers_once(self):
        self.put("one", "x")
        self.put("two", "x")
        answer = self.watch("&timeoutSeconds=5", Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
        first, second = (json.loads(answer.readline())["object"] for _ in range(2))
        self.assertEqual((first["kind"], bool(first["columnDefinitions"]), bool(second["columnDefinitions"])), ("Table", True, False))

    def test_the_time_limit_ends_it(self):
        began = time.monotonic()
        self.assertEqual(self.watch(f"&timeoutSeconds=1&resourceVersion={self.revision()}").read(), b"")
        self.assertLess(time.monotonic() - began, 4)

    def test_too_old_a_revision_is_gone(self):
        self.put("busy", "x")
        store = ObjectStore(self.cluster.store)
        self.addCleanup(store.close)
        for number in range(450):
            store.patch("configmaps", "busy", lambda o, n=number: o.update(data={"n": str(n)}), "default")
        line = json.loads(self.watch("&resourceVersion=1&timeoutSeconds=5").readline())
        self.assertEqual((line["type"], line["object"]["code"], line["object"]["reason"]), ("ERROR", 410, "Expired"))

    def test_without_quorum_a_watch_is_silent_and_goes_on_after(self):
        answer = self.watch(f"&resourceVersion={self.revision()}&timeoutSeconds=15")
        self.cluster.control(quorum=False)
        store = ObjectStore(self.cluster.store)
        self.addCleanup(store.close)
        store.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "default"}})
        seen = []
        thread = threading.Thread(target=lambda: seen.append(answer.readline()))
        thread.start()
        time.sleep(1)
        self.assertEqual(seen, [])
        self.cluster.control()
        thread.join(10)
        self.assertEqual(json.loads(seen[0])["object"]["metadata"]["name"], "late")


class NoFaults:
    """A node where nothing is wrong, or what `on` says."""

    def __init__(self):
        self.on = {}

    def active(self, name):
        return self.on.get(name)


class KubeletCase(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="mko-kubelet-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.store = ObjectStore(self.directory / "store")
        self.addCleanup(self.store.close)
        self.faults, self.reachable = NoFaults(), True
        make_certificates(str(self.directory))
        self.ports = tuple(self.free_port() for _ in range(2))
        tls = tuple(str(self.directory / name) for name in ("server.crt", "server.key", "ca.crt"))
        self.kubelet = Kubelet(self.store, "k1", "10.0.0.1", "v1.32.9", {"role": "x"}, Timing(0.02), self.faults,
                               lambda: self.reachable, tls=tls, host="127.0.0.1", ports=self.ports)  # fmt: skip
        self.kubelet.start()
        self.addCleanup(self.kubelet.stop)

    @staticmethod
    def free_port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return probe.getsockname()[1]

    def healthz(self, port: int, tls: bool, certificate: bool) -> str:
        command = ["curl", "-sk", "-m", "5", "-w", " %{http_code}", f"http{'s' if tls else ''}://127.0.0.1:{port}/healthz"]
        if certificate:
            command += ["--cert", str(self.directory / "admin.crt"), "--key", str(self.directory / "admin.key")]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def ready(self) -> str:
        node = self.store.get("nodes", "k1") or {"status": {}}
        return next((c["status"] for c in node["status"].get("conditions", ()) if c["type"] == "Ready"), "")

    def lease(self) -> str:
        return (self.store.get("leases.coordination.k8s.io", "k1", "kube-node-lease") or {"spec": {}})["spec"].get("renewTime", "")

    def test_ports(self):
        self.assertEqual(self.healthz(self.ports[0], True, False), "Unauthorized 401")
        self.assertEqual(self.healthz(self.ports[0], True, True), "ok 200")
        self.assertEqual(self.healthz(self.ports[1], False, False), "ok 200")
        self.kubelet.stop()
        self.assertEqual(self.healthz(self.ports[1], False, False), " 000")

    def test_node_becomes_ready_and_keeps_its_lease(self):
        wait_for(lambda: self.ready() == "False")
        wait_for(lambda: self.ready() == "True")
        first = wait_for(self.lease)
        wait_for(lambda: self.lease() != first)
        self.assertEqual(self.store.get("nodes", "k1")["metadata"]["labels"]["role"], "x")

    def test_faults_show_in_the_conditions(self):
        wait_for(lambda: self.ready() == "True")
        for fault in ("not_ready", "containerd_down"):
            self.faults.on = {fault: ""}
            wait_for(lambda: self.ready() == "False")
            self.faults.on = {}
            wait_for(lambda: self.ready() == "True")

    def test_nothing_is_written_while_the_api_cannot_be_reached(self):
        wait_for(self.lease)
        self.reachable = False
        time.sleep(1)
        last = self.lease()
        time.sleep(1.5)
        self.assertEqual(self.lease(), last)
        self.reachable = True
        wait_for(lambda: self.lease() != last)

    def test_a_deleted_node_comes_back_only_with_a_new_start(self):
        wait_for(lambda: self.ready() == "True")
        self.store.delete("nodes", "k1")
        time.sleep(1.5)
        self.assertIsNone(self.store.get("nodes", "k1"))
        self.kubelet.stop()
        self.kubelet.start()
        wait_for(lambda: self.store.get("nodes", "k1"))

    def test_stuck_node_stays_unknown_until_restart(self):
        wait_for(lambda: self.ready() == "True")
        self.faults.on = {"stuck_notready": ""}

        def unknown(node):
            for condition in node["status"]["conditions"]:
                condition["status"] = "Unknown"

        self.store.patch("nodes", "k1", unknown)
        time.sleep(1.5)
        self.assertEqual(self.ready(), "Unknown")
        self.faults.on = {}
        time.sleep(1)
        self.assertEqual(self.ready(), "Unknown")
        self.kubelet.stop()
        self.kubelet.start()
        wait_for(lambda: self.ready() == "True")


class AddonsOfACluster(ApiCase):
    def setUp(self):
        self.store = ObjectStore(self.cluster.store)
        self.addCleanup(self.store.close)

    def test_every_addon_can_be_seen_once_enabled_and_goes_again(self):
        for name in ADDONS:
            self.assertTrue(enable_addon(self.store, name, ["10.0.0.5-10.0.0.7"] if name == "metallb" else []))
        for name in ADDONS:
            with self.subTest(name):
                wait_for(lambda name=name: addon_enabled(self.store, name))
        self.assertEqual(wait_for(lambda: self.ask("/apis/metrics.k8s.io/v1beta1/nodes")[0] == 200), True)
        for name in ADDONS:
            disable_addon(self.store, name)
        for name in ADDONS:
            with self.subTest(name):
                wait_for(lambda name=name: not addon_enabled(self.store, name))
        self.assertEqual(self.ask("/apis/metrics.k8s.io/v1beta1/nodes")[0], 404)

    def test_an_addon_without_objects_is_the_callers(self):
        self.assertFalse(enable_addon(self.store, "helm3"))
        self.assertIsNone(addon_enabled(self.store, "helm3"))


if __name__ == "__main__":
    unittest.main()
