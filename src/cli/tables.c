/* The shared tables. A column here is a column of every command of its noun. */
#include "cli/tables.h"

#include "base/mem.h"
#include "cli/run.h"
#include "model/account.h"
#include "model/alert.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/notifier.h"
#include "model/operation.h"
#include "model/schedule.h"
#include "model/ups.h"
#include "model/workflow.h"

static const char *const color_texts[] = {"auto", "always", "never", NULL};
static const struct enum_table color_table = {"color", color_texts};

static const struct cli_opt global_rows[] = {
	{.name = "config",
		.letter = 'c',
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "configuration file; else $MKO_CONFIG, /etc/mko/mko.yaml, defaults"},
	{.name = "server",
		.kind = CLI_OPT_TEXT,
		.meta = "URL",
		.help = "server to speak to; else $MKO_SERVER, the one on this machine, or none at all"},
	{.name = "token-file",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "file with the token for --server; else $MKO_TOKEN"},
	{.name = "output",
		.letter = 'o',
		.kind = CLI_OPT_CHOICE,
		.choices = &cli_output_table,
		.help = "format of the data on stdout",
		.def = "table"},
	{.name = "no-headers", .kind = CLI_OPT_FLAG, .help = "no line of column titles"},
	{.name = "color",
		.kind = CLI_OPT_CHOICE,
		.choices = &color_table,
		.help = "colours; $NO_COLOR turns them off",
		.def = "auto"},
	{.name = "quiet",
		.letter = 'q',
		.kind = CLI_OPT_FLAG,
		.help = "no progress and no remarks on stderr"},
	{.name = "verbose",
		.letter = 'v',
		.kind = CLI_OPT_FLAG,
		.help = "say more: every task, codes and origins of errors"},
	{.name = "yes", .letter = 'y', .kind = CLI_OPT_FLAG, .help = "answer questions with yes"},
	{.name = "wait-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.min = 1,
		.help = "how long to wait for an operation (30s, 10m, 2h); it goes on afterwards",
		.def = "no limit"},
	{.name = "help", .letter = 'h', .kind = CLI_OPT_FLAG, .help = "show help"},
	{.name = "version", .kind = CLI_OPT_FLAG, .help = "show the version"},
};
const struct cli_optset cli_global_options = {"Global options", global_rows,
	ARRAY_LEN(global_rows)};

static const struct cli_opt list_rows[] = {
	{.name = "limit",
		.letter = 'l',
		.kind = CLI_OPT_NUMBER,
		.meta = "N",
		.min = 1,
		.max = 1000000,
		.help = "most rows"},
	{.name = "sort",
		.kind = CLI_OPT_TEXT,
		.meta = "FIELD",
		.key = "sort",
		.help = "order by a field, -FIELD backwards"},
	{.name = "filter",
		.kind = CLI_OPT_TEXT,
		.meta = "TEXT",
		.key = "q",
		.help = "only rows that contain this text"},
};
const struct cli_optset cli_list_options = {"List options", list_rows, ARRAY_LEN(list_rows)};

static const struct cli_opt op_rows[] = {
	{.name = "detach",
		.kind = CLI_OPT_FLAG,
		.help = "do not wait: print the operation's number and return"},
	{.name = "check",
		.kind = CLI_OPT_FLAG,
		.key = "check_mode",
		.help = "change nothing on the nodes, only say what would change"},
	{.name = "diff",
		.kind = CLI_OPT_FLAG,
		.help = "with --check: show what would change in files"},
	{.name = "dry-run",
		.kind = CLI_OPT_FLAG,
		.help = "start nothing: show what would be done, where, and what it locks"},
	{.name = "print-command",
		.kind = CLI_OPT_FLAG,
		.help = "start nothing: print the exact command, secrets masked"},
	{.name = "keep",
		.kind = CLI_OPT_FLAG,
		.key = "keep",
		.help = "keep the files made for Ansible, for debugging"},
	{.name = "timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.key = "timeout_s",
		.min = 1,
		.help = "end the operation after this time",
		.def = "as its type says"},
	{.name = "no-wait",
		.kind = CLI_OPT_FLAG,
		.key = "no_wait",
		.help = "fail at once when another operation holds the target"},
};
const struct cli_optset cli_op_options = {"Operation options", op_rows, ARRAY_LEN(op_rows)};
const struct cli_optset cli_wait_options = {"Operation options", op_rows, 1};

