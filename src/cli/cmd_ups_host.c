/* mko ups scan, services and restart: UPSes and NUT on the machine of the server. */
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/tables.h"

static const struct cli_opt scan_opts[] = {
	{.name = "host",
		.kind = CLI_OPT_TEXT,
		.meta = "HOST",
		.key = "host",
		.help = "also ask the upsd of this machine what it serves"},
	{.name = "port",
		.kind = CLI_OPT_NUMBER,
		.meta = "PORT",
		.min = 1,
		.max = 65535,
		.key = "port",
		.help = "its TCP port (3493)"},
	{.name = "network",
		.kind = CLI_OPT_TEXT,
		.meta = "CIDR",
		.key = "network",
		.help = "also ask every address of this network for a upsd"},
};

static const struct cli_column usb_columns[] = {
	{"BUS", "bus"},
	{"MAKER", "manufacturer", .shrink = true},
	{"PRODUCT", "product", .shrink = true},
	{"SERIAL", "serial"},
	{"DRIVER", "driver"},
	{"UPS.CONF", "section"},
	{"WATCHED AS", "ups_name"},
};
static const struct cli_column upsd_columns[] = {
	{"UPSD", "nut_host"},
	{"PORT", "nut_port", .right = true},
	{"NAME", "nut_name"},
	{"DESCRIPTION", "description", .shrink = true},
	{"WATCHED AS", "ups_name"},
};

/* The items of one kind. Owned. */
static json_t *of_kind(const json_t *items, const char *kind)
{
	json_t *list = json_array();
	size_t i = 0;
	json_t *item = NULL;

	json_array_foreach(items, i, item)
		if (strcmp(cli_json_text(item, "kind", ""), kind) == 0)
			json_array_append(list, item);
	return list;
}

static const struct {
	const char *kind, *title;
	const struct cli_column *columns;
	size_t n_columns;
} kinds[] = {
	{"usb", "On USB", usb_columns, ARRAY_LEN(usb_columns)},
	{"upsd", "Served by upsd", upsd_columns, ARRAY_LEN(upsd_columns)},
};

static void print_kinds(struct cli *cli, const json_t *items)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		json_t *list = of_kind(items, kinds[i].kind);
		if (json_array_size(list) > 0)
			cli_print_table(cli, kinds[i].title, kinds[i].columns, kinds[i].n_columns,
				list);
		json_decref(list);
	}
}

static void print_note(struct cli *cli, const char *text)
{
	cleanup(mem_freep) char *shown = cli_esc(text);

	cli_note(cli, "%s", shown);
}

static void print_problems(struct cli *cli, const json_t *reply)
{
	size_t i = 0;
	json_t *text = NULL;

	json_array_foreach(json_object_get(reply, "problems"), i, text)
		print_note(cli, json_string_value(text));
}

/* A text of several lines, set in. */
static void print_lines(struct cli *cli, const char *text)
{
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		cleanup(mem_freep) char *line = mem_strndup(p, n);
		for (char *tab = strchr(line, '\t'); tab != NULL; tab = strchr(tab, '\t'))
			*tab = ' '; /* files have them; a terminal gets no control characters */
		cleanup(mem_freep) char *shown = cli_esc(line);
		(void)fprintf(cli->io->out, "    %s\n", shown);
		p += n + (p[n] == '\n');
	}
}

static void print_next(struct cli *cli, const json_t *items)
{
	size_t i = 0;
	json_t *item = NULL;

	json_array_foreach(items, i, item) {
		cleanup(mem_freep) char *next = cli_esc(cli_json_text(item, "next", NULL));
		cleanup(mem_freep) char *what =
			cli_esc(cli_json_text(item, "nut_name", cli_json_text(item, "bus", "?")));
		if (next != NULL)
			(void)fprintf(cli->io->out, "%s: %s\n", what, next);
	}
}

static void print_scan(struct cli *cli, const json_t *reply)
{
	const json_t *items = json_object_get(reply, "items");

	print_kinds(cli, items);
	if (json_array_size(items) == 0)
		(void)fputs("no UPS was found\n", cli->io->out);
	else
		print_next(cli, items);
	print_problems(cli, reply);
}

static struct err *run_scan(struct cli *cli)
{
	json_t *body = json_object();
	json_t *reply = NULL;

