/* mko cluster status, scan, adopt, kubeconfig: what is known of the running cluster. */
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/seal.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/desired.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/style.h"
#include "cli/tables.h"
#include "cli/watch.h"

static const struct cli_column member_columns[] = {
	{"HOSTNAME", "hostname"},
	{"ADDRESS", "ip_address"},
	{"ROLE", "role"},
	{"MEMBER", "member", CLI_SHOW_YES},
	{"READY", "ready", CLI_SHOW_YES},
	{"STATUS", "status", CLI_SHOW_STATUS},
	{"MICROK8S", "microk8s_status", CLI_SHOW_STATUS},
	{"VERSION", "microk8s_version", .shrink = true},
};
static const struct cli_column finding_columns[] = {
	{"SEVERITY", "severity"},
	{"FINDING", "message"},
	{"WHAT HELPS", "fix"},
};

static const struct cli_column unknown_columns[] = {
	{"NAME", "name"},
	{"ADDRESS", "address"},
	{"ROLE", "role"},
	{"READY", "ready", CLI_SHOW_YES},
	{"VERSION", "version"},
	{"NOT ADOPTED BECAUSE", "why", .shrink = true},
};

static const struct cli_column score_columns[] = {
	{"POINTS LOST", "points", .right = true},
	{"BECAUSE", "reason"},
};

static void print_line(struct cli *cli, const char *label, const char *text)
{
	cleanup(mem_freep) char *shown = cli_esc(text);

	(void)fprintf(cli->io->out, "%-18s %s\n", label, shown);
}

/** The status with its reason, in colour. */
static void print_status_word(struct cli *cli, const json_t *status)
{
	const char *word = cli_json_text(status, "status", "unknown");
	const char *reason = cli_json_text(status, "status_reason", NULL);
	cleanup(mem_freep) char *shown = cli_esc(word);
	cleanup(mem_freep) char *why = cli_esc(reason);

	(void)fprintf(cli->io->out, "%-18s %s%s%s%s%s\n", "status",
		style_on(cli->color_out, style_of_status(word)), shown, style_off(cli->color_out),
		reason != NULL ? ": " : "", why);
}

static void print_quorum(struct cli *cli, const json_t *status)
{
	int64_t margin = cli_json_i64(status, "quorum_margin", -1);
	bool ha = json_is_true(cli_json_get(status, "ha"));

	if (margin < 0)
		print_line(cli, "high availability", ha ? "yes" : "no");
	else
		(void)fprintf(cli->io->out, "%-18s %s, may lose %lld voter%s\n",
			"high availability", ha ? "yes" : "no", (long long)margin,
			margin == 1 ? "" : "s");
}

/* Names of the addons that are on, in a line; "-" for none. Owned. */
static char *enabled_addons(const json_t *status)
{
	struct str names = STR_INIT;
	size_t i;
	const json_t *addon;

	json_array_foreach(cli_json_get(status, "addons"), i, addon) {
		if (strcmp(cli_json_text(addon, "status", ""), "enabled") != 0)
			continue;
		str_adds(&names, names.len > 0 ? ", " : "");
		str_add_printable(&names, cli_json_text(addon, "name", "?"));
	}
	if (names.len == 0)
		str_addc(&names, '-');
	return str_take(&names);
}

/** What differs from the file that was applied last; nothing when none was. */
static void print_drift(struct cli *cli, const json_t *status)
{
	const json_t *desired = cli_json_get(status, "desired");
	const char *refused = cli_json_text(desired, "refused", NULL);
	size_t n = json_array_size(cli_json_get(desired, "changes")) +
		json_array_size(cli_json_get(desired, "notes"));

	if (!json_is_object(desired))
		return;
	cleanup(mem_freep) char *by = cli_esc(cli_json_text(desired, "by", "?"));
	(void)fprintf(cli->io->out, "\n%-18s %s (applied by %s, operation %lld)\n", "file",
		n > 0 || refused != NULL ? "the cluster differs from it"
					 : "the cluster is as it says",
		by, (long long)cli_json_i64(desired, "operation_id", 0));
	if (refused != NULL)
		print_line(cli, "impossible", refused);
	else if (n > 0)
		cli_print_difference(cli, cli_json_text(status, "name", "?"), desired);
}

