/* The table of configuration keys: the one place that knows names, defaults, ranges and help. No
 * I/O: app/config.c reads the file. */
#include "model/config.h"

#include <string.h>

#include "base/mem.h"

static const char *const log_level_texts[] = {"error", "warn", "info", "debug", NULL};
static const struct enum_table log_level_table = {"log_level", log_level_texts};

/** "ADDRESS:PORT" with an IPv6 address in brackets. */
static struct err *check_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t port = 0;

	if (colon == NULL || colon == text)
		return err_new(ERR_INVALID, "must be ADDRESS:PORT, for example 127.0.0.1:5000");
	struct err *e = parse_i64(colon + 1, 0, 65535, &port);
	if (e != NULL)
		return err_wrap(e, "port");
	char *address = mem_strndup(text, (size_t)(colon - text));
	size_t len = strlen(address);
	bool any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "[::]") == 0 ||
		strcmp(address, "localhost") == 0;
	bool bracketed = len > 2 && address[0] == '[' && address[len - 1] == ']';
	if (bracketed)
		address[len - 1] = '\0';
	if (!any && !bracketed && strchr(address, ':') != NULL)
		e = err_new(ERR_INVALID, "an IPv6 address must be in brackets");
	else if (!any)
		e = check_ip(bracketed ? address + 1 : address);
	mem_free(address);
	return e;
}

/** A path of a file: absolute, without control characters. */
static struct err *check_file(const char *text)
{
	if (text[0] != '/')
		return err_new(ERR_INVALID, "must be an absolute path");
	return check_line(text);
}

#define KEY_FLAGS(key, what, member, bits, ...)                                                    \
	{                                                                                          \
		.name = (key), .kind = (what), .offset = offsetof(struct config, member),          \
		.flags = (bits), __VA_ARGS__                                                       \
	}
#define KEY(key, what, member, ...)                                                                \
	KEY_FLAGS(key, what, member, FIELD_EDIT | FIELD_RELOAD, __VA_ARGS__)
/* A key that only a start reads. */
#define KEY_START(key, what, member, ...) KEY_FLAGS(key, what, member, FIELD_EDIT, __VA_ARGS__)
#define DAYS_MAX 36500