static const struct cli_opt guard_rows[] = {
	{.name = "allow-quorum-loss",
		.kind = CLI_OPT_FLAG,
		.key = "allow_quorum_loss",
		.help = "go on although too few voters would be left and the cluster would stop"},
};
const struct cli_optset cli_guard_options = {"Guard", guard_rows, ARRAY_LEN(guard_rows)};

static const struct cli_column node_columns[] = {
	{"ID", "id", .right = true},
	{"HOSTNAME", "hostname"},
	{"ADDRESS", "ip_address"},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"MICROK8S", "microk8s_status", CLI_SHOW_STATUS},
	{"VERSION", "microk8s_version", .shrink = true},
	{"ROLE", "role"},
	{"CLUSTER", "cluster_name", .shrink = true},
	{"SEEN", "last_seen", CLI_SHOW_AGO},
	{"CHANNEL", "channel", .wide = true},
	{"USER", "ssh_user", .wide = true},
	{"PORT", "ssh_port", .wide = true, .right = true},
	{"OS", "os_version", .wide = true, .shrink = true},
	{"ARCH", "architecture", .wide = true},
	{"CPU", "cpu_cores", .wide = true, .right = true},
	{"MEMORY", "memory_bytes", CLI_SHOW_BYTES, .wide = true, .right = true},
	{"DISK", "disk_bytes", CLI_SHOW_BYTES, .wide = true, .right = true},
	{"TAGS", "tags", .wide = true, .shrink = true},
	{"NOTES", "notes", .wide = true, .shrink = true},
};
const struct cli_noun noun_node = {
	.name = "node",
	.collection = "nodes",
	.key = "hostname",
	.summary = "Machines that run MicroK8s or shall run it",
	.type = &node_type,
	.columns = node_columns,
	.n_columns = ARRAY_LEN(node_columns),
	.words = CLI_WORDS_NODES,
};

static const struct cli_column cluster_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"HA", "ha_enabled", CLI_SHOW_YES},
	{"CHANNEL", "channel"},
	{"NODES", "node_count", .right = true},
	{"CONTROL", "control_plane_count", .right = true},
	{"WORKERS", "worker_count", .right = true},
	{"MARGIN", "quorum_margin", .right = true},
	{"SCANNED", "scanned_at", CLI_SHOW_AGO},
	{"HEALTH", "health_score", .wide = true, .right = true},
	{"NETWORK", "network_cidr", .wide = true},
	{"SERVICES", "service_cidr", .wide = true},
	{"DESCRIPTION", "description", .wide = true, .shrink = true},
};
const struct cli_noun noun_cluster = {
	.name = "cluster",
	.collection = "clusters",
	.key = "name",
	.summary = "MicroK8s clusters",
	.type = &cluster_type,
	.columns = cluster_columns,
	.n_columns = ARRAY_LEN(cluster_columns),
	.words = CLI_WORDS_CLUSTERS,
};

static const struct cli_column operation_columns[] = {
	{"ID", "id", .right = true},
	{"TYPE", "type"},
	{"TARGET", "target.name", .shrink = true},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"PROGRESS", "progress", CLI_SHOW_PROGRESS, .right = true},
	{"TOOK", "duration_ms", CLI_SHOW_MS, .right = true},
	{"STARTED", "created_at", CLI_SHOW_AGO},
	{"BY", "requested_by", .shrink = true},
	{"VIA", "requested_via", .wide = true},
	{"NAME", "name", .wide = true, .shrink = true},
	{"ERROR", "error.summary", .wide = true, .shrink = true},
};
const struct cli_noun noun_operation = {
	.name = "operation",
	.collection = "operations",
	.key = "id",
	.summary = "What was done, is being done or waits",
	.type = &operation_type,
	.columns = operation_columns,
	.n_columns = ARRAY_LEN(operation_columns),
	.words = CLI_WORDS_OPERATIONS,
};

static const struct cli_column playbook_columns[] = {
	{"NAME", "name"},
	{"TARGET", "target"},
	{"RISK", "risk"},
	{"SOURCE", "source"},
	{"SUMMARY", "summary", .shrink = true},
	{"TYPES", "operation_types", .wide = true},
	{"ROLE", "role", .wide = true},
};
const struct cli_noun noun_playbook = {
	.name = "playbook",
	.collection = "playbooks",
	.key = "name",
	.summary = "What operations run on the machines",
	.columns = playbook_columns,
	.n_columns = ARRAY_LEN(playbook_columns),
	.words = CLI_WORDS_PLAYBOOKS,
};