/** Members that the inventory does not have, and how they get into it. */
static void print_unknown(struct cli *cli, const json_t *status)
{
	const json_t *unknown = cli_json_get(status, "unknown");

	if (json_array_size(unknown) == 0)
		return;
	cli_print_table(cli, "members that are no nodes of mko", unknown_columns,
		ARRAY_LEN(unknown_columns), unknown);
	cleanup(mem_freep) char *name = cli_esc(cli_json_text(status, "name", "?"));
	cli_note(cli, "add them: mko cluster scan %s --adopt", name);
}

static void print_people(struct cli *cli, const json_t *status)
{
	static const struct cli_column scanned = {"", "scanned_at", CLI_SHOW_AGO};
	cleanup(mem_freep) char *seen = cli_cell(&scanned, status, clock_utc(cli->io->clock));
	cleanup(mem_freep) char *enabled = enabled_addons(status);
	const json_t *nodes = cli_json_get(status, "nodes");
	const json_t *findings = cli_json_get(status, "findings");
	const json_t *lost = cli_json_get(status, "score_reasons");

	print_line(cli, "cluster", cli_json_text(status, "name", "?"));
	print_status_word(cli, status);
	print_quorum(cli, status);
	(void)fprintf(cli->io->out, "%-18s %lld\n%-18s %lld\n", "control planes",
		(long long)cli_json_i64(status, "control_planes", 0), "workers",
		(long long)cli_json_i64(status, "workers", 0));
	if (cli_json_i64(status, "health_score", -1) >= 0)
		(void)fprintf(cli->io->out, "%-18s %lld of 100\n", "health",
			(long long)cli_json_i64(status, "health_score", 0));
	print_line(cli, "addons", enabled);
	print_line(cli, "last scan", seen);
	if (json_array_size(nodes) > 0) {
		(void)fputc('\n', cli->io->out);
		cli_print_table(cli, NULL, member_columns, ARRAY_LEN(member_columns), nodes);
	}
	print_unknown(cli, status);
	if (json_array_size(lost) > 0)
		cli_print_table(cli, "health", score_columns, ARRAY_LEN(score_columns), lost);
	if (json_array_size(findings) > 0)
		cli_print_table(cli, "findings", finding_columns, ARRAY_LEN(finding_columns),
			findings);
	print_drift(cli, status);
}

static struct err *show_status(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "status", NULL);
	json_t *status = NULL;

	TRY(cli_get(cli, path, NULL, &status));
	struct err *e = NULL;
	if (cli->output == CLI_TABLE || cli->output == CLI_WIDE)
		print_people(cli, status);
	else if (cli->output == CLI_CSV)
		e = cli_print_list(cli, member_columns, ARRAY_LEN(member_columns), "hostname",
			cli_json_get(status, "nodes"));
	else
		e = cli_print_object(cli, "name", status);
	json_decref(status);
	return e;
}

/** Ask the cluster itself. @ret_done false when nothing was waited for (--detach, --dry-run) */
static struct err *scan(struct cli *cli, bool adopt, bool *ret_done)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "scan", NULL);
	json_t *final = NULL;
	json_t *body = json_object();

	if (adopt)
		json_object_set_new(body, "adopt", json_true());
	struct err *e = cli_operate(cli, path, body, &final);
	*ret_done = final != NULL;
	json_decref(final);
	return e;
}

/** Look at the nodes that were adopted: what cannot be reached is told by name. */
static struct err *look_at_adopted(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "status", NULL);
	json_t *status = NULL;
	json_t *final = NULL;

	TRY(cli_get(cli, path, NULL, &status));
	json_t *names = json_object_get(status, "adopted");
	struct err *e = NULL;
	if (json_array_size(names) > 0)
		e = cli_operate(cli, "/api/nodes/actions/facts", json_pack("{s:O}", "nodes", names),
			&final);
	json_decref(final);
	json_decref(status);
	return e;
}

