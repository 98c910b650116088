/* service/desired: what differs between a cluster and its file, in which order it is brought about,
 * what is impossible; and how an apply runs, halts and goes on. */
#include "testing.h"
#include "testing_err.h"

#include "base/str.h"
#include "domain.h"
#include "driver/runner.h"
#include "model/desired.h"
#include "model/yaml.h"
#include "service/desired.h"

/* ---- a world ---- */

#define RUNNING                                                                                                   \
	"{\"nodes\":[{\"name\":\"n1\",\"ready\":true},{\"name\":\"n2\"},{\"name\":\"n3\"},{\"name\":\"n4\"}],"    \
	"\"addons\":[{\"name\":\"ha-cluster\",\"status\":\"enabled\"},{\"name\":\"dns\",\"status\":\"enabled\"}," \
	"{\"name\":\"ingress\",\"status\":\"disabled\"}]}"

/* A scanned cluster "prod" of n1 to n3 (control planes) and n4 (worker); n5 in no cluster; n6 in
 * another one. */
struct world {
	struct cluster cluster;
	struct node nodes[6];
	struct ups_device ups;
	struct schedule backup;
	struct desired_state now;
};

static void make_node(struct node *n, int number)
{
	char name[16];
	char address[16];

	record_init(&node_type, n);
	snprintf(name, sizeof(name), "n%d", number);
	snprintf(address, sizeof(address), "10.0.0.%d", number);
	n->id = number;
	field_set_text(&n->hostname, name);
	field_set_text(&n->ip_address, address);
	if (number > 4)
		return;
	n->cluster_id = 1;
	n->role = number <= 3 ? NODE_ROLE_CONTROL_PLANE : NODE_ROLE_WORKER;
	field_set_text(&n->microk8s_version, "v1.32.9");
	field_set_text(&n->channel, "1.32/stable");
}

static int make(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));
	struct cluster *c = &w->cluster;

	record_init(&cluster_type, c);
	c->id = 1;
	field_set_text(&c->name, "prod");
	c->ha_enabled = true;
	c->scanned_at = 1;
	json_decref(c->addons);
	c->addons = json_loads("[{\"name\":\"dns\",\"args\":[]}]", 0, NULL);
	c->scan = json_loads(RUNNING, 0, NULL);
	for (int i = 0; i < 6; i++)
		make_node(&w->nodes[i], i + 1);
	w->nodes[5].cluster_id = 2;
	w->now = (struct desired_state){.cluster = c,
		.nodes = w->nodes,
		.n_nodes = 6,
		.channel = "1.32/stable"};
	record_init(&ups_device_type, &w->ups);
	w->ups.id = 9;
	field_set_text(&w->ups.name, "rack");
	w->now.upses = &w->ups;
	w->now.n_upses = 1;
	record_init(&schedule_type, &w->backup);
	field_set_text(&w->backup.cron, "0 3 * * *");
	json_decref(w->backup.params);
	w->backup.params = json_pack("{s:i}", "keep_backups", 7);
	*state = w;
	return 0;
}

static int drop(void **state)
{
	struct world *w = *state;

	record_done(&cluster_type, &w->cluster);
	record_done(&ups_device_type, &w->ups);
	record_done(&schedule_type, &w->backup);
	for (size_t i = 0; i < ARRAY_LEN(w->nodes); i++)
		record_done(&node_type, &w->nodes[i]);
	mem_free(w);
	return 0;
}

/* ---- plans as text ---- */

static void add_changes(struct str *s, const json_t *list, const char *sign)
{
	size_t i;
	const json_t *item;

	json_array_foreach(list, i, item) {
		const char *action = json_string_value(json_object_get(item, "action"));
		str_addf(s, "%s%s|",
			sign != NULL                            ? sign
				: strcmp(action, "add") == 0    ? "+"
				: strcmp(action, "remove") == 0 ? "-"
								: "~",
			json_string_value(json_object_get(item, "object")));
	}
}

static void add_steps(struct str *s, const json_t *steps)
{
	size_t i;
	const json_t *step;

	json_array_foreach(steps, i, step) {
		const char *type = json_string_value(json_object_get(step, "type"));
		json_t *what = json_object_get(step, type != NULL ? "params" : "body");
		char *text = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS);
		str_addf(s, " %s%s",
			type != NULL ? type : json_string_value(json_object_get(step, "record")),
			text);
		free(text);
	}
}

