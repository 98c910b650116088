/* mko cluster shutdown, startup. */
#include "base/mem.h"
#include "cli/generic.h"
#include "cli/tables.h"

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};

static const struct cli_opt shutdown_opts[] = {
	{.name = "graceful",
		.kind = CLI_OPT_FLAG,
		.key = "graceful",
		.help = "end the pods in order, stop node by node, the leader last (default)"},
	{.name = "force",
		.letter = 'f',
		.kind = CLI_OPT_FLAG,
		.key = "force",
		.help = "all nodes at once, pods are not moved: what they did not write is lost"},
	{.name = "power-off",
		.kind = CLI_OPT_FLAG,
		.key = "power_off",
		.help = "power off the machines too"},
	{.name = "leave-running",
		.kind = CLI_OPT_LIST,
		.meta = "NODE",
		.key = "leave_running",
		.help = "leave this node alone; several times or with commas"},
	{.name = "tier",
		.kind = CLI_OPT_LIST,
		.meta = "SELECTOR",
		.key = "tiers",
		.help = "end the pods with these labels first; several times, in order"},
	{.name = "drain-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.min = 1,
		.key = "drain_timeout_s",
		.help = "time for the evictions of a tier",
		.def = "5m"},
	{.name = "delete-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.min = 1,
		.key = "delete_timeout_s",
		.help = "time for the rest to end with its grace, whatever a disruption budget says",
		.def = "2m"},
};
const struct cli_cmd cmd_cluster_shutdown = {
	.path = "cluster shutdown",
	.summary = "Shut down a cluster so that it comes back by itself",
	.details =
		"Writes down cordons, roles, leader and order; closes the nodes; ends the pods in order; stops the workers, then the control planes "
		"without a vote, the voters, the leader last. Works also when some nodes or the API are gone already, and says which. --dry-run shows "
		"what would end.",
	.example =
		"mko cluster shutdown prod --power-off\nmko cluster shutdown prod --leave-running n1 --tier app=web --tier app=db\nmko cluster shutdown prod --force",
	.doing = "shut down cluster",
	.noun = &noun_cluster,
	.action = "shutdown",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = shutdown_opts,
	.n_opts = ARRAY_LEN(shutdown_opts),
	.sets = {&cli_op_options},
	.run = cli_run_action,
};

static const struct cli_opt startup_opts[] = {
	{.name = "no-wake",
		.kind = CLI_OPT_UNFLAG,
		.key = "wake",
		.help = "send no magic packets (Wake-on-LAN)"},
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
	{.name = "quorum-timeout",
		.kind = CLI_OPT_DURATION,
		.meta = "DURATION",
		.min = 1,
		.key = "quorum_timeout_s",
		.help = "how long to wait for the datastore",
		.def = "10m"},
};
const struct cli_cmd cmd_cluster_startup = {
	.path = "cluster startup",
	.summary = "Start a cluster that was shut down or lost its power",
	.details =
		"Waits for the machines, their clocks and disks, starts all control planes together, waits for the quorum, starts the workers, opens "
		"the nodes that the shutdown closed (no others), and says what did not return. Safe to run again.",
	.example = "mko cluster startup prod\nmko cluster startup prod --wait 20m",
	.doing = "start cluster",
	.noun = &noun_cluster,
	.action = "startup",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = startup_opts,
	.n_opts = ARRAY_LEN(startup_opts),
	.sets = {&cli_op_options},
	.run = cli_run_action,
};
