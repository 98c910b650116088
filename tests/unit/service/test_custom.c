/* service/op/op_custom and op_hooks: users' playbooks as operation types and as hooks. The runner
 * is real, ansible-playbook is a script that notes what it was given. */
#include "testing.h"
#include "testing_err.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "domain.h"
#include "driver/runner.h"
#include "model/event.h"
#include "service/op/op_custom.h"

#define META "title: Trim disks\ntarget: node\nrisk: change\n"
#define STATS                                                                                      \
	"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"changed\":0,\"failed\":0,\"unreachable\":0}}}' >&3\n"

static void put(struct test_domain *d, const char *file, const char *text)
{
	cleanup(mem_freep) char *dir = mem_printf("%s/playbooks", d->dir);
	cleanup(mem_freep) char *path = mem_printf("%s/%s", dir, file);
	ok(fs_mkdirs(dir, 0700));
	(void)unlink(path);
	ok(fs_write_new(path, text, strlen(text), 0600));
}

static void script(struct test_domain *d, const char *text)
{
	char *all = mem_printf(
		"#!/bin/sh\ncd \"$(dirname \"$0\")\"\nfor last; do case $last in @*) cp \"${last#@}\" vars.json;; esac; done\n"
		"echo \"$last\" >> ran\n%s\n",
		text);
	scratch_write(d->config.ansible_playbook, all, 0755);
	mem_free(all);
}

static char *text_of(struct test_domain *d, const char *name)
{
	cleanup(mem_freep) char *path = mem_printf("%s/%s", d->dir, name);
	char *text = NULL;
	ok(fs_read(path, 65536, &text, NULL));
	return text;
}

struct waited {
	struct test_domain *d;
	int64_t id;
};

static struct operation get(struct test_domain *d, int64_t id)
{
	struct operation op;
	ok(store_get(d->svc.store, &operation_type, id, &op));
	return op;
}

static bool all_over(void *arg)
{
	struct waited *w = arg;
	bool busy = true;
	ok(op_engine_tick(&w->d->svc, &busy));
	ok(op_engine_tick(&w->d->svc, &busy));
	return !busy;
}

/* Submit, run everything to its end, return how it ended. */
static struct operation run(struct test_domain *d, const char *type, const char *target,
	json_t *take_params)
{
	struct operation op;
	const struct op_request req = {.type = type, .target = target, .params = take_params};
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	json_decref(take_params);
	struct waited w = {d, op.id};
	assert_true(scratch_wait(all_over, &w));
	int64_t id = op.id;
	record_done(&operation_type, &op);
	return get(d, id);
}

static void a_playbook_with_metadata_runs_with_checked_values_that_are_unsafe(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d, STATS);
	put(d, "trim.yml", "- hosts: mko_targets\n");
	put(d, "trim.meta.yml",
		META
		"timeout: 2m\nvariables:\n  - {name: level, type: choice, choices: [low, high], default: low}\n"
		"  - {name: note, type: text, max: 40}\n  - {name: percent, type: integer, min: 1, max: 9}\n");
	struct operation op = run(d, "custom.trim", "n1",
		json_pack("{s:s}", "note", "{{ lookup('pipe','id') }}"));
	assert_int_equal(op.status, OP_SUCCEEDED);
	assert_string_equal(op.name, "Trim disks on n1");
	assert_int_equal(op.timeout_s, 120);
	record_done(&operation_type, &op);
	char *ran = text_of(d, "ran");
	assert_non_null(strstr(ran, "/playbooks/trim.yml"));
	char *vars = text_of(d, "vars.json");
	json_t *json = json_loads(vars, 0, NULL);
	json_t *note = json_object_get(json_object_get(json, "note"), "__ansible_unsafe");
	assert_string_equal(json_string_value(note), "{{ lookup('pipe','id') }}");
	assert_string_equal(json_string_value(json_object_get(json_object_get(json, "level"),
				    "__ansible_unsafe")),
		"low");
	json_decref(json);
	mem_free(vars);
	mem_free(ran);
	static const char *const wrong[] = {"{\"level\":\"middle\"}", "{\"percent\":10}",
		"{\"percent\":\"5\"}", "{\"x\":1}"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct operation none;
		json_t *params = json_loads(wrong[i], 0, NULL);
		const struct op_request req = {.type = "custom.trim",
			.target = "n1",
			.params = params};
		TX_FAILS(d, op_submit(&d->svc, &test_admin, &req, &none), ERR_INVALID);
		json_decref(params);
	}
}

