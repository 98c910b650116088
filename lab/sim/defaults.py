"""The files that a fresh MicroK8s snap brings: default arguments, default launch configuration, addon catalogue.

Owns constants only. The argument files are what playbooks read and edit (`$D/args`, facts 2.4); `${SNAP_DATA}` stays literal in them
as in the real files.
"""

LAUNCH_CONFIG = """---
version: 0.1.0
extraKubeletArgs:
  --cluster-domain: cluster.local
  --cluster-dns: 10.152.183.10
addons:
  - name: dns
"""

ARGS = {
    "kube-apiserver": """--cert-dir=${SNAP_DATA}/certs
--service-cluster-ip-range=10.152.183.0/24
--authorization-mode=AlwaysAllow
--service-account-key-file=${SNAP_DATA}/certs/serviceaccount.key
--client-ca-file=${SNAP_DATA}/certs/ca.crt
--tls-cert-file=${SNAP_DATA}/certs/server.crt
--tls-private-key-file=${SNAP_DATA}/certs/server.key
--kubelet-client-certificate=${SNAP_DATA}/certs/apiserver-kubelet-client.crt
--kubelet-client-key=${SNAP_DATA}/certs/apiserver-kubelet-client.key
--secure-port=16443
--etcd-servers="unix://${SNAP_DATA}/var/kubernetes/backend/kine.sock:12379"
--allow-privileged=true
--service-account-issuer='https://kubernetes.default.svc'
--service-account-signing-key-file=${SNAP_DATA}/certs/serviceaccount.key
--event-ttl=5m
--profiling=false

# Enable the aggregation layer
--requestheader-client-ca-file=${SNAP_DATA}/certs/front-proxy-ca.crt
--requestheader-allowed-names=front-proxy-client
--requestheader-extra-headers-prefix=X-Remote-Extra-
--requestheader-group-headers=X-Remote-Group
--requestheader-username-headers=X-Remote-User
--proxy-client-cert-file=${SNAP_DATA}/certs/front-proxy-client.crt
--proxy-client-key-file=${SNAP_DATA}/certs/front-proxy-client.key
#~Enable the aggregation layer
--enable-admission-plugins=EventRateLimit
--admission-control-config-file=${SNAP_DATA}/args/admission-control-config-file.yaml
--kubelet-certificate-authority=${SNAP_DATA}/certs/ca.crt
--kubelet-preferred-address-types=InternalIP,Hostname,InternalDNS,ExternalDNS,ExternalIP
""",
    "kubelet": """--kubeconfig=${SNAP_DATA}/credentials/kubelet.config
--cert-dir=${SNAP_DATA}/certs
--client-ca-file=${SNAP_DATA}/certs/ca.crt
--tls-cert-file=${SNAP_DATA}/certs/kubelet.crt
--tls-private-key-file=${SNAP_DATA}/certs/kubelet.key
--anonymous-auth=false
--root-dir=${SNAP_COMMON}/var/lib/kubelet
--fail-swap-on=false
--eviction-hard="memory.available<100Mi,nodefs.available<1Gi,imagefs.available<1Gi"
--container-runtime-endpoint=${SNAP_COMMON}/run/containerd.sock
--containerd=${SNAP_COMMON}/run/containerd.sock
--node-labels="microk8s.io/cluster=true,node.kubernetes.io/microk8s-controlplane=microk8s-controlplane"
--authentication-token-webhook=true
--read-only-port=0
--serialize-image-pulls=false
""",
    "kube-proxy": """--kubeconfig=${SNAP_DATA}/credentials/proxy.config
--cluster-cidr=10.1.0.0/16
--healthz-bind-address=127.0.0.1
--profiling=false
""",
    "kube-scheduler": """--kubeconfig=${SNAP_DATA}/credentials/scheduler.config
--leader-elect-lease-duration=60s
--leader-elect-renew-deadline=30s
--profiling=false
""",
    "kube-controller-manager": """--kubeconfig=${SNAP_DATA}/credentials/controller.config
--service-account-private-key-file=${SNAP_DATA}/certs/serviceaccount.key
--root-ca-file=${SNAP_DATA}/certs/ca.crt
--cluster-signing-cert-file=${SNAP_DATA}/certs/ca.crt
--cluster-signing-key-file=${SNAP_DATA}/certs/ca.key
--use-service-account-credentials
--leader-elect-lease-duration=60s
--leader-elect-renew-deadline=30s
--profiling=false
""",
    "kubelite": """--scheduler-args-file=$SNAP_DATA/args/kube-scheduler
--controller-manager-args-file=$SNAP_DATA/args/kube-controller-manager
--proxy-args-file=$SNAP_DATA/args/kube-proxy
--kubelet-args-file=$SNAP_DATA/args/kubelet
--apiserver-args-file=$SNAP_DATA/args/kube-apiserver
--kubeconfig-file=${SNAP_DATA}/credentials/client.config
--start-control-plane=true
""",
    "containerd": """--config ${SNAP_DATA}/args/containerd.toml
--root ${SNAP_COMMON}/var/lib/containerd
--state ${SNAP_COMMON}/run/containerd
--address ${SNAP_COMMON}/run/containerd.sock
""",
    "containerd-env": """# To start using a proxy, copy the following lines in /etc/environment or uncomment them here
#
# HTTPS_PROXY=https://squid.internal:3128
# HTTP_PROXY=http://squid.internal:3128
# NO_PROXY=10.0.0.0/8,192.168.0.0/16,127.0.0.1,172.16.0.0/16

# Attempt to change the maximum number of open file descriptors
# this get inherited to the running containers
#
ulimit -n 65536 || true

# Attempt to change the maximum locked memory limit
# this get inherited to the running containers
#
ulimit -l 16384 || true
""",
    "containerd-template.toml": """version = 2
oom_score = 0

[plugins."io.containerd.grpc.v1.cri"]
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${SNAP_DATA}/args/certs.d"

[metrics]
  address = "127.0.0.1:1338"
  grpc_histogram = false
""",
    "certs.d/docker.io/hosts.toml": """server = "https://docker.io"

[host."https://registry-1.docker.io"]
  capabilities = ["pull", "resolve"]
""",
    "certs.d/localhost:32000/hosts.toml": """server = "http://localhost:32000"

[host."http://localhost:32000"]
  capabilities = ["pull", "resolve"]
""",
    "k8s-dqlite": """--storage-dir=${SNAP_DATA}/var/kubernetes/backend/
--listen=unix://${SNAP_DATA}/var/kubernetes/backend/kine.sock:12379
""",
    "k8s-dqlite-env": "# LIBDQLITE_TRACE=1\n# LIBRAFT_TRACE=1\n",
    "cluster-agent": "--bind 0.0.0.0:25000\n--keyfile \"${SNAP_DATA}/certs/server.key\"\n--certfile \"${SNAP_DATA}/certs/server.crt\"\n--timeout 240\n",
    "ha-conf": "failure-domain=1\n",
    "cni-env": "IPv4_SUPPORT=true\nIPv4_CLUSTER_CIDR=10.1.0.0/16\nIPv4_SERVICE_CIDR=10.152.183.0/24\nIPv6_SUPPORT=false\n",
    "apiserver-proxy": "--refresh-interval 30s\n--kubeconfig ${SNAP_DATA}/credentials/kubelet.config\n--traefik-config ${SNAP_DATA}/args/traefik/provider.yaml\n",
    "admission-control-config-file.yaml": """apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: EventRateLimit
    path: eventconfig.yaml
""",
    "eventconfig.yaml": """apiVersion: eventratelimit.admission.k8s.io/v1alpha1
kind: Configuration
limits:
  - type: Server
    qps: 5000
    burst: 20000
""",
    "ctr": "--address ${SNAP_COMMON}/run/containerd.sock\n--namespace k8s.io\n",
    "etcd": "--data-dir=${SNAP_COMMON}/var/run/etcd\n--advertise-client-urls=https://${DEFAULT_INTERFACE_IP_ADDR}:12379\n",
    "flanneld": "--iface=\"\"\n--etcd-endpoints=https://127.0.0.1:12379\n",
    "fips-env": "# GOFIPS=1\n",
    "kubelite-env": "",
    "cni-network/cni.yaml": """# Calico as MicroK8s applies it (shortened: the simulated cluster reads only the settings below)
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: calico-node
  namespace: kube-system
spec:
  template:
    spec:
      containers:
        - name: calico-node
          env:
            - name: IP
              value: "autodetect"
            - name: IP_AUTODETECTION_METHOD
              value: "first-found"
            - name: CALICO_IPV4POOL_CIDR
              value: "10.1.0.0/16"
            - name: CALICO_IPV4POOL_VXLAN
              value: "Always"
""",
    "traefik/traefik-template.yaml": """entryPoints:
  apiserver:
    address: ":16443"
providers:
  file:
    filename: ${SNAP_DATA}/args/traefik/provider.yaml
    watch: true
""",
    "traefik/provider-template.yaml": """tcp:
  routers:
    Router-1:
      rule: "HostSNI(`*`)"
      service: kube-apiserver
      tls:
        passthrough: true
  services:
    kube-apiserver:
      loadBalancer:
        servers:
          - address: '127.0.0.1:16443'
""",
}

