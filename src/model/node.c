/* The table of nodes. Clients name the machine and how to reach it; everything else is found out.
 */
#include "model/node.h"

#include "base/mem.h"

static const char *const node_status_texts[] = {
	[NODE_UNKNOWN] = "unknown",
	[NODE_PROVISIONING] = "provisioning",
	[NODE_ONLINE] = "online",
	[NODE_DEGRADED] = "degraded",
	[NODE_OFFLINE] = "offline",
	[NODE_ERROR] = "error",
	[NODE_ERROR + 1] = NULL,
};
const struct enum_table node_status_table = {"node_status", node_status_texts};

static const char *const microk8s_status_texts[] = {
	[MICROK8S_UNKNOWN] = "unknown",
	[MICROK8S_NOT_INSTALLED] = "not_installed",
	[MICROK8S_INSTALLED] = "installed",
	[MICROK8S_RUNNING] = "running",
	[MICROK8S_STOPPED] = "stopped",
	[MICROK8S_ERROR] = "error",
	[MICROK8S_ERROR + 1] = NULL,
};
const struct enum_table microk8s_status_table = {"microk8s_status", microk8s_status_texts};

static const char *const node_role_texts[] = {
	[NODE_ROLE_NONE] = "none",
	[NODE_ROLE_CONTROL_PLANE] = "control_plane",
	[NODE_ROLE_WORKER] = "worker",
	[NODE_ROLE_WORKER + 1] = NULL,
};
const struct enum_table node_role_table = {"node_role", node_role_texts};

static const struct field fields[] = {
	ROW_I64(struct node, id, FIELD_FIND, .help = "Number of the node, never reused."),
	ROW_TEXT(struct node, hostname,
		FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 253, .check = check_hostname,
		.help = "Host name, which is also its name in Kubernetes: lower case, RFC 1123."),
	ROW_TEXT(struct node, ip_address,
		FIELD_EDIT | FIELD_REQUIRED | FIELD_FIND | FIELD_SEARCH | FIELD_UNIQUE, .min = 1,
		.max = 45, .check = check_ip,
		.help = "Address by which mko and the other nodes reach it, IPv4 or IPv6."),
	ROW_TEXT(struct node, ssh_user, FIELD_EDIT | FIELD_FILTER, .max = 32, .check = check_user,
		.def = "ubuntu", .help = "Login name for SSH; may use sudo."),
	ROW_I64(struct node, ssh_port, FIELD_EDIT | FIELD_FILTER, .min = 1, .max = 65535,
		.def = "22", .help = "TCP port of the SSH server."),
	ROW_TEXT(struct node, ssh_key_path, FIELD_EDIT, .max = 500, .check = check_key_path,
		.help = "File of the private SSH key; without it ssh chooses (agent, ~/.ssh)."),
	ROW_I64(struct node, cluster_id, FIELD_EDIT | FIELD_FIND, .min = 1, .max = INT64_MAX,
		.help = "Cluster that the node belongs to."),
	ROW_ENUM(struct node, role, FIELD_EDIT | FIELD_FIND, .choices = &node_role_table,
		.def = "none", .help = "Role in the cluster; none: mko decides at setup."),
	ROW_ENUM(struct node, status, FIELD_FIND, .choices = &node_status_table, .def = "unknown",
		.help = "State of the machine."),
	ROW_ENUM(struct node, microk8s_status, FIELD_FIND, .choices = &microk8s_status_table,
		.def = "unknown", .help = "State of MicroK8s on it."),
	ROW_TEXT(struct node, microk8s_version, FIELD_FIND | FIELD_SEARCH,
		.help = "Version of MicroK8s, for example v1.32.3."),
	ROW_TEXT(struct node, channel, FIELD_FIND, .help = "Snap channel that it follows."),
	ROW_TEXT(struct node, os_version, FIELD_FIND | FIELD_SEARCH, .help = "Operating system."),
	ROW_TEXT(struct node, kernel_version, FIELD_FIND, .help = "Release of the kernel."),
	ROW_TEXT(struct node, architecture, FIELD_FIND,
		.help = "Machine architecture, for example x86_64."),
	ROW_I64(struct node, cpu_cores, FIELD_FIND, .help = "Number of processor cores."),
	ROW_I64(struct node, memory_bytes, FIELD_FIND, .help = "Memory in bytes."),
	ROW_I64(struct node, disk_bytes, FIELD_FIND,
		.help = "Size of the root file system in bytes."),
	ROW_TEXT(struct node, mac_address, FIELD_EDIT | FIELD_FILTER | FIELD_SEARCH, .max = 17,
		.check = check_mac, .help = "MAC address for Wake-on-LAN, aa:bb:cc:dd:ee:ff."),
	ROW_JSON(struct node, tags, FIELD_EDIT | FIELD_SEARCH, .max = 64,
		.check_json = check_json_tags, .def = "[]", .help = "Words to find the node by."),
	ROW_TEXT(struct node, notes, FIELD_EDIT | FIELD_SEARCH, .max = 4096, .check = check_text,
		.help = "Free text."),
	ROW_TIME(struct node, last_seen, FIELD_FIND, .help = "When the node last answered."),
	ROW_TIME(struct node, created_at, FIELD_FIND, .help = "When it was added."),
	ROW_TIME(struct node, updated_at, FIELD_FIND, .help = "When its row last changed."),
	ROW_I64(struct node, power_tier, FIELD_EDIT | FIELD_FIND, .min = 0,
		.max = NODE_POWER_TIER_MAX, .def = "0",
		.help = "Order in which the nodes of a cluster go down: higher tiers first, and back last."),
	ROW_TEXT(struct node, machine_id, FIELD_FILTER,
		.help = "/etc/machine-id: tells a machine that was replaced from the old one."),
	ROW_TEXT(struct node, status_reason, 0, .help = "Why the status is what it is."),
	ROW_TEXT(struct node, host_key_fingerprint, FIELD_FILTER,
		.help = "Fingerprint of the SSH host key that is expected."),
	ROW_TEXT(struct node, host_key, FIELD_HIDDEN, .help = "SSH host key, as in known_hosts."),
	ROW_TEXT(struct node, become_password, FIELD_HIDDEN, .help = "Sealed sudo password."),
	ROW_JSON(struct node, impact, FIELD_HIDDEN,
		.help = "What ends when the node goes down, by the last scan."),
};

const struct record_type node_type = {
	.name = "node",
	.table = "nodes",
	.size = sizeof(struct node),
	.key = "hostname",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.scope = "cluster_id",
};
