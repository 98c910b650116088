/* mko cluster certs, certs renew: one line per certificate of each node. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/tables.h"

static const struct cli_column cert_columns[] = {
	{"NODE", "hostname"},
	{"CERTIFICATE", "name"},
	{"DAYS LEFT", "days_left", .right = true},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"ENDS", "not_after"},
	{"RENEWABLE", "renewable", CLI_SHOW_YES},
	{"PATH", "path", .wide = true},
};

static const char *state_of(const json_t *cert, int64_t below)
{
	if (!json_is_integer(cli_json_get(cert, "days_left")))
		return "unreadable";
	int64_t days = cli_json_i64(cert, "days_left", 0);
	return days < 0 ? "expired" : days < below ? "expiring" : "ok";
}

/** The certificates of all hosts of an operation in one list. Owned. @ret_bad how many end soon */
static json_t *all_certs(const json_t *operation, int64_t below, size_t *ret_bad)
{
	json_t *list = json_array();
	const json_t *host = NULL;
	size_t i = 0;

	*ret_bad = 0;
	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		size_t k = 0;
		const json_t *cert = NULL;
		json_array_foreach(cli_json_get(host, "data.certs"), k, cert) {
			json_t *row = json_deep_copy(cert);
			const char *state = state_of(cert, below);
			*ret_bad += strcmp(state, "ok") != 0;
			json_object_set_new(row, "hostname",
				json_string(cli_json_text(host, "hostname", "?")));
			json_object_set_new(row, "state", json_string(state));
			json_array_append_new(list, row);
		}
	}
	return list;
}

static struct err *show(struct cli *cli, const json_t *operation, int64_t below)
{
	size_t bad = 0;
	json_t *list = all_certs(operation, below, &bad);
	struct err *e = cli_print_list(cli, cert_columns, ARRAY_LEN(cert_columns), "path", list);

	json_decref(list);
	if (e == NULL && bad > 0)
		return err_hint(
			err_new(ERR_FAILED,
				"%zu certificates end within %lld days, are over, or cannot be read",
				bad, (long long)below),
			"mko cluster certs renew %s", cli->args[0]);
	return e;
}

static struct err *run(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("clusters", cli->args[0], cli->cmd->action, NULL);
	int64_t below = cli_opt_number(cli, "below-days", 30);
	json_t *body = json_object();
	json_t *final = NULL;

	cli_what(cli, "%s %s", cli->cmd->doing, cli->args[0]);
	cli_opts_to_json(cli, NULL, body);
	struct err *e = cli_operate(cli, path, body, &final);
	if (final != NULL) {
		struct err *shown = show(cli, final, below);
		if (e == NULL)
			e = shown;
		else
			err_ignore(shown); /* the operation's own failure says more */
	}
	json_decref(final);
	return e;
}

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
static const struct cli_opt certs_opts[] = {
	{.name = "below-days",
		.kind = CLI_OPT_NUMBER,
		.meta = "DAYS",
		.min = 1,
		.max = 3650,
		.help = "certificates that end within so many days are a problem (exit code 1)",
		.def = "30"},
};
static const struct cli_opt renew_opts[] = {
	{.name = "below-days",
		.kind = CLI_OPT_NUMBER,
		.meta = "DAYS",
		.key = "below_days",
		.min = 1,
		.max = 3650,
		.help = "renew what ends within so many days",
		.def = "30"},
	{.name = "allow-quorum-loss",
		.kind = CLI_OPT_FLAG,
		.key = "allow_quorum_loss",
		.help = "also when a control plane cannot restart without the cluster stopping"},
};
const struct cli_cmd cmd_cluster_certs = {
	.path = "cluster certs",
	.summary = "Show how long the certificates of all nodes are good",
	.details =
		"Reads every certificate file on every node. Exit code 1 when one ends soon. MicroK8s renews none of them by itself.",
	.example = "mko cluster certs prod\nmko cluster certs prod --below-days 60 -o json",
	.doing = "read the certificates of cluster",
	.noun = &noun_cluster,
	.action = "certs",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = certs_opts,
	.n_opts = ARRAY_LEN(certs_opts),
	.sets = {&cli_op_options},
	.run = run,
};
const struct cli_cmd cmd_cluster_certs_renew = {
	.path = "cluster certs renew",
	.summary = "Renew certificates that end soon, one control plane after another",
	.details =
		"server.crt and front-proxy-client.crt are renewed; each control plane is ready again before the next. The join fingerprint changes.",
	.example =
		"mko cluster certs renew prod\nmko cluster certs renew prod --below-days 400 --check",
	.doing = "renew the certificates of cluster",
	.noun = &noun_cluster,
	.action = "certs-renew",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = renew_opts,
	.n_opts = ARRAY_LEN(renew_opts),
	.sets = {&cli_op_options},
	.run = run,
};
