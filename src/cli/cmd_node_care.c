/* mko node cordon, uncordon, drain, reboot, power-off and cluster reboot. */
#include "base/mem.h"
#include "cli/generic.h"
#include "cli/tables.h"

static const struct cli_arg nodes[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};
static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};

#define OPT_ALL                                                                                    \
	{                                                                                          \
		.name = "all", .letter = 'a', .kind = CLI_OPT_FLAG,                                \
		.help = "all nodes of the inventory"                                               \
	}
#define OPTS_DRAIN                                                                                                 \
	{.name = "drain-timeout",                                                                                  \
		.kind = CLI_OPT_DURATION,                                                                          \
		.meta = "DURATION",                                                                                \
		.min = 1,                                                                                          \
		.key = "drain_timeout_s",                                                                          \
		.help = "time for the evictions",                                                                  \
		.def = "5m"},                                                                                      \
		{.name = "delete-timeout",                                                                         \
			.kind = CLI_OPT_DURATION,                                                                  \
			.meta = "DURATION",                                                                        \
			.min = 0,                                                                                  \
			.key = "delete_timeout_s",                                                                 \
			.help = "then delete pods that stay, whatever a disruption budget says, within this time", \
			.def = "0: do not"},                                                                       \
		{.name = "delete-emptydir-data",                                                                   \
			.kind = CLI_OPT_FLAG,                                                                      \
			.key = "delete_emptydir_data",                                                             \
			.help = "also pods with scratch data, which is lost"},                                     \
	{                                                                                                          \
		.name = "force", .letter = 'f', .kind = CLI_OPT_FLAG, .key = "delete_bare_pods",                   \
		.help = "also pods that no controller brings back"                                                 \
	}
#define OPT_NO_DRAIN                                                                               \
	{                                                                                          \
		.name = "no-drain", .kind = CLI_OPT_UNFLAG, .key = "drain",                        \
		.help = "leave the pods where they are"                                            \
	}
#define OPT_BOOT                                                                                   \
	{                                                                                          \
		.name = "boot-timeout", .kind = CLI_OPT_DURATION, .meta = "DURATION", .min = 10,   \
		.key = "boot_timeout_s", .help = "how long a machine may be away", .def = "15m"    \
	}

static const struct cli_opt plain_opts[] = {OPT_ALL};
static const struct cli_opt drain_opts[] = {OPT_ALL, OPTS_DRAIN};
static const struct cli_opt reboot_opts[] = {OPT_ALL, OPTS_DRAIN, OPT_NO_DRAIN, OPT_BOOT};
static const struct cli_opt power_off_opts[] = {OPT_ALL, OPTS_DRAIN, OPT_NO_DRAIN};
static const struct cli_opt cluster_opts[] = {OPTS_DRAIN, OPT_NO_DRAIN, OPT_BOOT};

static const struct cli_opt wake_opts[] = {
	OPT_ALL,
	{.name = "relay",
		.kind = CLI_OPT_TEXT,
		.meta = "NODE",
		.words = CLI_WORDS_NODES,
		.key = "relay",
		.help = "a node of their network that sends the packets too"},
	{.name = "wait",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.min = 1,
		.key = "wait_s",
		.help = "how long to wait for the machines to answer",
		.def = "10m"},
};

#define CARE(VERB, ACTION, SUMMARY, DOING, OPTS, EXAMPLE, ...)                                     \
	{                                                                                          \
		.path = "node " VERB, .summary = (SUMMARY), .doing = (DOING), .action = (ACTION),  \
		.example = (EXAMPLE), .noun = &noun_node, .args = nodes,                           \
		.n_args = ARRAY_LEN(nodes), .opts = (OPTS), .n_opts = ARRAY_LEN(OPTS),             \
		.sets = {&cli_op_options, __VA_ARGS__}, .run = cli_run_on_nodes,                   \
	}

const struct cli_cmd cmd_node_cordon = CARE("cordon", "cordon",
	"Close nodes for new pods; those that run there stay", "cordon", plain_opts,
	"mko node cordon n3", NULL);
const struct cli_cmd cmd_node_uncordon = CARE("uncordon", "uncordon", "Open nodes for pods again",
	"uncordon", plain_opts, "mko node uncordon n3", NULL);
const struct cli_cmd cmd_node_drain = CARE("drain", "drain",
	"Close nodes and move their pods away; says which pods stay, and why", "drain", drain_opts,
	"mko node drain n3\nmko node drain n3 --dry-run\nmko node drain n3 --delete-emptydir-data --drain-timeout 10m",
	&cli_guard_options);
const struct cli_cmd cmd_node_reboot = CARE("reboot", "reboot",
	"Reboot nodes one after the other: drain, stop, reboot, wait, open again", "reboot",
	reboot_opts, "mko node reboot n4 n5\nmko node reboot n1 --no-drain", &cli_guard_options);
const struct cli_cmd cmd_node_restart = CARE("restart", "restart",
	"Restart MicroK8s on nodes one after the other: drain, stop, start, open again", "restart",
	power_off_opts, "mko node restart n4 n5\nmko node restart n1 --no-drain",
	&cli_guard_options);
const struct cli_cmd cmd_node_power_off = CARE("power-off", "power_off",
	"Drain nodes, stop MicroK8s and power off the machines; they stay cordoned", "power off",
	power_off_opts, "mko node power-off n5", &cli_guard_options);

const struct cli_cmd cmd_node_wake = CARE("wake", "wake",
	"Wake machines that are off (Wake-on-LAN) and wait until they answer", "wake", wake_opts,
	"mko node wake n5\nmko node wake n5 --relay n1", NULL);

const struct cli_cmd cmd_cluster_reboot = {
	.path = "cluster reboot",
	.summary = "Reboot all nodes of a cluster one by one, the leader last",
	.details =
		"Before each node the datastore is asked whether it keeps its quorum; after each one the node must be Ready again. Stops at the first "
		"node that fails and says how far it came.",
	.example = "mko cluster reboot prod\nmko cluster reboot prod --dry-run",
	.doing = "reboot the nodes of cluster",
	.noun = &noun_cluster,
	.action = "reboot",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = cluster_opts,
	.n_opts = ARRAY_LEN(cluster_opts),
	.sets = {&cli_op_options, &cli_guard_options},
	.run = cli_run_action,
};
