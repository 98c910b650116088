"""A simulated Kubernetes: object store, API server, kubelet and controllers for lab nodes.

Owns everything that a real `kubectl` can see of a lab cluster. It knows nothing of snap, microk8s commands, dqlite roles or
the network: the node daemon (`sim.simnoded`) starts these parts and tells them by callables who leads and whether there is quorum.

    store        ObjectStore      the cluster's objects, one directory per cluster, shared by the processes of a machine
    apiserver    ApiServer        the TLS endpoint (:16443)
    kubelet      Kubelet          one node: Node object, lease, pods, :10250 and 127.0.0.1:10248
    controllers  Controllers      node lifecycle, scheduler, workloads; acts only while its node leads
    bootstrap    bootstrap_cluster, enable_addon, disable_addon
    python3 -m sim.kube           a stand-alone cluster with fake nodes, for tests and by hand
"""