/* "+node n5|!addon x| step{params} ...", or "refused PATH|PATH". Owned. */
static char *plan_text(struct world *w, const char *doc, bool prune)
{
	const struct desired_options options = {.prune = prune};
	struct yaml_file file = {.n = 0};
	json_t *want = NULL;
	json_t *plan = NULL;
	struct str s = STR_INIT;

	ok(yaml_read("f", doc, strlen(doc), &file));
	ok(desired_read(file.docs[0].json, &want));
	struct err *e = desired_plan(&w->now, want, &options, &plan);
	if (e != NULL) {
		assert_int_equal(err_code(e), ERR_PRECONDITION);
		str_adds(&s, "refused");
		for (size_t i = 0; i < err_field_count(e); i++) {
			const char *message = NULL;
			str_addf(&s, " %s", err_field_at(e, i, &message));
		}
	} else {
		add_changes(&s, json_object_get(plan, "changes"), NULL);
		add_changes(&s, json_object_get(plan, "notes"), "!");
		add_steps(&s, json_object_get(plan, "steps"));
	}
	err_free(e);
	json_decref(plan);
	json_decref(want);
	yaml_done(&file);
	return str_take(&s);
}

#define DOC(spec) "apiVersion: mko/v1\nkind: Cluster\nmetadata: {name: prod}\nspec: {" spec "}\n"
#define N(number) "{name: n" #number ", address: 10.0.0." #number "}"
#define N1234 N(1) ", " N(2) ", " N(3) ", " N(4)
#define ALL "nodes: [" N1234 "]"

struct row {
	const char *doc;
	bool prune;
	const char *want;
};

static void expect_rows(struct world *w, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup(mem_freep) char *got = plan_text(w, rows[i].doc, rows[i].prune);
		assert_string_equal(got != NULL ? got : "", rows[i].want);
	}
}

static void only_what_differs_is_planned_in_an_order_that_keeps_voters(void **state)
{
	static const struct row rows[] = {
		{DOC(ALL), false, ""},
		{DOC(ALL ", ha: true, channel: 1.32/stable, addons: [dns], network_cidr: 10.1.0.0/16"),
			true, ""},
		{DOC(ALL ", ha: false"), false,
			"~cluster prod| cluster.update{\"ha_enabled\":false}"},
		{DOC("nodes: [" N1234 ", {name: n5, address: 10.0.0.5, role: worker}]"), false,
			"+node n5|~node n5|"
			" node.update{\"cluster_id\":\"prod\",\"role\":\"worker\"}"
			" cluster.join{\"nodes\":[\"n5\"],\"role\":\"worker\"}"},
		{DOC("nodes: [" N1234 ", {name: n9, address: 10.0.0.9}]"), false,
			"+node n9|"
			" node.create{\"cluster_id\":\"prod\",\"hostname\":\"n9\",\"ip_address\":\"10.0.0.9\"}"
			" cluster.join{\"nodes\":[\"n9\"],\"role\":\"auto\"}"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(3) "]"), false, "!node n4|"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(3) "]"), true,
			"-node n4| cluster.leave{\"nodes\":[\"n4\"]}"},
		{DOC("nodes: [" N1234 "], addons: []"), false,
			"-addon dns| cluster.addon_disable{\"addons\":[\"dns\"]}"},
		{DOC("nodes: [" N1234 "], addons: [ingress, dns]"), false,
			"+addon ingress|"
			" cluster.addon_enable{\"addons\":[{\"args\":[],\"name\":\"ingress\"}]}"},
		{DOC("nodes: [" N1234 "], addons: [{name: dns, args: 1.1.1.1}]"), false,
			"~addon dns| cluster.addon_disable{\"addons\":[\"dns\"]}"
			" cluster.addon_enable{\"addons\":[{\"args\":[\"1.1.1.1\"],\"name\":\"dns\"}]}"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(
			 3) ", {name: n4, address: 10.0.0.4, tags: [ssd]}]"),
			false, "~node n4| node.update{\"tags\":[\"ssd\"]}"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(3) ", " N(
			 5) "], channel: 1.33/stable, addons: [ingress]"),
			true,
			"+node n5|-node n4|~cluster prod|+addon ingress|-addon dns|"
			" node.update{\"cluster_id\":\"prod\"}"
			" cluster.join{\"nodes\":[\"n5\"],\"role\":\"auto\"}"
			" cluster.leave{\"nodes\":[\"n4\"]}"
			" cluster.upgrade{\"to\":\"1.33/stable\"}"
			" cluster.addon_disable{\"addons\":[\"dns\"]}"
			" cluster.addon_enable{\"addons\":[{\"args\":[],\"name\":\"ingress\"}]}"},
	};
	expect_rows(*state, rows, ARRAY_LEN(rows));
}