REQUIRED_LOCKS = ("ha-cluster", "lite.lock", "no-etcd", "no-flanneld", "no-apiserver-proxy", "cni-loaded", "installed.lock")

DIRECTORIES_COMMON = ("addons", "default-storage", "etc/launcher", "etc/sideload", "hooks/reconcile.d", "hooks/post-refresh.d",
                      "hooks/remove.d", "run", "var/lib/containerd", "var/lib/kubelet", "var/log", "var/run")
DIRECTORIES_DATA = ("args", "bin", "certs", "credentials", "var/kubernetes/backend", "var/lock", "var/log", "var/tmp", "opt/cni/bin")

# name, description, version, how `status` finds out that it is on: (kind, prefix of the name) of an API object, or a file
ADDONS = (
    ("cert-manager", "Cloud native certificate management", "1.14.5", ("pods", "cert-manager-")),
    ("cis-hardening", "Apply CIS K8s hardening", "1.0.0", "${SNAP_DATA}/var/lock/cis-hardening"),
    ("community", "The community addons repository", "", "${SNAP_COMMON}/addons/community/addons.yaml"),
    ("dashboard", "The Kubernetes dashboard", "2.7.0", ("pods", "kubernetes-dashboard")),
    ("dns", "CoreDNS", "1.10.1", ("pods", "coredns")),
    ("gpu", "Alias to nvidia add-on", "24.6.2", ("daemonsets", "nvidia-device-plugin-daemonset")),
    ("ha-cluster", "Configure high availability on the current node", "0.1.0", "${SNAP_DATA}/var/lock/ha-cluster"),
    ("helm", "Helm - the package manager for Kubernetes", "3.9.1", "always"),
    ("helm3", "Helm 3 - the package manager for Kubernetes", "3.9.1", "always"),
    ("host-access", "Allow Pods connecting to Host services smoothly", "1.0.0", "${SNAP_DATA}/var/lock/host-access-enabled"),
    ("hostpath-storage", "Storage class; allocates storage from host directory", "1.5.0", ("pods", "hostpath-provisioner")),
    ("ingress", "Ingress controller for external access", "1.11.5", ("pods", "nginx-ingress-microk8s-controller")),
    ("kube-ovn", "An advanced network fabric for Kubernetes", "v1.10.0-alpha.3", ("daemonsets", "kube-ovn-cni")),
    ("mayastor", "OpenEBS MayaStor", "2.0.0", ("daemonsets", "mayastor-csi-node")),
    ("metallb", "Loadbalancer for your Kubernetes cluster", "0.13.3", ("pods", "speaker")),
    ("metrics-server", "K8s Metrics Server for API access to service metrics", "0.6.3", ("pods", "metrics-server")),
    ("minio", "MinIO object storage", "4.5.1", ("pods", "minio-operator")),
    ("nvidia", "NVIDIA hardware (GPU and network) support", "24.6.2", ("daemonsets", "nvidia-device-plugin-daemonset")),
    ("observability", "A lightweight observability stack for logs, traces and metrics", "45.5.0", ("pods", "kube-prom-stack-grafana")),
    ("rbac", "Role-Based Access Control for authorisation", "0.1.0", ("clusterroles", "cluster-admin")),
    ("registry", "Private image registry exposed on localhost:32000", "2.8.1", ("pods", "registry")),
    ("rook-ceph", "Distributed Ceph storage using Rook", "1.11.9", ("pods", "rook-ceph-operator")),
    ("storage", "Alias to hostpath-storage add-on, deprecated", "1.5.0", ("pods", "hostpath-provisioner")),
)

COMMUNITY_ADDONS = ("argocd", "cilium", "fluentd", "gopaddle", "inaccel", "istio", "jaeger", "kata", "keda", "knative", "kwasm",
                    "linkerd", "multus", "nfs", "openebs", "openfaas", "osm-edge", "parking", "portainer", "shifu", "sosivio",
                    "starboard", "traefik", "trivy")
