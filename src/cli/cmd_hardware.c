/* mko hardware collect, show, list, history, diff, export: what machines are made of. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/generic.h"
#include "cli/output.h"
#include "cli/tables.h"

/* ---- collect ---- */

static const struct cli_arg nodes[] = {
	{.name = "NODE",
		.optional = true,
		.repeat = true,
		.words = CLI_WORDS_NODES,
		.help = "host names or numbers"},
};
static const struct cli_opt collect_opts[] = {
	{.name = "all", .letter = 'a', .kind = CLI_OPT_FLAG, .help = "all nodes of the inventory"},
};
const struct cli_cmd cmd_hardware_collect = {
	.path = "hardware collect",
	.summary = "Read the hardware of nodes and keep the reports",
	.details =
		"A shell script is sent and run on all of them at once; it changes nothing and installs nothing. A tool that is not there (smartctl, dmidecode, "
		"lspci ...) leaves its part out.",
	.doing = "read the hardware of",
	.action = "hardware",
	.example = "mko hardware collect n1 n2\nmko hardware collect --all",
	.noun = &noun_node,
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.opts = collect_opts,
	.n_opts = ARRAY_LEN(collect_opts),
	.sets = {&cli_op_options},
	.run = cli_run_on_nodes,
};

/* ---- usage ---- */

static const struct cli_column usage_columns[] = {
	{"NODE", "hostname"},
	{"CPU %", "report.usage.cpu_percent", .right = true},
	{"LOAD", "report.usage.load"},
	{"MEMORY", "report.memory.total_bytes", CLI_SHOW_BYTES, .right = true},
	{"FREE", "report.memory.available_bytes", CLI_SHOW_BYTES, .right = true},
	{"FULLEST", "fullest.mount", .shrink = true},
	{"%", "fullest.used_percent", .right = true},
	{"HOTTEST C", "hottest.value", .right = true},
	{"READ", "report.usage_at", CLI_SHOW_AGO},
};

/* The member of a list with the highest number there. Borrowed, NULL = none. */
static json_t *highest(const json_t *list, const char *key, const char *kind)
{
	json_t *best = NULL;
	json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(list, i, one) {
		bool fits = kind == NULL || strcmp(cli_json_text(one, "kind", ""), kind) == 0;
		double number = json_number_value(cli_json_get(one, key));
		if (fits && (best == NULL || number > json_number_value(cli_json_get(best, key))))
			best = one;
	}
	return best;
}

static void sum_up(json_t *shown)
{
	json_t *full = highest(cli_json_get(shown, "report.filesystems"), "used_percent", NULL);
	json_t *hot = highest(cli_json_get(shown, "report.sensors"), "value", "temperature");

	if (full != NULL)
		json_object_set(shown, "fullest", full);
	if (hot != NULL)
		json_object_set(shown, "hottest", hot);
}

static struct err *print_usage(struct cli *cli, const json_t *operation)
{
	const json_t *host = NULL;
	json_t *items = json_array();
	struct err *e = NULL;
	size_t i = 0;

	json_array_foreach(cli_json_get(operation, "hosts"), i, host) {
		cleanup(mem_freep) char *path = cli_path("hardware-report", "node",
			cli_json_text(host, "hostname", "?"), NULL);
		json_t *shown = NULL;
		if (strcmp(cli_json_text(host, "status", ""), "ok") != 0)
			continue;
		e = cli_get(cli, path, NULL, &shown);
		if (e != NULL)
			break;
		sum_up(shown);
		json_array_append_new(items, shown);
	}
	if (e == NULL)
		e = cli_print_list(cli, usage_columns, ARRAY_LEN(usage_columns), "hostname", items);
	json_decref(items);
	return e;
}

