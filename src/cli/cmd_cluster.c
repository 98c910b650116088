/* mko cluster list, show, add, edit, remove, setup: mostly tables. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/tables.h"
#include "model/cluster.h"

static const struct cli_opt list_opts[] = {
	{.name = "status",
		.kind = CLI_OPT_CHOICE,
		.choices = &cluster_status_table,
		.key = "status",
		.help = "only clusters in this state"},
};
const struct cli_cmd cmd_cluster_list = {
	.path = "cluster list",
	.summary = "List the clusters",
	.doing = "list the clusters",
	.example = "mko cluster list\nmko cluster list -o wide",
	.noun = &noun_cluster,
	.opts = list_opts,
	.n_opts = ARRAY_LEN(list_opts),
	.sets = {&cli_list_options},
	.run = cli_run_list,
};

static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
const struct cli_cmd cmd_cluster_show = {
	.path = "cluster show",
	.summary = "Show the settings of a cluster",
	.example = "mko cluster show prod",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.run = cli_run_show,
};

#define COMMON_OPTIONS                                                                                          \
	{.name = "description",                                                                                 \
		.letter = 'd',                                                                                  \
		.kind = CLI_OPT_TEXT,                                                                           \
		.meta = "TEXT",                                                                                 \
		.key = "description",                                                                           \
		.field = "description"},                                                                        \
		{.name = "ha",                                                                                  \
			.kind = CLI_OPT_FLAG,                                                                   \
			.key = "ha_enabled",                                                                    \
			.help = "it shall survive the loss of a control plane (needs three)"},                  \
		{.name = "no-ha",                                                                               \
			.kind = CLI_OPT_UNFLAG,                                                                 \
			.key = "ha_enabled",                                                                    \
			.help = "one control plane is enough"},                                                 \
		{.name = "channel",                                                                             \
			.kind = CLI_OPT_TEXT,                                                                   \
			.meta = "CHANNEL",                                                                      \
			.key = "channel",                                                                       \
			.field = "channel"},                                                                    \
		{.name = "addon",                                                                               \
			.kind = CLI_OPT_LIST,                                                                   \
			.meta = "NAME[:ARGUMENT]",                                                              \
			.help = "addons to enable; several times or with commas"},                              \
		{.name = "label",                                                                               \
			.kind = CLI_OPT_LIST,                                                                   \
			.meta = "KEY=VALUE",                                                                    \
			.help = "words to find it by, in place of those it has; several times or with commas"}, \
		{.name = "feeds",                                                                               \
			.kind = CLI_OPT_LIST,                                                                   \
			.meta = "UPS",                                                                          \
			.key = "feeds",                                                                         \
			.words = CLI_WORDS_UPS,                                                                 \
			.help = "UPSes that feed it; several times or with commas"},                            \
		{.name = "feed-policy",                                                                         \
			.kind = CLI_OPT_CHOICE,                                                                 \
			.choices = &power_policy_table,                                                         \
			.key = "feed_policy",                                                                   \
			.field = "feed_policy"},                                                                \
		{.name = "min-feeds",                                                                           \
			.kind = CLI_OPT_NUMBER,                                                                 \
			.meta = "N",                                                                            \
			.min = 1,                                                                               \
			.max = 8,                                                                               \
			.key = "min_feeds",                                                                     \
			.field = "min_feeds"},                                                                  \
		{.name = "depends-on",                                                                          \
			.kind = CLI_OPT_LIST,                                                                   \
			.meta = "CLUSTER",                                                                      \
			.key = "depends_on",                                                                    \
			.words = CLI_WORDS_CLUSTERS,                                                            \
			.help = "clusters that it needs: rules of power take it down before them"},             \
		{.name = "power-maintenance",                                                                   \
			.kind = CLI_OPT_FLAG,                                                                   \
			.key = "power_maintenance",                                                             \
			.help = "rules of power leave it alone"},                                               \
		{.name = "network-cidr",                                                                        \
			.kind = CLI_OPT_TEXT,                                                                   \
			.meta = "CIDR",                                                                         \
			.key = "network_cidr",                                                                  \
			.field = "network_cidr"},                                                               \
	{                                                                                                       \
		.name = "service-cidr", .kind = CLI_OPT_TEXT, .meta = "CIDR",                                   \
		.key = "service_cidr", .field = "service_cidr"                                                  \
	}

static const struct cli_opt add_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name",
		.required = true},
	COMMON_OPTIONS,
};
static const struct cli_opt edit_opts[] = {
	{.name = "no-power-maintenance",
		.kind = CLI_OPT_UNFLAG,
		.key = "power_maintenance",
		.help = "rules of power act on it again"},
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.field = "name"},
	COMMON_OPTIONS,
};

/** "metallb:10.0.0.5-10.0.0.9" is an addon with an argument. */
static json_t *addons_json(const json_t *words)
{
	json_t *addons = json_array();
	const json_t *word = NULL;
	size_t i = 0;

	json_array_foreach(words, i, word) {
		const char *text = json_string_value(word);
		const char *colon = strchr(text, ':');
		if (colon == NULL)
			json_array_append_new(addons, json_string(text));
		else
			json_array_append_new(addons,
				json_pack("{s:s%, s:[s]}", "name", text, (size_t)(colon - text),
					"args", colon + 1));
	}
	return addons;
}

