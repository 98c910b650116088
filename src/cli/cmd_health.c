/* mko health check, status: how nodes and clusters are now, asked directly or as the server has
 * watched them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/tables.h"
#include "cli/watch.h"

static const struct cli_column cluster_columns[] = {
	{"CLUSTER", "name"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"WELL", "nodes_well", .right = true},
	{"NODES", "nodes", .right = true},
	{"PLANES READY", "planes_ready", .right = true},
	{"MARGIN", "quorum_margin", .right = true},
	{"REASON", "reason", .shrink = true},
};
static const struct cli_column node_columns[] = {
	{"NODE", "name"},
	{"CLUSTER", "cluster"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SSH", "ssh"},
	{"AGENT", "agent"},
	{"API", "api"},
	{"READY", "ready", CLI_SHOW_YES},
	{"CORDONED", "cordoned", CLI_SHOW_YES, .wide = true},
	{"HEARTBEAT", "heartbeat_s", .right = true, .wide = true},
	{"CERTIFICATE ENDS", "certificate_ends", .wide = true},
	{"REASON", "reason", .shrink = true},
};

static const struct cli_column cluster_status_columns[] = {
	{"CLUSTER", "name"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SINCE", "since", CLI_SHOW_AGO},
	{"WELL", "nodes_well", .right = true},
	{"NODES", "nodes", .right = true},
	{"MARGIN", "quorum_margin", .right = true},
	{"REASON", "reason", .shrink = true},
};
static const struct cli_column node_status_columns[] = {
	{"NODE", "name"},
	{"CLUSTER", "cluster"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SINCE", "since", CLI_SHOW_AGO},
	{"HEARD", "heard", .wide = true},
	{"FLAPPING", "flapping", CLI_SHOW_YES, .wide = true},
	{"READY", "ready", CLI_SHOW_YES},
	{"CORDONED", "cordoned", CLI_SHOW_YES},
	{"HEARTBEAT", "heartbeat_s", .right = true, .wide = true},
	{"CERTIFICATE ENDS", "certificate_ends", .wide = true},
	{"REASON", "reason", .shrink = true},
};

/* A way to look: where, and how it is shown. */
struct view {
	const char *path;
	const struct cli_column *clusters, *nodes;
	size_t n_clusters, n_nodes;
};
static const struct view now_view = {"/api/health/check", cluster_columns, node_columns,
	ARRAY_LEN(cluster_columns), ARRAY_LEN(node_columns)};
static const struct view status_view = {"/api/health/status", cluster_status_columns,
	node_status_columns, ARRAY_LEN(cluster_status_columns), ARRAY_LEN(node_status_columns)};

static size_t count_ill(const json_t *items)
{
	const json_t *one = NULL;
	size_t i = 0;
	size_t n = 0;

	json_array_foreach(items, i, one) {
		const char *state = cli_json_text(one, "state", "");
		n += strcmp(state, "up") != 0 && strcmp(state, "unknown") != 0;
	}
	return n;
}

static struct err *show(struct cli *cli, const struct view *view, const json_t *report)
{
	if (cli_output_is_document(cli))
		return cli_print_document(cli, report);
	if (json_array_size(cli_json_get(report, "clusters")) > 0) {
		cli_print_table(cli, NULL, view->clusters, view->n_clusters,
			cli_json_get(report, "clusters"));
		(void)fputc('\n', cli->io->out);
	}
	cli_print_table(cli, NULL, view->nodes, view->n_nodes, cli_json_get(report, "nodes"));
	return NULL;
}

/* One look: how, and how many nodes and clusters are not well. */
struct glance {
	const struct view *view;
	size_t ill;
};

static struct err *look(struct cli *cli, void *user)
{
	struct glance *glance = user;
	cleanup(str_done) struct str query = STR_INIT;
	json_t *report = NULL;

	if (cli_opt_given(cli, "cluster"))
		cli_query_add(&query, "cluster", cli_opt_text(cli, "cluster"));
	TRY(cli_get(cli, glance->view->path, query.len > 0 ? str_get(&query) : NULL, &report));
	struct err *e = show(cli, glance->view, report);
	glance->ill = count_ill(cli_json_get(report, "nodes")) +
		count_ill(cli_json_get(report, "clusters"));
	json_decref(report);
	return e;
}

static struct err *run_view(struct cli *cli, const struct view *view)
{
	struct glance glance = {.view = view};

	TRY(cli_watch(cli, look, &glance));
	if (glance.ill == 0 || cli_opt_given(cli, "watch"))
		return NULL;
	return err_hint(err_new(ERR_FAILED, "%zu nodes and clusters are not well", glance.ill),
		"mko doctor --cluster CLUSTER    (what it is, and what to do)");
}

static struct err *run_check(struct cli *cli)
{
	return run_view(cli, &now_view);
}

static struct err *run_status(struct cli *cli)
{
	return run_view(cli, &status_view);
}

static const struct cli_opt opts[] = {
	{.name = "cluster",
		.kind = CLI_OPT_TEXT,
		.meta = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "only this cluster and its nodes"},
	CLI_WATCH_OPT,
};

const struct cli_cmd cmd_health_check = {
	.path = "health check",
	.summary = "Ask every node and API server how it is, now and directly",
	.details =
		"Without SSH logins and without Ansible, so it takes seconds: the port of SSH, the cluster agent, /readyz of each control plane, and from "
		"one of them the nodes with their conditions and heartbeats. Exit code 1 when something is not well. What is wrong in depth: mko doctor.",
	.example =
		"mko health check\nmko health check --cluster prod -o json\nmko health check --watch",
	.doing = "check the health",
	.noun = &noun_health,
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run_check,
};
const struct cli_cmd cmd_health_status = {
	.path = "health status",
	.summary = "Show what the server believes of every node and cluster, and since when",
	.details =
		"The server asks each 10 s (health.interval_s). A state is believed when it was heard three times in a row, a better one after two: one lost "
		"answer changes nothing. Exit code 1 when something is not well.",
	.example =
		"mko health status\nmko health status --cluster prod -o wide\nmko health status --watch",
	.doing = "show the health",
	.noun = &noun_health,
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.run = run_status,
};