	cli_opts_to_json(cli, NULL, body);
	struct err *e = cli_post(cli, "/api/ups/scan", NULL, body, &reply);
	json_decref(body);
	TRY(e);
	if (cli_output_is_document(cli))
		e = cli_print_document(cli, reply);
	else
		print_scan(cli, reply);
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_ups_scan = {
	.path = "ups scan",
	.summary = "Look for UPSes on USB of the server's machine, and at upsds",
	.details =
		"No device is opened: a running driver is not disturbed. What NUT's own list does not have is found by its HID descriptor. Says of each what to type next.",
	.doing = "look for UPSes",
	.example =
		"mko ups scan\nmko ups scan --host 192.0.2.10\nmko ups scan --network 192.0.2.0/24",
	.noun = &noun_ups,
	.opts = scan_opts,
	.n_opts = ARRAY_LEN(scan_opts),
	.run = run_scan,
};

static const struct cli_column service_columns[] = {
	{"SERVICE", "name"},
	{"STATE", "state", CLI_SHOW_STATUS},
	{"SUB", "sub"},
	{"AT BOOT", "enabled"},
	{"DESCRIPTION", "description", .shrink = true},
};

static void print_services(struct cli *cli, const json_t *reply)
{
	const json_t *upsd = json_object_get(reply, "upsd");
	const json_t *items = json_object_get(reply, "items");
	cleanup(mem_freep) char *host = cli_esc(cli_json_text(upsd, "host", "?"));
	cleanup(mem_freep) char *mode = cli_esc(cli_json_text(reply, "mode", "-"));
	bool answers = json_is_true(json_object_get(upsd, "answers"));

	(void)fprintf(cli->io->out, "%-18s %s\n", "NUT",
		json_is_true(json_object_get(reply, "installed")) ? "installed" : "not installed");
	(void)fprintf(cli->io->out, "%-18s %s\n", "mode", mode);
	(void)fprintf(cli->io->out, "%-18s %s port %lld: %s\n", "upsd", host,
		(long long)cli_json_i64(upsd, "port", 0), answers ? "answers" : "does not answer");
	if (answers)
		(void)fprintf(cli->io->out, "%-18s %lld\n", "UPSes served",
			(long long)cli_json_i64(upsd, "ups_count", 0));
	if (json_array_size(items) > 0)
		cli_print_table(cli, "Services", service_columns, ARRAY_LEN(service_columns),
			items);
	else if (cli_json_text(reply, "manager", NULL) == NULL)
		cli_note(cli, "no systemd runs on that machine: nothing is known of its services");
	print_problems(cli, reply);
}

static struct err *show_services(struct cli *cli, json_t *take_reply)
{
	const json_t *upsd = json_object_get(take_reply, "upsd");
	struct err *e = NULL;

	if (cli_output_is_document(cli))
		e = cli_print_document(cli, take_reply);
	else
		print_services(cli, take_reply);
	if (!json_is_true(json_object_get(upsd, "answers")))
		cli->exit_code = 6;
	json_decref(take_reply);
	return e;
}

static struct err *run_services(struct cli *cli)
{
	json_t *reply = NULL;

	TRY(cli_get(cli, "/api/ups/services", NULL, &reply));
	return show_services(cli, reply);
}

static struct err *run_restart(struct cli *cli)
{
	json_t *reply = NULL;