struct listed {
	int good, wrong;
	char *why;
};
static void count(void *user, const char *name, const struct op_type *type, const struct err *why)
{
	struct listed *l = user;
	const char *message = NULL;
	assert_non_null(name);
	l->good += type != NULL;
	l->wrong += type == NULL;
	if (why == NULL)
		return;
	const char *field = err_field_count(why) > 0 ? err_field_at(why, 0, &message) : "";
	mem_free(l->why);
	l->why = mem_printf("%s %s", field, message != NULL ? message : err_message(why));
}

static void expect_list(struct test_domain *d, int good, int wrong, const char *why)
{
	struct listed l = {0};
	ok(op_custom_each(&d->svc, count, &l));
	assert_int_equal(l.good, good);
	assert_int_equal(l.wrong, wrong);
	if (why != NULL && (l.why == NULL || strstr(l.why, why) == NULL))
		fail_msg("%s", l.why != NULL ? l.why : "no reason");
	mem_free(l.why);
}

static void one_wrong_playbook_takes_no_other_down_and_says_why(void **state)
{
	struct test_domain *d = *state;
	expect_list(d, 0, 0, NULL); /* no folder */
	put(d, "good.yml", "- hosts: all\n");
	put(d, "good.meta.yml", META);
	expect_list(d, 1, 0, NULL);
	put(d, "bad.yml", "- hosts: all\n");
	put(d, "bad.meta.yml", META "titlex: x\n");
	expect_list(d, 1, 1, "bad.meta.yml:4:1 titlex: unknown field, did you mean \"title\"?");
	put(d, "bad.meta.yml", META); /* mended: seen at once */
	expect_list(d, 2, 0, NULL);
	put(d, "alone.yml", "- hosts: all\n");
	expect_list(d, 2, 1, "alone.meta.yml");
	put(d, "Bad Name.yml", "x");
	put(d, "Bad Name.meta.yml", META);
	expect_list(d, 2, 2, NULL);
	put(d, "hook.yml", "- hosts: all\n");
	put(d, "hook.meta.yml", META "before: [cluster.nothing]\n");
	expect_list(d, 2, 3, NULL);
	const struct op_type *type = NULL;
	assert_says(op_type_need(&d->svc, "custom.hook", &type), ERR_INVALID, "hook");
	assert_fails(op_type_need(&d->svc, "custom.none", &type), ERR_NOT_FOUND);
}

static void links_and_files_that_others_can_change_are_not_run(void **state)
{
	struct test_domain *d = *state;
	cleanup(mem_freep) char *link = mem_printf("%s/playbooks/evil.yml", d->dir);
	put(d, "evil.meta.yml", META);
	assert_int_equal(symlink("/etc/hostname", link), 0);
	expect_list(d, 0, 1, "is a link");
	put(d, "evil.yml", "- hosts: all\n");
	expect_list(d, 1, 0, NULL);
	assert_int_equal(chmod(link, 0666), 0);
	expect_list(d, 0, 1, "changed by everybody");
	put(d, "evil.yml", "- hosts: all\n");
	cleanup(mem_freep) char *dir = mem_printf("%s/playbooks", d->dir);
	assert_int_equal(chmod(dir, 0777), 0);
	struct listed l = {0};
	assert_fails(op_custom_each(&d->svc, count, &l), ERR_FORBIDDEN);
}

