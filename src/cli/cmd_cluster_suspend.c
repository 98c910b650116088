/* mko cluster scale-down, scale-up, pause, resume. */
#include "base/mem.h"
#include "cli/generic.h"
#include "cli/tables.h"

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};

#define OPT_PODS                                                                                   \
	{                                                                                          \
		.name = "pods-timeout", .kind = CLI_OPT_DURATION, .meta = "DURATION", .min = 1,    \
		.key = "pods_timeout_s",                                                           \
		.help = "time for the pods of a tier to end, or to be ready", .def = "5m"          \
	}
static const struct cli_opt scale_opts[] = {
	{.name = "tier",
		.kind = CLI_OPT_LIST,
		.meta = "SELECTOR",
		.key = "tiers",
		.help = "only workloads with these labels; several times, in order"},
	{.name = "namespace",
		.letter = 'n',
		.kind = CLI_OPT_LIST,
		.meta = "NAME",
		.key = "namespaces",
		.help = "only this namespace; several times or with commas"},
	OPT_PODS,
};
static const struct cli_opt pause_opts[] = {OPT_PODS};

#define SUSPEND_CMD(VERB, ACTION, SUMMARY, DOING, OPTS, EXAMPLE)                                   \
	{                                                                                          \
		.path = "cluster " VERB, .summary = (SUMMARY), .doing = (DOING),                   \
		.action = (ACTION), .example = (EXAMPLE), .noun = &noun_cluster,                   \
		.args = one_cluster, .n_args = ARRAY_LEN(one_cluster), .opts = (OPTS),             \
		.n_opts = ARRAY_LEN(OPTS), .sets = {&cli_op_options}, .run = cli_run_action,       \
	}

const struct cli_cmd cmd_cluster_scale_down = SUSPEND_CMD("scale-down", "scale_down",
	"Take the replicas of workloads away and remember how many they were", "scale down cluster",
	scale_opts,
	"mko cluster scale-down prod\nmko cluster scale-down prod --tier tier=front --tier tier=back");
const struct cli_cmd cmd_cluster_scale_up = SUSPEND_CMD("scale-up", "scale_up",
	"Bring back exactly the replicas that scale-down took away", "scale up cluster", scale_opts,
	"mko cluster scale-up prod");
const struct cli_cmd cmd_cluster_pause = SUSPEND_CMD("pause", "pause",
	"Close the nodes, suspend CronJobs, and hold mko's own operations on a cluster",
	"pause cluster", pause_opts, "mko cluster pause prod");
const struct cli_cmd cmd_cluster_resume = SUSPEND_CMD("resume", "resume",
	"Open again what a pause closed", "resume cluster", pause_opts, "mko cluster resume prod");