static struct err *run_usage(struct cli *cli)
{
	return cli_operate_and_print(cli, print_usage);
}
const struct cli_cmd cmd_hardware_usage = {
	.path = "hardware usage",
	.summary = "Read now how much nodes have to do: processors, memory, file systems, sensors",
	.details =
		"Takes the time of one command over SSH on all of them at once, and puts the figures into the newest report of each.",
	.doing = "read the usage of",
	.action = "usage",
	.example = "mko hardware usage n1\nmko hardware usage --all",
	.noun = &noun_node,
	.args = nodes,
	.n_args = ARRAY_LEN(nodes),
	.opts = collect_opts,
	.n_opts = ARRAY_LEN(collect_opts),
	.sets = {&cli_op_options},
	.run = run_usage,
};

/* ---- show ---- */

static const struct cli_column disk_columns[] = {
	{"DISK", "name"},
	{"SIZE", "size_bytes", CLI_SHOW_BYTES, .right = true},
	{"MODEL", "model", .shrink = true},
	{"SERIAL", "serial", .shrink = true},
	{"BUS", "tran"},
	{"SPINS", "rotational", CLI_SHOW_YES},
	{"HEALTHY", "smart.healthy", CLI_SHOW_YES},
	{"C", "smart.temperature_c", .right = true},
};
static const struct cli_column filesystem_columns[] = {
	{"MOUNT", "mount", .shrink = true},
	{"TYPE", "type"},
	{"SIZE", "size_bytes", CLI_SHOW_BYTES, .right = true},
	{"USED", "used_bytes", CLI_SHOW_BYTES, .right = true},
	{"%", "used_percent", .right = true},
	{"INODES %", "inodes_percent", .right = true},
	{"SOURCE", "source", .shrink = true},
};
static const struct cli_column network_columns[] = {
	{"CARD", "name"},
	{"MAC", "mac"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"MBIT/S", "speed_mbps", .right = true},
	{"DRIVER", "driver"},
	{"RECEIVED", "rx_bytes", CLI_SHOW_BYTES, .right = true},
	{"SENT", "tx_bytes", CLI_SHOW_BYTES, .right = true},
};
static const struct cli_column module_columns[] = {
	{"SLOT", "slot"},
	{"SIZE", "size_bytes", CLI_SHOW_BYTES, .right = true},
	{"TYPE", "type"},
	{"SPEED", "speed"},
	{"MANUFACTURER", "manufacturer", .shrink = true},
	{"PART", "part", .shrink = true},
};
static const struct cli_column raid_columns[] = {
	{"RAID", "name"},
	{"LEVEL", "level"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"WORKING", "working", .right = true},
	{"DEVICES", "devices", .right = true},
	{"DEGRADED", "degraded", CLI_SHOW_YES},
};
static const struct cli_column gpu_columns[] = {
	{"GPU", "device", .shrink = true},
	{"VENDOR", "vendor", .shrink = true},
	{"DRIVER", "driver"},
};
static const struct cli_column sensor_columns[] = {
	{"SENSOR", "name", .shrink = true},
	{"KIND", "kind"},
	{"VALUE", "value", .right = true},
	{"UNIT", "unit"},
};

static const struct cli_column engine_columns[] = {
	{"VOLUME", "name", .shrink = true},
	{"DRIVER", "driver"},
	{"USED BY", "used_by", .shrink = true},
	{"PATH", "path", .shrink = true},
};
static const struct cli_column claim_columns[] = {
	{"CLAIM", "name", .shrink = true},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SIZE", "size"},
	{"CLASS", "class"},
	{"USED BY", "used_by", .shrink = true},
	{"VOLUME", "volume", .shrink = true},
};
static const struct cli_column persistent_columns[] = {
	{"VOLUME", "name", .shrink = true},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SIZE", "size"},
	{"CLASS", "class"},
	{"RECLAIM", "reclaim"},
	{"CLAIM", "claim", .shrink = true},
	{"SOURCE", "source", .shrink = true},
};
static const struct cli_column class_columns[] = {
	{"STORAGE CLASS", "name"},
	{"PROVISIONER", "provisioner"},
	{"RECLAIM", "reclaim"},
	{"BINDING", "binding"},
	{"DEFAULT", "default", CLI_SHOW_YES},
};
static const struct cli_column btrfs_columns[] = {
	{"BTRFS", "label"},
	{"ID", "id"},
	{"DEGRADED", "degraded", CLI_SHOW_YES},
};