	TRY(cli_post(cli, "/api/ups/services/restart", NULL, NULL, &reply));
	return show_services(cli, reply);
}

const struct cli_cmd cmd_ups_services = {
	.path = "ups services",
	.summary = "Show NUT's services on the server's machine; ends with 6 when upsd is silent",
	.details =
		"systemd is content with services that ended at once (MODE=none): upsd itself is asked too.",
	.doing = "read NUT's services",
	.example = "mko ups services\nmko ups services -o json",
	.noun = &noun_ups,
	.run = run_services,
};
const struct cli_cmd cmd_ups_restart = {
	.path = "ups restart",
	.summary = "Start NUT's services on the server's machine anew, in the right order",
	.details =
		"upsd, then its drivers, then upsmon: a driver that outlives its upsd dies of the next command. Needs root, or sudo for systemctl.",
	.doing = "restart NUT's services",
	.example = "mko ups restart",
	.noun = &noun_ups,
	.run = run_restart,
};

/* ---- configure ---- */

static const struct cli_opt configure_opts[] = {
	{.name = "name",
		.letter = 'n',
		.kind = CLI_OPT_TEXT,
		.meta = "NAME",
		.key = "name",
		.help = "its name in NUT and in mko (ups)"},
	{.name = "bus",
		.kind = CLI_OPT_TEXT,
		.meta = "BUS",
		.key = "bus",
		.help = "where it is plugged in, as mko ups scan shows it; needed when there are several"},
	{.name = "driver",
		.kind = CLI_OPT_TEXT,
		.meta = "DRIVER",
		.key = "driver",
		.help = "driver of NUT, for what is not on USB"},
	{.name = "port",
		.kind = CLI_OPT_TEXT,
		.meta = "PORT",
		.key = "port",
		.help = "port for that driver, for example /dev/ttyS0 or an address"},
	{.name = "listen",
		.kind = CLI_OPT_TEXT,
		.meta = "ADDRESS",
		.key = "listen",
		.help = "address on which upsd also listens, for upsmon of other machines"},
	{.name = "diff",
		.kind = CLI_OPT_FLAG,
		.key = "dry_run",
		.help = "only show what would change"},
	{.name = "no-restart",
		.kind = CLI_OPT_UNFLAG,
		.key = "restart",
		.help = "write the files and leave NUT's services alone"},
};

static void print_changes(struct cli *cli, const json_t *reply)
{
	const json_t *changes = json_object_get(reply, "changes");
	size_t i = 0;
	json_t *change = NULL;

	json_array_foreach(changes, i, change)
		print_lines(cli, cli_json_text(change, "diff", ""));
	if (json_array_size(changes) == 0)
		(void)fputs("nothing to change\n", cli->io->out);
}

static struct err *post_configure(struct cli *cli, bool dry_run, json_t **ret_reply)
{
	json_t *body = json_object();

	cli_opts_to_json(cli, NULL, body);
	if (dry_run)
		json_object_set_new(body, "dry_run", json_true());
	struct err *e = cli_post(cli, "/api/ups/configure", NULL, body, ret_reply);
	json_decref(body);
	return e;
}

/* People see the change before they are asked. */
static struct err *show_and_ask(struct cli *cli)
{
	json_t *reply = NULL;

	TRY(post_configure(cli, true, &reply));
	if (!cli_output_is_document(cli))
		print_changes(cli, reply);
	json_decref(reply);
	return cli_confirm(cli, "change the files of NUT on the server's machine for UPS",
		cli_opt_given(cli, "name") ? cli_opt_text(cli, "name") : "ups");
}

static struct err *run_configure(struct cli *cli)
{
	json_t *reply = NULL;

	if (!cli_opt_given(cli, "diff"))
		TRY(show_and_ask(cli));
	TRY(post_configure(cli, cli_opt_given(cli, "diff"), &reply));
	struct err *e = cli_output_is_document(cli) ? cli_print_document(cli, reply) : NULL;
	if (!cli_output_is_document(cli) && cli_opt_given(cli, "diff"))
		print_changes(cli, reply);
	if (json_is_true(json_object_get(reply, "applied"))) {
		cleanup(mem_freep) char *name = cli_esc(cli_json_text(reply, "name", "?"));
		cli_note(cli,
			"NUT drives UPS %s; the files as they were lie beside them (*.mko-TIME)",
			name);
	}
	json_decref(reply);
	return e;
}

const struct cli_cmd cmd_ups_configure = {
	.path = "ups configure",
	.summary = "Make NUT on the server's machine drive a UPS, and watch it",
	.details =
		"Changes ups.conf, upsd.conf, upsd.users, upsmon.conf and nut.conf; what people wrote there stays, and a copy of each is kept. Starts NUT anew; when the driver does not come up within 45 s everything is put back. Needs root.",
	.doing = "configure NUT",
	.example =
		"mko ups configure --diff\nmko ups configure --name rack --bus 1-1.2\nmko ups configure --name lab --driver snmp-ups --port 192.0.2.20",
	.noun = &noun_ups,
	.opts = configure_opts,
	.n_opts = ARRAY_LEN(configure_opts),
	.run = run_configure,
};
