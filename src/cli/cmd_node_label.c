/* mko node label: the labels of nodes in Kubernetes. */
#include <string.h>

#include "base/mem.h"
#include "cli/client.h"
#include "cli/operate.h"
#include "cli/output.h"
#include "cli/tables.h"

static const struct cli_arg args[] = {
	{.name = "NODE", .words = CLI_WORDS_NODES, .help = "host name or number"},
	{.name = "LABEL",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "more nodes, then KEY=VALUE to set a label, KEY- to remove one"},
};
static const struct cli_column columns[] = {{"LABEL", "label"}, {"VALUE", "value"}};

/* A host name has no "=" and does not end with "-". */
static bool is_label(const char *arg)
{
	size_t n = strlen(arg);

	return strchr(arg, '=') != NULL || (n > 0 && arg[n - 1] == '-');
}

/* {"disk": "ssd", "zone": null}. Owned. */
static json_t *labels_of(const struct cli *cli, size_t first)
{
	json_t *labels = json_object();

	for (size_t i = first; i < cli->n_args; i++) {
		const char *arg = cli->args[i];
		const char *equals = strchr(arg, '=');
		size_t n = equals != NULL ? (size_t)(equals - arg) : strlen(arg) - 1;
		cleanup(mem_freep) char *key = mem_strndup(arg, n);
		json_object_set_new(labels, key,
			equals != NULL ? json_string(equals + 1) : json_null());
	}
	return labels;
}

/* The node as the API shows it; an error when it is in no cluster. @ret_node owned */
static struct err *get_member(struct cli *cli, const char *name, json_t **ret_node)
{
	cleanup(mem_freep) char *path = cli_path("nodes", name, NULL);

	TRY(cli_get(cli, path, NULL, ret_node));
	if (json_is_string(cli_json_get(*ret_node, "cluster_name")))
		return NULL;
	struct err *e = err_hint(err_new(ERR_PRECONDITION, "node %s is in no cluster", name),
		"mko cluster join CLUSTER %s", name);
	json_decref(*ret_node);
	return e;
}

static struct err *add_member(struct cli *cli, const char *name, const json_t *labels,
	json_t *of_nodes, char **cluster)
{
	json_t *node = NULL;

	TRY(get_member(cli, name, &node));
	json_object_set(of_nodes, cli_json_text(node, "hostname", "?"),
		(json_t *)(uintptr_t)labels);
	if (*cluster == NULL)
		*cluster = mem_strdup(cli_json_text(node, "cluster_name", "?"));
	json_decref(node);
	return NULL;
}

static struct err *set_labels(struct cli *cli, size_t n_nodes)
{
	cleanup(mem_freep) char *cluster = NULL;
	json_t *labels = labels_of(cli, n_nodes);
	json_t *body = json_pack("{s:{}}", "labels");
	struct err *e = NULL;

	for (size_t i = 0; e == NULL && i < n_nodes; i++)
		e = add_member(cli, cli->args[i], labels, json_object_get(body, "labels"),
			&cluster);
	json_decref(labels);
	if (e != NULL) {
		json_decref(body);
		return e;
	}
	cleanup(mem_freep) char *path = cli_path("clusters", cluster, "label", NULL);
	return cli_operate(cli, path, body, NULL);
}

/* Labels of one node, as the last scan saw them. */
static struct err *print_labels(struct cli *cli, const json_t *status, const char *hostname)
{
	json_t *rows = json_array();
	size_t i;
	const json_t *node;
	const char *key;
	json_t *value;

	json_array_foreach(cli_json_get(status, "nodes"), i, node) {
		if (strcmp(cli_json_text(node, "hostname", ""), hostname) != 0)
			continue;
		json_object_foreach((json_t *)(uintptr_t)cli_json_get(node, "labels"), key, value)
			json_array_append_new(rows,
				json_pack("{s:s, s:O}", "label", key, "value", value));
	}
	struct err *e = cli_print_list(cli, columns, ARRAY_LEN(columns), "label", rows);
	json_decref(rows);
	return e;
}

static struct err *show_labels(struct cli *cli)
{
	json_t *node = NULL;
	json_t *status = NULL;

	TRY(get_member(cli, cli->args[0], &node));
	cleanup(mem_freep) char *path =
		cli_path("clusters", cli_json_text(node, "cluster_name", "?"), "status", NULL);
	struct err *e = cli_get(cli, path, NULL, &status);
	if (e == NULL)
		e = print_labels(cli, status, cli_json_text(node, "hostname", "?"));
	json_decref(status);
	json_decref(node);
	return e;
}

static struct err *run(struct cli *cli)
{
	size_t n_nodes = 0;

	cli_what(cli, "label %s", cli->args[0]);
	while (n_nodes < cli->n_args && !is_label(cli->args[n_nodes]))
		n_nodes++;
	for (size_t i = n_nodes; i < cli->n_args; i++)
		if (!is_label(cli->args[i]))
			return err_new(ERR_USAGE, "%s is neither KEY=VALUE nor KEY-", cli->args[i]);
	if (n_nodes == 0)
		return err_new(ERR_USAGE, "the node is missing before %s", cli->args[0]);
	if (n_nodes < cli->n_args)
		return set_labels(cli, n_nodes);
	if (n_nodes > 1)
		return err_hint(err_new(ERR_USAGE, "the labels are missing"),
			"mko node label %s KEY=VALUE", cli->args[0]);
	return show_labels(cli);
}

const struct cli_cmd cmd_node_label = {
	.path = "node label",
	.summary = "Set, remove or show the labels of nodes in Kubernetes",
	.details =
		"Without KEY=VALUE or KEY- the labels of the node are shown, as the last scan of its cluster saw them; those that Kubernetes and "
		"MicroK8s write themselves are left out.",
	.example =
		"mko node label n1\nmko node label n1 disk=ssd\nmko node label n1 n2 zone=attic disk-",
	.doing = "label",
	.noun = &noun_node,
	.args = args,
	.n_args = ARRAY_LEN(args),
	.sets = {&cli_op_options},
	.run = run,
};