static const struct {
	const char *title, *list;
	const struct cli_column *columns;
	size_t n;
} parts[] = {
	{"Memory modules", "memory.modules", module_columns, ARRAY_LEN(module_columns)},
	{"Disks", "disks", disk_columns, ARRAY_LEN(disk_columns)},
	{"Filesystems", "filesystems", filesystem_columns, ARRAY_LEN(filesystem_columns)},
	{"RAID", "raid", raid_columns, ARRAY_LEN(raid_columns)},
	{"btrfs", "btrfs", btrfs_columns, ARRAY_LEN(btrfs_columns)},
	{"Docker", "volumes.docker.volumes", engine_columns, ARRAY_LEN(engine_columns)},
	{"Podman", "volumes.podman.volumes", engine_columns, ARRAY_LEN(engine_columns)},
	{"Kubernetes: claims", "volumes.kubernetes.claims", claim_columns,
		ARRAY_LEN(claim_columns)},
	{"Kubernetes: volumes", "volumes.kubernetes.volumes", persistent_columns,
		ARRAY_LEN(persistent_columns)},
	{"Kubernetes: storage classes", "volumes.kubernetes.classes", class_columns,
		ARRAY_LEN(class_columns)},
	{"Network", "network", network_columns, ARRAY_LEN(network_columns)},
	{"Graphics", "gpus", gpu_columns, ARRAY_LEN(gpu_columns)},
	{"Sensors", "sensors", sensor_columns, ARRAY_LEN(sensor_columns)},
};

/* What is one value each. */
static const struct {
	const char *label;
	struct cli_column column;
} lines[] = {
	{"node", {"", "hostname"}},
	{"taken", {"", "taken_at", CLI_SHOW_TIME}},
	{"machine", {"", "report.system.product"}},
	{"vendor", {"", "report.system.vendor"}},
	{"serial", {"", "report.system.serial"}},
	{"firmware", {"", "report.system.bios_version"}},
	{"virtualization", {"", "report.system.virtualization"}},
	{"system", {"", "report.system.os"}},
	{"kernel", {"", "report.system.kernel"}},
	{"processor", {"", "report.cpu.model"}},
	{"cores", {"", "report.cpu.cores"}},
	{"threads", {"", "report.cpu.threads"}},
	{"memory", {"", "report.memory.total_bytes", CLI_SHOW_BYTES}},
	{"memory free", {"", "report.memory.available_bytes", CLI_SHOW_BYTES}},
	{"swap", {"", "report.memory.swap_total_bytes", CLI_SHOW_BYTES}},
	{"disks", {"", "report.disk_total_bytes", CLI_SHOW_BYTES}},
	{"containerd", {"", "report.volumes.containerd.used_bytes", CLI_SHOW_BYTES}},
	{"usage read", {"", "report.usage_at", CLI_SHOW_TIME}},
	{"processor used %", {"", "report.usage.cpu_percent"}},
	{"load", {"", "report.usage.load"}},
	{"undervoltage", {"", "report.raspberry_pi.undervoltage_now", CLI_SHOW_YES}},
	{"throttled", {"", "report.raspberry_pi.throttled_now", CLI_SHOW_YES}},
};

/* Tools that were not there, so that nobody takes their silence for health. */
static void note_missing(struct cli *cli, const json_t *report)
{
	cleanup(str_done) struct str names = STR_INIT;
	const char *name = NULL;
	json_t *said = NULL;

	json_object_foreach((json_t *)(uintptr_t)cli_json_get(report, "report.sections"), name,
		said)
		if (strcmp(json_string_value(said), "missing") == 0)
			str_addf(&names, "%s%s", names.len > 0 ? ", " : "", name);
	if (names.len > 0)
		cli_note(cli, "not installed on the node: %s", str_get(&names));
	if (!json_is_true(cli_json_get(report, "report.complete")))
		cli_note(cli, "the report is cut: the node was lost while it was read");
}