/* {"site": "attic"}; what has no value is told by the server. Owned. */
static json_t *labels_json(const json_t *words)
{
	json_t *labels = json_object();
	size_t i;
	const json_t *word;

	json_array_foreach(words, i, word) {
		const char *text = json_string_value(word);
		size_t n = strcspn(text, "=");
		cleanup(mem_freep) char *key = mem_strndup(text, n);
		if (*text != '\0')
			json_object_set_new(labels, key,
				text[n] == '=' ? json_string(text + n + 1) : json_null());
	}
	return labels;
}

static json_t *body_of(const struct cli *cli)
{
	json_t *body = json_object();

	cli_opts_to_json(cli, NULL, body);
	if (cli_opt_given(cli, "addon"))
		json_object_set_new(body, "addons", addons_json(cli_opt_list(cli, "addon")));
	if (cli_opt_given(cli, "label"))
		json_object_set_new(body, "labels", labels_json(cli_opt_list(cli, "label")));
	return body;
}

static struct err *run_add(struct cli *cli)
{
	cli_what(cli, "add cluster %s", cli_opt_text(cli, "name"));
	return cli_add(cli, body_of(cli), NULL);
}

static struct err *run_edit(struct cli *cli)
{
	cli_what(cli, "change cluster %s", cli->args[0]);
	return cli_edit(cli, cli->args[0], body_of(cli));
}

const struct cli_cmd cmd_cluster_add = {
	.path = "cluster add",
	.summary = "Add a cluster; its nodes are set up by mko cluster setup",
	.example =
		"mko cluster add --name prod --ha --description \"Production\"\nmko cluster add --name edge --addon dns,hostpath-storage --channel 1.32/stable",
	.noun = &noun_cluster,
	.opts = add_opts,
	.n_opts = ARRAY_LEN(add_opts),
	.run = run_add,
};
const struct cli_cmd cmd_cluster_edit = {
	.path = "cluster edit",
	.summary = "Change the settings of a cluster",
	.details =
		"An empty value takes the old one away: --description \"\". What changes on the nodes, changes with the next setup.",
	.example = "mko cluster edit prod --channel 1.32/stable",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = edit_opts,
	.n_opts = ARRAY_LEN(edit_opts),
	.run = run_edit,
};

static const struct cli_opt remove_opts[] = {
	{.name = "force",
		.letter = 'f',
		.kind = CLI_OPT_FLAG,
		.key = "force",
		.help = "also when it is active"},
};
const struct cli_cmd cmd_cluster_remove = {
	.path = "cluster remove",
	.summary = "Forget a cluster; its nodes stay in the inventory and are not touched",
	.example = "mko cluster remove test --yes",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = remove_opts,
	.n_opts = ARRAY_LEN(remove_opts),
	.run = cli_run_remove,
};

static const struct cli_opt setup_opts[] = {
	{.name = "channel",
		.kind = CLI_OPT_TEXT,
		.meta = "CHANNEL",
		.key = "channel",
		.help = "snap channel, for example 1.32/stable",
		.def = "of the cluster, else of the configuration"},
};
const struct cli_cmd cmd_cluster_setup = {
	.path = "cluster setup",
	.summary = "Make the nodes of a cluster one MicroK8s cluster",
	.details =
		"Installs what is missing, joins what is not joined, enables the addons, and checks the result. Safe to run again: what is right "
		"is left alone, and an interrupted setup goes on where it was.",
	.example =
		"mko cluster setup prod\nmko cluster setup prod --check --diff\nmko cluster setup prod --detach",
	.doing = "set up cluster",
	.noun = &noun_cluster,
	.action = "setup",
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.opts = setup_opts,
	.n_opts = ARRAY_LEN(setup_opts),
	.sets = {&cli_op_options},
	.run = cli_run_action,
};
