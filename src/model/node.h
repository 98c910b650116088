/* A node: one machine that runs or shall run MicroK8s. CONTRACT.md section 4. */
#pragma once

#include "model/record.h"

/** Life of a node as mko sees it. */
enum node_status {
	NODE_UNKNOWN,
	NODE_PROVISIONING,
	NODE_ONLINE,
	NODE_DEGRADED,
	NODE_OFFLINE,
	NODE_ERROR
};
/** State of MicroK8s on a node. */
enum microk8s_status {
	MICROK8S_UNKNOWN,
	MICROK8S_NOT_INSTALLED,
	MICROK8S_INSTALLED,
	MICROK8S_RUNNING,
	MICROK8S_STOPPED,
	MICROK8S_ERROR
};
/** Role in the cluster. NODE_ROLE_NONE: not decided (mko decides at setup) or not a member. */
enum node_role { NODE_ROLE_NONE, NODE_ROLE_CONTROL_PLANE, NODE_ROLE_WORKER };

extern const struct enum_table node_status_table;
extern const struct enum_table microk8s_status_table;
extern const struct enum_table node_role_table;

/** A row of `nodes`. Numbers that are not known yet are I64_NONE. */
struct node {
	int64_t id;
	char *hostname;
	char *ip_address;
	char *ssh_user;
	int64_t ssh_port;
	char *ssh_key_path; /**< NULL: ssh's own choice (agent, ~/.ssh) */
	int64_t cluster_id; /**< I64_NONE: in no cluster */
	int64_t role;       /**< enum node_role */
	int64_t status;
	int64_t microk8s_status;
	char *microk8s_version;
	char *channel;
	char *os_version;
	char *kernel_version;
	char *architecture;
	int64_t cpu_cores;
	int64_t memory_bytes;
	int64_t disk_bytes;
	char *mac_address;
	int64_t power_tier; /**< nodes of higher tiers go down first and come back last */
	char *machine_id;
	json_t *tags; /**< array of texts */
	char *notes;
	char *host_key; /**< line of known_hosts after the name ("ssh-ed25519 AAAA..."), NULL: not
			   learned */
	char *host_key_fingerprint; /**< "SHA256:..." for people */
	char *become_password;      /**< sealed sudo password, hidden */
	char *status_reason;        /**< why status is what it is, for people */
	json_t *impact; /**< what ends when it goes down, told by a scan of its cluster; its member
			   "at" is the time of it; NULL: never told */
	int64_t last_seen;
	int64_t created_at;
	int64_t updated_at;
};
extern const struct record_type node_type;

#define NODE_POWER_TIER_MAX 9