static struct err *print_report(struct cli *cli, const json_t *report)
{
	if (cli_output_is_document(cli))
		return cli_print_document(cli, report);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const json_t *value = cli_json_get(report, lines[i].column.field);
		cleanup(mem_freep) char *cell = cli_cell(&lines[i].column, report, 0);
		cleanup(mem_freep) char *shown = cli_esc(cell);
		if (value != NULL && !json_is_null(value))
			(void)fprintf(cli->io->out, "%-18s %s\n", lines[i].label, shown);
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		cleanup(mem_freep) char *path = mem_printf("report.%s", parts[i].list);
		const json_t *items = cli_json_get(report, path);
		if (json_array_size(items) > 0)
			cli_print_table(cli, parts[i].title, parts[i].columns, parts[i].n, items);
	}
	note_missing(cli, report);
	return NULL;
}

static const struct cli_arg one_node[] = {
	{.name = "NODE", .words = CLI_WORDS_NODES, .help = "host name or number"}};

static struct err *run_show(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("hardware-report", "node", cli->args[0], NULL);
	json_t *report = NULL;

	cli_what(cli, "show the hardware of node %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &report));
	struct err *e = print_report(cli, report);
	json_decref(report);
	return e;
}
const struct cli_cmd cmd_hardware_show = {
	.path = "hardware show",
	.summary = "Show the newest hardware report of a node",
	.example = "mko hardware show n1\nmko hardware show n1 -o json",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.run = run_show,
};

/* ---- list ---- */

static const struct cli_column total_columns[] = {
	{"NODE", "hostname"},
	{"CORES", "cores", .right = true},
	{"THREADS", "threads", .right = true},
	{"MEMORY", "memory_bytes", CLI_SHOW_BYTES, .right = true},
	{"DISKS", "disks", .right = true},
	{"DISK SPACE", "disk_bytes", CLI_SHOW_BYTES, .right = true},
	{"GPUS", "gpus", .right = true},
	{"TAKEN", "taken_at", CLI_SHOW_AGO},
	{"PROCESSOR", "model", .shrink = true},
};

static struct err *print_totals(struct cli *cli, const char *path)
{
	json_t *reply = NULL;

	TRY(cli_get(cli, path, NULL, &reply));
	struct err *e = NULL;
	if (cli_output_is_document(cli)) {
		e = cli_print_document(cli, reply);
	} else {
		json_t *rows = json_copy((json_t *)(uintptr_t)cli_json_get(reply, "nodes"));
		json_t *sum = json_copy((json_t *)(uintptr_t)cli_json_get(reply, "totals"));
		json_object_set_new(sum, "hostname", json_string("all"));
		json_array_append_new(rows, sum);
		e = cli_print_list(cli, total_columns, ARRAY_LEN(total_columns), "hostname", rows);
		json_decref(rows);
	}
	json_decref(reply);
	return e;
}

static struct err *run_list(struct cli *cli)
{
	return print_totals(cli, "/api/hardware-report");
}
const struct cli_cmd cmd_hardware_list = {
	.path = "hardware list",
	.summary = "Show what all nodes have, by their newest reports, with sums",
	.doing = "list the hardware",
	.example = "mko hardware list",
	.noun = &noun_node,
	.run = run_list,
};

static struct err *run_cluster(struct cli *cli)
{
	cleanup(mem_freep) char *path = cli_path("hardware-report", "cluster", cli->args[0], NULL);

	cli_what(cli, "show the hardware of cluster %s", cli->args[0]);
	return print_totals(cli, path);
}
static const struct cli_arg one_cluster[] = {
	{.name = "CLUSTER", .words = CLI_WORDS_CLUSTERS, .help = "name or number"}};
const struct cli_cmd cmd_cluster_hardware = {
	.path = "cluster hardware",
	.summary = "Show what the nodes of a cluster have, by their newest reports, with sums",
	.example = "mko cluster hardware prod",
	.noun = &noun_cluster,
	.args = one_cluster,
	.n_args = ARRAY_LEN(one_cluster),
	.run = run_cluster,
};

/* ---- history and changes ---- */

static const struct cli_column history_columns[] = {
	{"NUMBER", "id", .right = true},
	{"TAKEN", "taken_at", CLI_SHOW_TIME},
	{"OPERATION", "operation_id", .right = true},
	{"COMPLETE", "complete", CLI_SHOW_YES},
};
static const struct cli_column change_columns[] = {
	{"WHAT", "fact"},
	{"BEFORE", "before", .shrink = true},
	{"AFTER", "after", .shrink = true},
};

static struct err *run_history(struct cli *cli)
{
	cleanup(mem_freep) char *path =
		cli_path("hardware-report", "node", cli->args[0], "history", NULL);
	json_t *reply = NULL;

	cli_what(cli, "list the hardware reports of node %s", cli->args[0]);
	TRY(cli_get(cli, path, NULL, &reply));
	struct err *e = cli_print_list(cli, history_columns, ARRAY_LEN(history_columns), "id",
		cli_json_get(reply, "items"));
	json_decref(reply);
	return e;
}
const struct cli_cmd cmd_hardware_history = {
	.path = "hardware history",
	.summary = "List the hardware reports of a node, the newest first; 50 are kept",
	.example = "mko hardware history n1",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.run = run_history,
};

static struct err *run_diff(struct cli *cli)
{
	cleanup(mem_freep) char *path =
		cli_path("hardware-report", "node", cli->args[0], "diff", NULL);
	cleanup(str_done) struct str query = STR_INIT;
	json_t *diff = NULL;

	cli_what(cli, "compare the hardware of node %s", cli->args[0]);
	cli_opts_to_query(cli, NULL, &query);
	TRY(cli_get(cli, path, str_get(&query), &diff));
	const json_t *changes = cli_json_get(diff, "changes");
	struct err *e = NULL;
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, diff);
	else if (json_array_size(changes) > 0)
		e = cli_print_list(cli, change_columns, ARRAY_LEN(change_columns), "fact", changes);
	else
		cli_note(cli, "nothing changed");
	json_decref(diff);
	return e;
}
static const struct cli_opt diff_opts[] = {
	{.name = "since",
		.kind = CLI_OPT_TEXT,
		.meta = "TIME",
		.key = "since",
		.help = "a time (2026-01-31T12:00:00Z) or a duration back from now (7d)",
		.def = "the report before the newest"},
};
const struct cli_cmd cmd_hardware_diff = {
	.path = "hardware diff",
	.summary =
		"Show what changed in the hardware of a node: a module gone, a disk replaced, firmware",
	.example = "mko hardware diff n1\nmko hardware diff n1 --since 7d",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = diff_opts,
	.n_opts = ARRAY_LEN(diff_opts),
	.run = run_diff,
};