static void labels_feeds_and_backups_are_brought_to_what_the_file_says(void **state)
{
	static const struct row rows[] = {
		{DOC("nodes: [" N(1) ", " N(2) ", " N(
			 3) ", {name: n4, address: 10.0.0.4, "
			    "labels: {disk: ssd, old: null, zone: a}}]"),
			false,
			"~node n4| cluster.label{\"labels\":{\"n4\":{\"disk\":\"ssd\",\"old\":null}}}"},
		{DOC("nodes: [" N1234 ", {name: n9, address: 10.0.0.9, labels: {disk: ssd}}]"),
			false,
			"+node n9|~node n9|"
			" node.create{\"cluster_id\":\"prod\",\"hostname\":\"n9\",\"ip_address\":\"10.0.0.9\"}"
			" cluster.join{\"nodes\":[\"n9\"],\"role\":\"auto\"}"
			" cluster.label{\"labels\":{\"n9\":{\"disk\":\"ssd\"}}}"},
		{DOC(ALL ", refresh: {policy: hold}"), false, ""},
		{DOC(ALL ", power: {feeds: [rack], policy: any}"), false,
			"~cluster prod| cluster.update{\"feed_policy\":\"any\",\"feeds\":[\"rack\"]}"},
		{DOC(ALL ", power: {feeds: [rack, shed]}"), false, "refused spec.power.feeds[1]"},
		{DOC(ALL ", backup: {schedule: \"0 3 * * *\", keep: 7}"), false,
			"+schedule backup-prod| schedule.create{\"cron\":\"0 3 * * *\",\"name\":\"backup-prod\",\"params\":{\"keep_backups\":7},\"target\":\"prod\",\"type\":\"cluster.backup\"}"},
	};
	static const struct row later[] = {
		{DOC(ALL ", power: {feeds: [rack], policy: all}"), false, ""},
		{DOC(ALL ", backup: {schedule: \"0 3 * * *\", keep: 7}"), false, ""},
		{DOC(ALL ", backup: {schedule: \"0 3 * * *\", keep: {daily: 7, weekly: 4}}"), false,
			"~schedule backup-prod| schedule.update{\"params\":{\"keep_daily\":7,\"keep_weekly\":4}}"},
		{DOC(ALL ", backup: {schedule: \"0 3 * * *\", keep: 9}"), false,
			"~schedule backup-prod| schedule.update{\"params\":{\"keep_backups\":9}}"},
	};
	struct world *w = *state;
	json_t *node = json_array_get(json_object_get(w->cluster.scan, "nodes"), 3);
	json_object_set_new(node, "labels", json_pack("{s:s, s:s}", "zone", "a", "old", "x"));
	expect_rows(w, rows, ARRAY_LEN(rows));
	json_array_append_new(w->cluster.feeds, json_integer(9));
	w->now.backup = &w->backup;
	expect_rows(w, later, ARRAY_LEN(later));
	json_t *have = desired_of(&w->now);
	json_t *doc = desired_write(have);
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(strstr(text, "\"backup\":{\"keep\":7,\"schedule\":\"0 3 * * *\"}"));
	assert_non_null(strstr(text, "\"labels\":{\"old\":\"x\",\"zone\":\"a\"}"));
	assert_non_null(strstr(text,
		"\"power\":{\"feeds\":[\"rack\"],\"min_feeds\":1,\"policy\":\"all\"}"));
	free(text);
	json_decref(doc);
	json_decref(have);
}

