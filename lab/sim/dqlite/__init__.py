"""A simulated dqlite: membership, roles, leader and quorum of the control planes.

    roles    the role rules of go-dqlite (facts 3.1), pure functions
    files    `$B/*.yaml` and the segment files, in the true formats
    raft     the membership that a real cluster keeps in its log, in the lab's shared directory
    wire     the mutual-TLS line protocol on :19001
    member   one running k8s-dqlite
    shell    `/snap/microk8s/current/bin/dqlite`

Nobody copies a log here: the data is in the shared directory, and a member may use it only while it truly exchanges messages with a
majority of the configured voters over the node's network. So partitions, power cuts and cold starts behave as they do in reality.
"""