static struct err *scan_and_show(struct cli *cli, bool adopt)
{
	bool done = false;
	struct err *e = scan(cli, adopt, &done);

	if (e == NULL && done && adopt)
		e = look_at_adopted(cli);
	if (done && !cli->quiet) {
		struct err *show = show_status(cli);
		if (e == NULL)
			return show;
		err_ignore(show); /* the scan's own failure says more */
	}
	return e;
}

static struct err *run_scan(struct cli *cli)
{
	cli_what(cli, "scan cluster %s", cli->args[0]);
	return scan_and_show(cli, cli_opt_given(cli, "adopt"));
}

/** The cluster of the first argument; made when there is none. */
static struct err *need_cluster(struct cli *cli, json_t **ret_cluster)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], NULL);
	struct err *e = cli_get(cli, path, NULL, ret_cluster);

	if (e == NULL || err_code(e) != ERR_NOT_FOUND)
		return e;
	err_free(e);
	json_t *body = json_pack("{s:s}", "name", cli->args[0]);
	e = cli_post(cli, "/api/clusters", NULL, body, ret_cluster);
	json_decref(body);
	return e;
}

/** Put the node of the second argument into the cluster, unless it is there. */
static struct err *put_node(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("nodes", cli->args[1], NULL);
	cleanup(mem_freep) char *etag = NULL;
	json_t *cluster = NULL;
	json_t *node = NULL;

	TRY(cli_get(cli, path, NULL, &node));
	struct err *e = need_cluster(cli, &cluster);
	int64_t in = cli_json_i64(node, "cluster_id", 0);
	int64_t wanted = cli_json_i64(cluster, "id", 0);
	json_t *body = json_pack("{s:I}", "cluster_id", (json_int_t)wanted);
	if (e == NULL && in != 0 && in != wanted)
		e = err_hint(err_new(ERR_CONFLICT, "node %s is in cluster %s", cli->args[1],
				     cli_json_text(node, "cluster_name", "?")),
			"mko node edit %s --cluster-id \"\"", cli->args[1]);
	if (e == NULL && in == 0)
		e = cli_get_etag(cli, path, &etag);
	if (e == NULL && in == 0)
		e = cli_patch(cli, path, etag, body, NULL);
	json_decref(body);
	json_decref(cluster);
	json_decref(node);
	return e;
}

static struct err *run_adopt(struct cli *cli)
{
	cli_what(cli, "adopt cluster %s from node %s", cli->args[0], cli->args[1]);
	TRY(put_node(cli));
	return scan_and_show(cli, true);
}

static struct err *look(struct cli *cli, void *user)
{
	(void)user;
	return cli_opt_given(cli, "scan") ? scan_and_show(cli, false) : show_status(cli);
}

static struct err *run_status(struct cli *cli)
{
	cli_what(cli, "get the status of cluster %s", cli->args[0]);
	return cli_watch(cli, look, NULL);
}

static struct err *write_kubeconfig(struct cli *cli, const char *text, size_t len)
{
	const char *file = cli_opt_text(cli, "file");

	if (file == NULL) {
		(void)fwrite(text, 1, len, cli->io->out);
		return NULL;
	}
	TRY(fs_write_atomic(file, text, len, 0600));
	cleanup(mem_freep) char *shown = cli_esc(file);
	cli_note(cli, "written to %s; use it: KUBECONFIG=%s kubectl get nodes", shown, shown);
	return NULL;
}