static void labels_hooks_and_tiers_are_brought_to_what_the_file_says(void **state)
{
	static const struct row rows[] = {
		{DOC(ALL ", cni: {name: calico}"), false, ""},
		{DOC(ALL ", hooks: {before: {upgrade: [trim]}}"), false,
			"~cluster prod| cluster.update{\"hooks\":{\"before\":{\"cluster.upgrade\":[\"trim\"]}}}"},
		{DOC(ALL ", hooks: {before: {upgrade: [trim, gone]}}"), false,
			"refused spec.hooks.before.upgrade"},
		{DOC(ALL ", hooks: {after: {paint: [trim]}}"), false,
			"refused spec.hooks.after.paint"},
		{DOC(ALL ", hooks: {after: {node.reboot: [trim]}}"), false,
			"refused spec.hooks.after.node.reboot"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(
			 3) ", {name: n4, address: 10.0.0.4, power: {tier: 3, wol: \"aa:bb:cc:dd:ee:ff\"}}]"),
			false,
			"~node n4| node.update{\"mac_address\":\"aa:bb:cc:dd:ee:ff\",\"power_tier\":3}"},
		{"apiVersion: mko/v1\nkind: Cluster\nmetadata: {name: prod, labels: {site: attic}}\nspec: {" ALL
		 "}",
			false, "~cluster prod| cluster.update{\"labels\":{\"site\":\"attic\"}}"},
	};
	static const struct row later[] = {
		{DOC(ALL ", hooks: {before: {upgrade: [trim]}}"), false, ""},
		{DOC(ALL ", hooks: {}"), false, "~cluster prod| cluster.update{\"hooks\":{}}"},
		{DOC(ALL ", cni: {name: calico}"), false, "refused spec.cni.name"},
	};
	struct world *w = *state;
	json_t *playbooks = json_pack("[s]", "trim");
	w->now.playbooks = playbooks;
	expect_rows(w, rows, ARRAY_LEN(rows));
	json_decref(w->cluster.hooks);
	w->cluster.hooks = json_pack("{s:{s:[s]}}", "before", "cluster.upgrade", "trim");
	w->nodes[3].power_tier = 3;
	json_array_append_new(json_object_get(w->cluster.scan, "addons"),
		json_pack("{s:s, s:s}", "name", "cilium", "status", "enabled"));
	expect_rows(w, later, ARRAY_LEN(later));
	json_t *have = desired_of(&w->now);
	json_t *doc = desired_write(have);
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(strstr(text, "\"hooks\":{\"before\":{\"upgrade\":[\"trim\"]}}"));
	assert_non_null(strstr(text, "\"name\":\"n4\",\"port\":22,\"power\":{\"tier\":3}"));
	free(text);
	json_decref(doc);
	json_decref(have);
	json_decref(playbooks);
}

static void what_is_impossible_is_refused_at_its_place(void **state)
{
	static const struct row rows[] = {
		{DOC(ALL ", network_cidr: 10.9.0.0/16"), false, "refused spec.network_cidr"},
		{DOC(ALL ", channel: 1.34/stable"), false, "refused spec.channel"},
		{DOC(ALL ", channel: 1.31/stable"), false, "refused spec.channel"},
		{DOC(ALL ", channel: latest/stable"), false, "refused spec.channel"},
		{DOC("nodes: [" N1234 ", " N(6) "]"), false, "refused spec.nodes[4].name"},
		{DOC("nodes: [" N1234 ", {name: n8, address: 10.0.0.5}]"), false,
			"refused spec.nodes[4].address"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(3) ", {name: n4, address: 10.0.0.44}]"),
			false, "refused spec.nodes[3].address"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(
			 3) ", {name: n4, address: 10.0.0.4, role: control_plane}]"),
			false, "refused spec.nodes[3].role"},
		{DOC("nodes: [" N(1) ", " N(2) "]"), true, "refused spec.nodes"},
		{DOC("nodes: [" N(1) ", " N(2) "], ha: true"), true, "refused spec.ha"},
		{DOC("nodes: [{name: n4, address: 10.0.0.4, role: worker}], ha: false"), true,
			"refused spec.nodes"},
	};
	expect_rows(*state, rows, ARRAY_LEN(rows));
}

static void a_cluster_that_is_not_set_up_takes_every_setting_and_is_set_up(void **state)
{
	static const struct row new[] = {
		{DOC("nodes: [{name: n9, address: 10.0.0.9, role: control_plane}]"), false,
			"+cluster prod|+node n9|"
			" node.create{\"cluster_id\":\"prod\",\"hostname\":\"n9\",\"ip_address\":\"10.0.0.9\",\"role\":\"control_plane\"}"
			" cluster.setup{}"},
	};
	static const struct row empty[] = {
		{DOC("nodes: [" N1234
		     "], channel: 1.30/stable, network_cidr: 10.9.0.0/16, addons: [ingress]"),
			false,
			"~cluster prod|+cluster prod|"
			" cluster.update{\"addons\":[{\"args\":[],\"name\":\"ingress\"}],\"channel\":\"1.30/stable\",\"network_cidr\":\"10.9.0.0/16\"}"
			" cluster.setup{}"},
		{DOC("nodes: [" N(1) ", " N(2) ", " N(3) "]"), true,
			"-node n4|+cluster prod| node.update{\"cluster_id\":null,\"role\":\"none\"}"
			" cluster.setup{}"},
	};
	struct world *w = *state;

	w->cluster.scanned_at = I64_NONE;
	expect_rows(w, empty, ARRAY_LEN(empty));
	w->now.cluster = NULL;
	expect_rows(w, new, ARRAY_LEN(new));
}