static void adding_and_removing_goes_through_the_same_checks(void **state)
{
	struct test_domain *d = *state;
	TX_FAILS(d, op_custom_add(&d->svc, &test_admin, "../x", "- hosts: all\n", META),
		ERR_INVALID);
	TX_FAILS(d, op_custom_add(&d->svc, &test_admin, "x", "- hosts: all\n", "title: x\n"),
		ERR_INVALID);
	TX(d, op_custom_add(&d->svc, &test_admin, "x", "- hosts: all\n", META));
	TX_FAILS(d, op_custom_add(&d->svc, &test_admin, "x", "- hosts: all\n", META), ERR_EXISTS);
	expect_list(d, 1, 0, NULL);
	TX(d, op_custom_remove(&d->svc, &test_admin, "x"));
	TX_FAILS(d, op_custom_remove(&d->svc, &test_admin, "x"), ERR_NOT_FOUND);
	expect_list(d, 0, 0, NULL);
}

static void hooks_run_before_and_after_as_operations_of_their_own(void **state)
{
	struct test_domain *d = *state;
	json_t *json = NULL;
	test_add_node(d, 1, 0);
	script(d, STATS);
	put(d, "pre.yml", "- hosts: all\n");
	put(d, "pre.meta.yml", META "before: [node.prepare]\n");
	put(d, "post.yml", "- hosts: all\n");
	put(d, "post.meta.yml", META "after: [node.prepare]\n");
	struct operation op = run(d, "node.prepare", "n1", NULL);
	assert_int_equal(op.status, OP_SUCCEEDED);
	ok(op_json(&d->svc, &op, true, &json));
	json_t *children = json_object_get(json, "children");
	assert_int_equal(json_array_size(children), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(json_string_value(json_object_get(json_array_get(children, i),
					    "status")),
			"succeeded");
	json_decref(json);
	record_done(&operation_type, &op);
	char *ran = text_of(d, "ran");
	const char *pre = strstr(ran, "pre.yml");
	const char *own = strstr(ran, "prepare_node");
	const char *post = strstr(ran, "post.yml");
	assert_true(pre != NULL && own != NULL && post != NULL && pre < own && own < post);
	mem_free(ran);
}

static int64_t events_of(struct test_domain *d, const char *kind)
{
	struct store_query q = {0};
	int64_t n = 0;
	store_where_text(&q, "kind", STORE_EQ, kind);
	ok(store_count(d->svc.store, &event_type, &q, &n));
	return n;
}

static void a_hook_that_fails_before_stops_the_operation_and_after_is_told(void **state)
{
	struct test_domain *d = *state;
	test_add_node(d, 1, 0);
	script(d, "case $last in */playbooks/*) exit 2;; esac\n" STATS);
	put(d, "gate.yml", "- hosts: all\n");
	put(d, "gate.meta.yml", META "before: [node.prepare]\n");
	struct operation op = run(d, "node.prepare", "n1", NULL);
	assert_int_equal(op.status, OP_FAILED);
	assert_non_null(strstr(json_string_value(json_object_get(op.error, "summary")),
		"the hook custom.gate before it ended as failed"));
	record_done(&operation_type, &op);
	char *ran = text_of(d, "ran");
	assert_null(strstr(ran, "prepare_node"));
	mem_free(ran);
	put(d, "gate.meta.yml", META "after: [node.prepare]\n");
	op = run(d, "node.prepare", "n1", NULL);
	assert_int_equal(op.status, OP_SUCCEEDED);
	record_done(&operation_type, &op);
	assert_int_equal(events_of(d, "operation.hook_failed"), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(a_playbook_with_metadata_runs_with_checked_values_that_are_unsafe),
		DOMAIN_TEST(one_wrong_playbook_takes_no_other_down_and_says_why),
		DOMAIN_TEST(links_and_files_that_others_can_change_are_not_run),
		DOMAIN_TEST(adding_and_removing_goes_through_the_same_checks),
		DOMAIN_TEST(hooks_run_before_and_after_as_operations_of_their_own),
		DOMAIN_TEST(a_hook_that_fails_before_stops_the_operation_and_after_is_told),
	};
	rand_init();
	return argc > 1 && strcmp(argv[1], "op-runner") == 0
		? runner_main()
		: cmocka_run_group_tests(tests, NULL, NULL);
}
