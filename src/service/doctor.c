/* The doctor of the server. */
#include "service/doctor.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/controller.h"
#include "model/check/check.h"
#include "model/ups.h"
#include "service/power.h"

/* Whether a UPS that NUT of this machine serves is watched. */
static struct err *needs_nut(struct service *svc, bool *ret_needs)
{
	static const char *const here[] = {"127.0.0.1", "::1", "localhost"};
	struct store_query q = {0};
	struct store_rows rows = {0};

	*ret_needs = false;
	TRY(store_list(svc->store, &ups_device_type, &q, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct ups_device *ups = store_row(&rows, i);
		for (size_t k = 0; k < ARRAY_LEN(here); k++)
			*ret_needs = *ret_needs ||
				(ups->enabled && strcmp(ups->nut_host, here[k]) == 0);
	}
	store_rows_done(&rows);
	return NULL;
}

/* Rules that are enabled, and whether somebody watches. */
static struct err *power_of(struct service *svc, json_t **ret_power)
{
	struct store_query q = {0};
	json_t *monitor = NULL;
	int64_t rules = 0;

	store_where_number(&q, "enabled", STORE_EQ, 1);
	TRY(store_count(svc->store, &ups_rule_type, &q, &rules));
	TRY(power_monitor_json(svc, &monitor));
	*ret_power = json_pack("{sI sb}", "rules", (json_int_t)rules, "watched",
		json_is_true(json_object_get(monitor, "running")));
	json_decref(monitor);
	return NULL;
}

struct err *doctor_input(struct service *svc, json_t **ret_input)
{
	const struct config *c = svc->config;
	json_t *power = NULL;
	bool nut = false;

	TRY(needs_nut(svc, &nut));
	TRY(power_of(svc, &power));
	*ret_input = json_pack("{ss ss ss sb so}", "data_dir", svc->data_dir, "ansible_playbook",
		c->ansible_playbook, "collections_path", c->ansible_collections_path, "nut", nut,
		"power", power);
	return NULL;
}

/* True, or what is wrong. Over a connection of its own: the server's is busy with the domain. */
static json_t *check_database(const char *data_dir)
{
	cleanup(mem_freep) char *path = fs_join(data_dir, "mko.db");
	struct store *store = NULL;
	struct err *e = store_open(path, &store);

	if (e == NULL)
		e = store_check(store);
	store_close(store);
	json_t *verdict = e != NULL ? json_string(err_message(e)) : json_true();
	err_free(e);
	return verdict;
}

static const char *text_of(const json_t *input, const char *key)
{
	return json_string_value(json_object_get(input, key));
}

struct err *doctor_run(const json_t *input, json_t **ret_output)
{
	const struct controller where = {.data_dir = text_of(input, "data_dir"),
		.ansible_playbook = text_of(input, "ansible_playbook"),
		.collections_path = text_of(input, "collections_path"),
		.nut = json_is_true(json_object_get(input, "nut"))};
	char name[256] = "server";
	json_t *data = controller_read(&where);

	(void)gethostname(name, sizeof(name) - 1);
	json_object_set_new(data, "database", check_database(where.data_dir));
	json_object_set(data, "power", json_object_get(input, "power"));
	const struct check_node node = {.name = name, .role = "none", .data = data};
	const struct check_run run = {.nodes = &node, .n = 1};
	*ret_output = json_pack("{so sn}", "items", check_evaluate(&run, CHECK_SERVER, false),
		"next_cursor");
	json_decref(data);
	return NULL;
}