/* ---- export ---- */

static const char *const format_texts[] = {"json", "csv", "html", NULL};
static const struct enum_table format_table = {"hardware_format", format_texts};

static struct err *run_export(struct cli *cli)
{
	cleanup(mem_freep) char *path =
		cli_path("hardware-report", "node", cli->args[0], "export", NULL);
	cleanup(str_done) struct str query = STR_INIT;
	cleanup(mem_freep) char *text = NULL;
	size_t len = 0;

	cli_what(cli, "export the hardware of node %s", cli->args[0]);
	cli_opts_to_query(cli, NULL, &query);
	TRY(cli_get_text(cli, path, str_get(&query), &text, &len));
	if (fwrite(text, 1, len, cli->io->out) != len)
		return err_errno(errno, "write the export");
	return NULL;
}
static const struct cli_opt export_opts[] = {
	{.name = "format",
		.letter = 'f',
		.kind = CLI_OPT_CHOICE,
		.choices = &format_table,
		.key = "format",
		.help = "form of the file",
		.def = "json"},
};
const struct cli_cmd cmd_hardware_export = {
	.path = "hardware export",
	.summary = "Print the newest hardware report of a node as JSON, CSV or one HTML page",
	.example = "mko hardware export n1 --format html > n1.html",
	.noun = &noun_node,
	.args = one_node,
	.n_args = ARRAY_LEN(one_node),
	.opts = export_opts,
	.n_opts = ARRAY_LEN(export_opts),
	.run = run_export,
};