static void a_halted_upgrade_goes_on_or_is_in_the_way(void **state)
{
	static const struct row rows[] = {
		{DOC(ALL ", channel: 1.33/stable"), false,
			"~cluster prod| cluster.upgrade{\"resume\":true}"},
		{DOC(ALL ", channel: 1.32/stable"), false, "refused spec.channel"},
		{DOC(ALL), false, ""},
	};
	struct world *w = *state;

	w->cluster.upgrade = json_pack("{s:s, s:s}", "status", "halted", "channel", "1.33/stable");
	expect_rows(w, rows, ARRAY_LEN(rows));
}

static void the_plan_of_an_export_is_empty(void **state)
{
	static const struct desired_options prune = {.prune = true};
	struct world *w = *state;
	json_t *again = NULL;
	json_t *plan = NULL;

	json_decref(w->cluster.scan); /* by hand: an addon on, one of ours off; a member gone */
	w->cluster.scan = json_loads(
		"{\"nodes\":[{\"name\":\"n1\"},{\"name\":\"n2\"},{\"name\":\"n3\"},{\"name\":\"n4\"}],\"addons\":["
		"{\"name\":\"dns\",\"status\":\"disabled\"},{\"name\":\"ingress\",\"status\":\"enabled\"},"
		"{\"name\":\"helm3\",\"status\":\"enabled\"}]}",
		0, NULL);
	json_t *want = desired_of(&w->now);
	json_t *doc = desired_write(want);
	ok(desired_read(doc, &again));
	assert_true(json_equal(want, again));
	ok(desired_plan(&w->now, again, &prune, &plan));
	assert_int_equal(json_array_size(json_object_get(plan, "changes")), 0);
	assert_int_equal(json_array_size(json_object_get(plan, "steps")), 0);
	char *text = json_dumps(json_object_get(want, "addons"), JSON_COMPACT);
	assert_string_equal(text, "[{\"name\":\"ingress\",\"args\":[]}]");
	free(text);
	json_decref(plan);
	json_decref(again);
	json_decref(doc);
	json_decref(want);
}

#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

/* ---- applying ---- */

static json_t *document(const char *spec)
{
	return json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "mko/v1", "kind", "Cluster",
		"metadata", "name", "prod", "spec", json_loads(spec, 0, NULL));
}

static struct err *apply(struct test_domain *d, const char *spec, int64_t *ret_id)
{
	struct cluster c;
	struct operation op;
	json_t *params = json_pack("{s:o}", "desired", document(spec));

	ok(store_begin(d->svc.store));
	struct err *e =
		desired_cluster(&d->svc, &test_admin, json_object_get(params, "desired"), &c);
	if (e == NULL) {
		const struct op_request req = {.type = "cluster.apply",
			.target = "prod",
			.params = params};
		record_done(&cluster_type, &c);
		e = op_submit(&d->svc, &test_admin, &req, &op);
	}
	json_decref(params);
	if (e != NULL) {
		store_rollback(d->svc.store);
		return e;
	}
	*ret_id = op.id;
	record_done(&operation_type, &op);
	ok(store_commit(d->svc.store));
	return NULL;
}

struct waiting {
	struct test_domain *d;
	int64_t id;
	struct operation op;
};

static bool is_over(void *arg)
{
	struct waiting *w = arg;

	ok(op_engine_tick(&w->d->svc, NULL));
	ok(store_get(w->d->svc.store, &operation_type, w->id, &w->op));
	bool over = op_status_final(w->op.status);
	if (!over)
		record_done(&operation_type, &w->op);
	return over;
}

static struct operation wait_for(struct test_domain *d, int64_t id)
{
	struct waiting w = {d, id, {.id = 0}};

	assert_true(scratch_wait(is_over, &w));
	return w.op;
}