static const struct field fields[] = {
	KEY_START("data_dir", FIELD_TEXT, data_dir, .check = check_file, .max = 500,
		.help = "Folder of the database, keys, logs of operations and backups. Without it: "
			"$MKO_DATA_DIR, /var/lib/mko for the service, $XDG_DATA_HOME/mko for a user."),

	KEY("microk8s.channel", FIELD_TEXT, microk8s_channel, .check = check_channel,
		.def = "1.32/stable",
		.help = "Snap channel of MicroK8s for nodes and clusters that name none."),
	KEY("microk8s.network_cidr", FIELD_TEXT, microk8s_network_cidr, .check = check_cidr,
		.def = "10.1.0.0/16", .help = "Network of the pods of a new cluster."),
	KEY("microk8s.service_cidr", FIELD_TEXT, microk8s_service_cidr, .check = check_cidr,
		.def = "10.152.183.0/24", .help = "Network of the services of a new cluster."),
	KEY("microk8s.addon_timeout_s", FIELD_I64, microk8s_addon_timeout_s, .unit = "seconds",
		.min = 10, .max = 86400, .def = "600",
		.help = "Seconds that an addon may take until it works."),
	KEY("microk8s.join_token_ttl_s", FIELD_I64, microk8s_join_token_ttl_s, .unit = "seconds",
		.min = 60, .max = 86400, .def = "3600",
		.help = "Seconds for which a token to join a cluster is valid."),

	KEY("ansible.collections_path", FIELD_TEXT, ansible_collections_path, .check = check_file,
		.max = 500,
		.help = "Folder that holds ansible_collections/mko/microk8s. Without it: beside the "
			"program, then /usr/share/mko/ansible."),
	KEY("ansible.playbook", FIELD_TEXT, ansible_playbook, .check = check_line, .max = 500,
		.def = "ansible-playbook",
		.help = "Program that runs playbooks: a path, or a name to look up in PATH."),
	KEY("ansible.forks_max", FIELD_I64, ansible_forks_max, .unit = "hosts", .min = 1,
		.max = 500, .def = "50",
		.help = "Most hosts that Ansible works on at the same time; free memory may lower it."),

	KEY("ssh.connect_timeout_s", FIELD_I64, ssh_connect_timeout_s, .unit = "seconds", .min = 1,
		.max = 300, .def = "10", .help = "Seconds to wait for a connection to a node."),
	KEY("ssh.default_user", FIELD_TEXT, ssh_default_user, .check = check_user, .def = "ubuntu",
		.help = "Login name on nodes that name none."),

	KEY("operations.output_max_bytes", FIELD_I64, operations_output_max_bytes, .unit = "bytes",
		.min = 65536, .max = 1LL << 40, .def = "67108864",
		.help = "Bytes of output kept of one operation; what is more is cut with a mark."),
	KEY("operations.parallel_max", FIELD_I64, operations_parallel_max, .unit = "operations",
		.min = 1, .max = 64, .def = "4",
		.help = "Operations that run at the same time; others wait."),
	KEY("operations.keep_days", FIELD_I64, operations_keep_days, .unit = "days", .min = 1,
		.max = DAYS_MAX, .def = "90",
		.help = "Days for which finished operations and their output are kept."),

	KEY("playbooks.dir", FIELD_TEXT, playbooks_dir, .check = check_file, .max = 500,
		.help = "Folder of your own playbooks with their metadata. Without it: playbooks in the "
			"data directory."),

	KEY_START("web.listen", FIELD_TEXT, web_listen, .check = check_listen,
		.def = "127.0.0.1:5000",
		.help = "Address and port of the web server and API. Beyond this machine only with "
			"TLS, or with mko web --insecure-http."),
	KEY_START("web.tls_cert", FIELD_TEXT, web_tls_cert, .check = check_file, .max = 500,
		.help = "Certificate chain (PEM) for HTTPS; needs web.tls_key."),
	KEY_START("web.tls_key", FIELD_TEXT, web_tls_key, .check = check_file, .max = 500,
		.help = "Private key (PEM) for HTTPS; needs web.tls_cert."),
	KEY_START("web.body_max_bytes", FIELD_I64, web_body_max_bytes, .unit = "bytes", .min = 4096,
		.max = 1 << 28, .def = "1048576", .help = "Largest request body in bytes."),
	KEY_START("web.request_timeout_s", FIELD_I64, web_request_timeout_s, .unit = "seconds",
		.min = 1, .max = 3600, .def = "30",
		.help = "Seconds within which a request must have arrived in full, body included."),
	KEY("web.session_hours", FIELD_I64, web_session_hours, .unit = "hours", .min = 1,
		.max = 8760, .def = "12",
		.help = "Hours until somebody who logged in has to log in again."),
	KEY_START("web.idle_timeout_s", FIELD_I64, web_idle_timeout_s, .unit = "seconds", .min = 1,
		.max = 3600, .def = "60",
		.help = "Seconds after which a silent connection is closed, and a reader that "
			"takes nothing of its answer or stream is cut off."),
	KEY_START("web.heartbeat_s", FIELD_I64, web_heartbeat_s, .unit = "seconds", .min = 1,
		.max = 300, .def = "15",
		.help = "Seconds between signs of life on a quiet event stream; less than what "
			"a proxy on the way allows."),

	KEY("health.interval_s", FIELD_I64, health_interval_s, .unit = "seconds", .min = 0,
		.max = 3600, .def = "10",
		.help = "Seconds between two rounds in which the server asks all nodes and API "
			"servers how they are; 0 = it does not."),
	KEY("alert.keep_days", FIELD_I64, alert_keep_days, .unit = "days", .min = 1,
		.max = DAYS_MAX, .def = "90", .help = "Days that an alert which is over is kept."),

	KEY("audit.keep_days", FIELD_I64, audit_keep_days, .unit = "days", .min = 0,
		.max = DAYS_MAX, .def = "1095",
		.help = "Days for which the audit log is kept; 0: for ever. What was removed is "
			"noted, so that `mko audit verify` still proves the rest."),

	KEY("power.ob_confirm_s", FIELD_I64, power_ob_confirm_s, .unit = "seconds", .min = 0,
		.max = 3600, .def = "3",
		.help = "Seconds on battery before that counts as an outage."),
	KEY("power.ol_confirm_s", FIELD_I64, power_ol_confirm_s, .unit = "seconds", .min = 0,
		.max = 3600, .def = "10",
		.help = "Seconds on mains before an outage counts as over."),
	KEY("power.comms_lost_s", FIELD_I64, power_comms_lost_s, .unit = "seconds", .min = 5,
		.max = 3600, .def = "15",
		.help = "Seconds of silence before a UPS counts as lost."),
	KEY("power.crit_charge_pct", FIELD_I64, power_crit_charge_pct, .unit = "percent", .min = 0,
		.max = 100, .def = "10", .help = "Charge at or below which a battery is critical."),
	KEY("power.crit_runtime_s", FIELD_I64, power_crit_runtime_s, .unit = "seconds", .min = 0,
		.max = 86400, .def = "0",
		.help = "Runtime at or below which a battery is critical; 0: not looked at."),
	KEY("power.blind_min_s", FIELD_I64, power_blind_min_s, .unit = "seconds", .min = 5,
		.max = 3600, .def = "15",
		.help = "Least seconds of silence on battery that count as a critical battery."),
	KEY("power.blind_max_s", FIELD_I64, power_blind_max_s, .unit = "seconds", .min = 5,
		.max = 3600, .def = "120",
		.help = "Most seconds of silence on battery, however much runtime was left."),
	KEY("power.ignore_lb", FIELD_BOOL, power_ignore_lb, .def = "false",
		.help = "Whether the flag LB of the UPSes means nothing (some raise it at random)."),

	KEY("log.level", FIELD_ENUM, log_level, .choices = &log_level_table, .def = "info",
		.help = "How much is logged."),
};

const struct record_type config_type = {
	.name = "configuration",
	.table = "config",
	.size = sizeof(struct config),
	.key = NULL,
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
};