static const struct cli_column ups_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"SINCE", "status_since", CLI_SHOW_AGO},
	{"WATCHED", "enabled", CLI_SHOW_YES},
	{"HOST", "nut_host", .shrink = true},
	{"PORT", "nut_port", .right = true, .wide = true},
	{"NAME THERE", "nut_name", .wide = true},
	{"DESCRIPTION", "description", .wide = true, .shrink = true},
};
const struct cli_noun noun_ups = {
	.name = "ups",
	.collection = "ups",
	.key = "name",
	.summary = "Power: UPSes and what happens when they run dry",
	.type = &ups_device_type,
	.columns = ups_columns,
	.n_columns = ARRAY_LEN(ups_columns),
	.words = CLI_WORDS_UPS,
};

static const struct cli_column rule_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name", .shrink = true},
	{"UPS", "ups_name"},
	{"CLUSTER", "cluster_name"},
	{"EVENT", "power_event"},
	{"ACTION", "cluster_action"},
	{"DELAY S", "action_delay", .right = true},
	{"PRIORITY", "priority", .right = true},
	{"ENABLED", "enabled", CLI_SHOW_YES},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"LAST", "last_outcome", .shrink = true},
	{"BATTERY %", "battery_threshold", .wide = true, .right = true},
	{"RUNTIME S", "runtime_threshold", .wide = true, .right = true},
	{"REVERSE", "auto_reverse", CLI_SHOW_YES, .wide = true},
	{"DRY RUN", "dry_run", CLI_SHOW_YES, .wide = true},
	{"FIRED", "fired", .wide = true, .right = true},
	{"LAST FIRED", "last_fired_at", CLI_SHOW_AGO, .wide = true},
	{"OPERATION", "last_operation_id", .wide = true, .right = true},
};
const struct cli_noun noun_ups_rule = {
	.name = "rule",
	.collection = "ups/rules",
	.key = "name",
	.summary = "What happens to a cluster when a UPS runs dry",
	.type = &ups_rule_type,
	.columns = rule_columns,
	.n_columns = ARRAY_LEN(rule_columns),
};

const struct cli_noun noun_system = {.name = "system", .summary = "mko itself and this machine"};

static const struct cli_column user_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"ROLE", "role"},
	{"CLUSTERS", "clusters", .wide = true, .shrink = true},
	{"DISABLED", "disabled", CLI_SHOW_YES},
	{"LAST LOGIN", "last_login_at", CLI_SHOW_AGO},
	{"CREATED", "created_at", CLI_SHOW_TIME, .wide = true},
};
const struct cli_noun noun_user = {
	.name = "user",
	.collection = "users",
	.key = "name",
	.summary = "People who may log in",
	.type = &user_type,
	.columns = user_columns,
	.n_columns = ARRAY_LEN(user_columns),
	.words = CLI_WORDS_USERS,
};

static const struct cli_column token_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"ROLE", "role"},
	{"CLUSTERS", "clusters", .wide = true, .shrink = true},
	{"EXPIRES", "expires_at", CLI_SHOW_TIME},
	{"LAST USED", "last_used_at", CLI_SHOW_AGO},
	{"REVOKED", "revoked_at", CLI_SHOW_TIME},
	{"CREATED", "created_at", CLI_SHOW_TIME, .wide = true},
};
const struct cli_noun noun_token = {
	.name = "token",
	.collection = "tokens",
	.key = "name",
	.summary = "Tokens for programs",
	.type = &token_type,
	.columns = token_columns,
	.n_columns = ARRAY_LEN(token_columns),
	.words = CLI_WORDS_TOKENS,
};

static const struct cli_column audit_columns[] = {
	{"ID", "id", .right = true},
	{"TIME", "at", CLI_SHOW_TIME},
	{"WHO", "actor"},
	{"VIA", "via"},
	{"ACTION", "action"},
	{"OBJECT", "object", .shrink = true},
	{"OUTCOME", "outcome", CLI_SHOW_STATUS},
	{"FROM", "address", .wide = true},
	{"REQUEST", "request_id", .wide = true},
};
const struct cli_noun noun_audit = {
	.name = "audit",
	.collection = "audit",
	.key = "id",
	.summary = "Who did what",
	.type = &audit_type,
	.columns = audit_columns,
	.n_columns = ARRAY_LEN(audit_columns),
};