static void script(struct test_domain *d, const char *text)
{
	char *all = mem_printf("#!/bin/sh\n%s\n", text);
	scratch_write(d->config.ansible_playbook, all, 0755);
	mem_free(all);
}

#define SPEC "{\"nodes\":[{\"name\":\"n1\",\"address\":\"127.0.1.1\"}]}"
#define STATS                                                                                      \
	"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"changed\":0,\"failed\":0,\"unreachable\":0}}}' >&3\n"

static void an_apply_halts_where_a_step_fails_and_the_next_one_goes_on(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	struct node n;
	json_t *drift = NULL;
	int64_t id = 0;

	script(d, "exit 2");
	ok(apply(d, SPEC, &id));
	struct operation op = wait_for(d, id);
	assert_int_equal(op.status, OP_FAILED);
	assert_string_equal(json_string_value(json_object_get(op.error, "task")),
		"set up cluster prod");
	record_done(&operation_type, &op);
	ok(node_find(&d->svc, "n1", &n)); /* what was reached stays */
	field_set_text(&n.host_key, TEST_KEY);
	TX(d, store_update(d->svc.store, &node_type, &n));
	record_done(&node_type, &n);
	ok(cluster_find(&d->svc, "prod", &c));
	ok(desired_drift(&d->svc, &c, &drift));
	assert_int_equal(json_array_size(json_object_get(drift, "changes")), 1);
	json_decref(drift);
	record_done(&cluster_type, &c);
	script(d, STATS);
	ok(apply(d, SPEC, &id));
	op = wait_for(d, id);
	assert_int_equal(op.status, OP_SUCCEEDED);
	assert_int_equal(json_array_size(json_object_get(op.result, "steps")), 1);
	record_done(&operation_type, &op);
}

static void a_change_of_the_inventory_that_is_refused_fails_its_step_only(void **state)
{
	struct test_domain *d = *state;
	int64_t id = 0;

	script(d, STATS);
	ok(apply(d,
		"{\"nodes\":[{\"name\":\"n1\",\"address\":\"127.0.1.1\",\"key_path\":\"/nowhere/key\"}]}",
		&id));
	struct operation op = wait_for(d, id);
	assert_int_equal(op.status, OP_FAILED);
	assert_string_equal(json_string_value(json_object_get(op.error, "summary")),
		"step 1 (add node n1 to the inventory) failed");
	assert_non_null(strstr(json_string_value(json_object_get(op.error, "detail")),
		"/nowhere/key cannot be read"));
	record_done(&operation_type, &op);
}

static void a_second_apply_waits_for_nothing_and_a_wrong_file_leaves_no_trace(void **state)
{
	struct test_domain *d = *state;
	struct cluster c;
	int64_t id = 0;

	test_add_node(d, 1, test_add_cluster(d, "other", false));
	assert_fails(apply(d, SPEC, &id), ERR_PRECONDITION);
	expect_code(cluster_find(&d->svc, "prod", &c), ERR_NOT_FOUND);
	ok(apply(d, "{\"nodes\":[{\"name\":\"n2\",\"address\":\"127.0.1.2\"}]}", &id));
	assert_says(apply(d, "{\"nodes\":[{\"name\":\"n2\",\"address\":\"127.0.1.2\"}]}", &id),
		ERR_LOCKED, "mko operation logs -f 1");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(only_what_differs_is_planned_in_an_order_that_keeps_voters),
		PLAN_TEST(labels_hooks_and_tiers_are_brought_to_what_the_file_says),
		PLAN_TEST(labels_feeds_and_backups_are_brought_to_what_the_file_says),
		PLAN_TEST(what_is_impossible_is_refused_at_its_place),
		PLAN_TEST(a_cluster_that_is_not_set_up_takes_every_setting_and_is_set_up),
		PLAN_TEST(a_halted_upgrade_goes_on_or_is_in_the_way),
		PLAN_TEST(the_plan_of_an_export_is_empty),
		DOMAIN_TEST(an_apply_halts_where_a_step_fails_and_the_next_one_goes_on),
		DOMAIN_TEST(a_change_of_the_inventory_that_is_refused_fails_its_step_only),
		DOMAIN_TEST(a_second_apply_waits_for_nothing_and_a_wrong_file_leaves_no_trace),
	};
	rand_init();
	return argc > 1 && strcmp(argv[1], "op-runner") == 0
		? runner_main()
		: cmocka_run_group_tests(tests, NULL, NULL);
}