static struct err *run_kubeconfig(struct cli *cli)
{
	cleanup(mem_freep) char *cluster_path = cli_path("clusters", cli->args[0], NULL);
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], "kubeconfig", NULL);
	json_t *cluster = NULL;
	char *text = NULL;
	size_t len = 0;

	cli_what(cli, "get the kubeconfig of cluster %s", cli->args[0]);
	TRY(cli_get(cli, cluster_path, NULL, &cluster));
	bool known = !json_is_false(cli_json_get(cluster, "has_kubeconfig"));
	json_decref(cluster);
	if (!known || cli_opt_given(cli, "refresh")) {
		json_t *final = NULL;
		json_t *body = json_pack("{s:s, s:s}", "type", "cluster.fetch_kubeconfig", "target",
			cli->args[0]);
		struct err *e = cli_operate(cli, "/api/operations", body, &final);
		bool done = final != NULL;
		json_decref(final);
		if (e != NULL || !done)
			return e;
	}
	TRY(cli_get_text(cli, path, NULL, &text, &len));
	struct err *e = write_kubeconfig(cli, text, len);
	seal_wipe_free(text);
	return e;
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
static const struct cli_opt status_opts[] = {
	{.name = "scan",
		.kind = CLI_OPT_FLAG,
		.help = "ask the cluster first; without it: what the last scan or setup found"},
	CLI_WATCH_OPT,
};
const struct cli_cmd cmd_cluster_status = {
	.path = "cluster status",
	.summary = "Show state, members, voters and addons of a cluster",
	.example =
		"mko cluster status prod\nmko cluster status prod --scan -o json\nmko cluster status prod --watch",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = status_opts,
	.n_opts = ARRAY_LEN(status_opts),
	.run = run_status,
};
static const struct cli_opt scan_opts[] = {
	{.name = "adopt",
		.kind = CLI_OPT_FLAG,
		.help = "add members that are no nodes of mko, and look at them"},
};
const struct cli_cmd cmd_cluster_scan = {
	.path = "cluster scan",
	.summary = "Ask a cluster for its members, roles, voters and addons, and show them",
	.details =
		"Members that are no nodes of mko are listed; --adopt adds them, reached with user, port, key and sudo password of the node that "
		"tells of them, and makes networks, addons and channel of the cluster the settings of mko.",
	.example = "mko cluster scan prod\nmko cluster scan prod --adopt",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = scan_opts,
	.n_opts = ARRAY_LEN(scan_opts),
	.sets = {&cli_op_options},
	.run = run_scan,
};

static const struct cli_arg adopt_args[] = {
	{.name = "CLUSTER",
		.words = CLI_WORDS_CLUSTERS,
		.help = "name; a new one is added to the inventory"},
	{.name = "NODE",
		.words = CLI_WORDS_NODES,
		.help = "a node of the inventory that is a control plane of it"},
};
const struct cli_cmd cmd_cluster_adopt = {
	.path = "cluster adopt",
	.summary = "Take over a cluster that is there already, from one of its control planes",
	.details =
		"Scans the cluster through the node, adds all other members to the inventory and looks at each. Nothing is changed on the nodes.",
	.example =
		"mko node add --hostname n1 --ip 192.168.1.10 --user ubuntu\nmko cluster adopt prod n1",
	.noun = &noun_cluster,
	.args = adopt_args,
	.n_args = ARRAY_LEN(adopt_args),
	.sets = {&cli_op_options},
	.run = run_adopt,
};
static const struct cli_opt kubeconfig_opts[] = {
	{.name = "file",
		.kind = CLI_OPT_TEXT,
		.meta = "FILE",
		.words = CLI_WORDS_FILES,
		.help = "write it there (mode 0600) instead of to stdout"},
	{.name = "refresh", .kind = CLI_OPT_FLAG, .help = "fetch it from the cluster anew"},
};
const struct cli_cmd cmd_cluster_kubeconfig = {
	.path = "cluster kubeconfig",
	.summary = "Print the administrator's kubeconfig of a cluster",
	.example =
		"mko cluster kubeconfig prod --file ~/.kube/prod\nmko cluster kubeconfig prod >kubeconfig",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = kubeconfig_opts,
	.n_opts = ARRAY_LEN(kubeconfig_opts),
	.run = run_kubeconfig,
};