static const struct cli_column schedule_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"ENABLED", "enabled", CLI_SHOW_YES},
	{"CRON", "cron"},
	{"TYPE", "type"},
	{"TARGET", "target", .shrink = true},
	{"NEXT", "next_run_at", CLI_SHOW_TIME},
	{"LAST", "last_due_at", CLI_SHOW_AGO},
	{"OPERATION", "last_operation_id", .right = true},
	{"OUTCOME", "last_outcome", .shrink = true},
	{"TIME ZONE", "timezone", .wide = true},
	{"WINDOW", "window", .wide = true},
	{"MISSED", "missed", .wide = true},
	{"RUNS", "runs", .wide = true, .right = true},
	{"SKIPPED", "skipped", .wide = true, .right = true},
	{"OWNER", "owner", .wide = true},
	{"DESCRIPTION", "description", .wide = true, .shrink = true},
};
const struct cli_noun noun_schedule = {
	.name = "schedule",
	.collection = "schedules",
	.key = "name",
	.summary = "Operations that run again and again",
	.type = &schedule_type,
	.columns = schedule_columns,
	.n_columns = ARRAY_LEN(schedule_columns),
	.words = CLI_WORDS_SCHEDULES,
};

static const struct cli_column workflow_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"ROLE", "role"},
	{"CHANGED", "updated_at", CLI_SHOW_AGO},
	{"BY", "changed_by", .shrink = true},
	{"DESCRIPTION", "description", .shrink = true},
	{"STEPS", "steps", .wide = true, .shrink = true},
};
const struct cli_noun noun_workflow = {
	.name = "workflow",
	.collection = "workflows",
	.key = "name",
	.summary = "Operations in order, with conditions and approvals",
	.type = &workflow_type,
	.columns = workflow_columns,
	.n_columns = ARRAY_LEN(workflow_columns),
	.words = CLI_WORDS_WORKFLOWS,
};

static const struct cli_column alert_columns[] = {
	{"ID", "id", .right = true},
	{"SEVERITY", "severity", CLI_SHOW_STATUS},
	{"STATE", "state"},
	{"SINCE", "since", CLI_SHOW_AGO},
	{"TITLE", "title", .shrink = true},
	{"REASON", "reason", .shrink = true},
	{"TAKEN BY", "acknowledged_by", .wide = true},
	{"SILENT UNTIL", "silenced_until", .wide = true},
	{"NEXT", "next", .wide = true},
};
const struct cli_noun noun_health = {
	.name = "health",
	.collection = "alerts",
	.key = "id",
	.summary = "How nodes and clusters are, and what somebody should know",
	.type = &alert_type,
	.columns = alert_columns,
	.n_columns = ARRAY_LEN(alert_columns),
};

static const struct cli_column notify_columns[] = {
	{"ID", "id", .right = true},
	{"NAME", "name"},
	{"KIND", "kind"},
	{"ENABLED", "enabled", CLI_SHOW_YES},
	{"FROM", "min_severity"},
	{"QUIET", "quiet"},
	{"TO", "recipient", .shrink = true},
	{"URL", "url", .wide = true, .shrink = true},
};
const struct cli_noun noun_notify = {
	.name = "notify",
	.collection = "notifiers",
	.key = "name",
	.summary = "Where alerts are sent to",
	.type = &notifier_type,
	.columns = notify_columns,
	.n_columns = ARRAY_LEN(notify_columns),
	.words = CLI_WORDS_NOTIFIERS,
};

static const struct cli_noun noun_hardware = {
	.name = "hardware",
	.summary = "What machines are made of",
};

const struct cli_noun *const cli_nouns[] = {
	&noun_node,
	&noun_cluster,
	&noun_hardware,
	&noun_health,
	&noun_operation,
	&noun_schedule,
	&noun_notify,
	&noun_workflow,
	&noun_playbook,
	&noun_ups,
	&noun_user,
	&noun_token,
	&noun_audit,
	&noun_system,
	NULL,
};
