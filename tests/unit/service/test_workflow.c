/* service/workflow and op_workflow: steps in order under their conditions, approvals, restarts.
 * Runner real, ansible-playbook a script, clock virtual. */
#include "testing.h"
#include "testing_err.h"

#include "domain.h"
#include "driver/runner.h"
#include "service/workflow.h"

#define STATS                                                                                      \
	"echo '{\"event\":\"stats\",\"hosts\":{\"n1\":{\"ok\":1,\"changed\":0,\"failed\":0,\"unreachable\":0}}}' >&3\n"

static void script(struct test_domain *d, const char *text)
{
	char *all = mem_printf("#!/bin/sh\n%s\n", text);
	scratch_write(d->config.ansible_playbook, all, 0755);
	mem_free(all);
}

static void add(struct test_domain *d, const char *steps)
{
	struct workflow w;
	json_t *body = json_pack("{s:s, s:o}", "name", "w", "steps", json_loads(steps, 0, NULL));
	TX(d, workflow_create(&d->svc, &test_admin, body, &w));
	json_decref(body);
	record_done(&workflow_type, &w);
}

static int64_t start(struct test_domain *d)
{
	struct operation op;
	json_t *params = json_pack("{s:s}", "workflow", "w");
	const struct op_request req = {.type = "workflow.run", .params = params};
	TX(d, op_submit(&d->svc, &test_admin, &req, &op));
	json_decref(params);
	int64_t id = op.id;
	record_done(&operation_type, &op);
	return id;
}

/* "succeeded,skipped" */
static char *steps_of(struct test_domain *d, int64_t id, int64_t *ret_status)
{
	struct operation op;
	struct str s = STR_INIT;
	size_t i;
	const json_t *step;
	ok(store_get(d->svc.store, &operation_type, id, &op));
	json_array_foreach(json_object_get(op.result, "steps"), i, step)
		str_addf(&s, "%s%s", i > 0 ? "," : "",
			json_string_value(json_object_get(step, "status")));
	*ret_status = op.status;
	record_done(&operation_type, &op);
	return str_take(&s);
}

struct expected {
	struct test_domain *d;
	int64_t id;
	const char *steps;
	int64_t status;
};

static bool as_expected(void *arg)
{
	struct expected *x = arg;
	int64_t status = 0;
	ok(op_engine_tick(&x->d->svc, NULL));
	cleanup(mem_freep) char *steps = steps_of(x->d, x->id, &status);
	return status == x->status && strcmp(steps, x->steps) == 0;
}

static void expect(struct test_domain *d, int64_t id, const char *steps, int64_t status)
{
	struct expected x = {d, id, steps, status};
	if (scratch_wait(as_expected, &x))
		return;
	cleanup(mem_freep) char *got = steps_of(d, id, &status);
	fail_msg("%s (%s) instead of %s", got, enum_text(&op_status_table, status), steps);
}

#define STEP(name, more)                                                                           \
	"{\"name\":\"" name "\",\"type\":\"node.status\",\"target\":\"n1\"" more "}"
#define BAD "{\"name\":\"bad\",\"type\":\"node.status\",\"target\":\"nobody\"}"
#define APPROVAL "{\"name\":\"ok?\",\"approval\":\"Go on?\",\"timeout_s\":1800}"

static void steps_run_in_order_and_conditions_decide(void **state)
{
	struct test_domain *d = *state;
	static const struct {
		const char *steps, *want;
		int64_t status;
	} cases[] = {
		{"[" STEP("a", "") "," STEP("b", "") "," STEP("c", ",\"when\":\"failure\"") "]",
			"succeeded,succeeded,skipped", OP_SUCCEEDED},
		{"[" BAD "," STEP("b", "") "," STEP("c", ",\"when\":\"failure\"") "," STEP("d",
			 ",\"when\":\"always\"") "]",
			"failed,skipped,succeeded,succeeded", OP_FAILED},
	};
	test_add_node(d, 1, 0);
	script(d, STATS);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		add(d, cases[i].steps);
		expect(d, start(d), cases[i].want, cases[i].status);
		TX(d, workflow_remove(&d->svc, &test_admin, "w"));
	}
}

static void children_name_their_run_and_a_failed_one_fails_it(void **state)
{
	struct test_domain *d = *state;
	struct store_query q = {0};
	int64_t n = 0;
	test_add_node(d, 1, 0);
	script(d, "exit 2");
	add(d, "[" STEP("a", "") "," STEP("b", "") "]");
	int64_t id = start(d);
	expect(d, id, "failed,skipped", OP_FAILED);
	store_where_number(&q, "parent_id", STORE_EQ, id);
	ok(store_count(d->svc.store, &operation_type, &q, &n));
	assert_int_equal(n, 1);
}

static void an_approval_is_waited_for_over_restarts_and_named(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	test_add_node(d, 1, 0);
	script(d, STATS);
	add(d, "[" APPROVAL "," STEP("b", "") "]");
	int64_t id = start(d);
	expect(d, id, "waiting,pending", OP_RUNNING);
	store_close(d->svc.store); /* killed, started again */
	ok(store_open(scratch_path(d->dir, "mko.db"), &d->svc.store));
	ok(op_engine_reconcile(&d->svc));
	expect(d, id, "waiting,pending", OP_RUNNING);
	TX(d, workflow_approve(&d->svc, &test_admin, id, true, "looks good"));
	TX_FAILS(d, workflow_approve(&d->svc, &test_admin, id, true, NULL), ERR_CONFLICT);
	expect(d, id, "succeeded,succeeded", OP_SUCCEEDED);
	id = start(d);
	expect(d, id, "waiting,pending", OP_RUNNING);
	TX(d, workflow_approve(&d->svc, &test_admin, id, false, NULL));
	expect(d, id, "rejected,skipped", OP_FAILED);
	ok(store_get(d->svc.store, &operation_type, id, &op));
	assert_string_equal(json_string_value(json_object_get(op.error, "summary")),
		"step 1 (ok?) was rejected by tester");
	record_done(&operation_type, &op);
}

static void an_approval_that_nobody_gives_ends_as_timed_out_and_says_so(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	test_add_node(d, 1, 0);
	script(d, STATS);
	add(d, "[" APPROVAL "," STEP("b", "") "," STEP("c", ",\"when\":\"always\"") "]");
	int64_t id = start(d);
	expect(d, id, "waiting,pending,pending", OP_RUNNING);
	d->clock.fake_ms += 1799 * 1000;
	expect(d, id, "waiting,pending,pending", OP_RUNNING);
	d->clock.fake_ms += 1000;
	expect(d, id, "timed_out,skipped,succeeded", OP_TIMED_OUT);
	ok(store_get(d->svc.store, &operation_type, id, &op));
	assert_string_equal(json_string_value(json_object_get(op.error, "detail")),
		"nobody approved it in time");
	record_done(&operation_type, &op);
}

static void cancelling_a_run_cancels_what_it_does(void **state)
{
	struct test_domain *d = *state;
	struct operation op;
	test_add_node(d, 1, 0);
	script(d, "exec /bin/sleep 60"); /* ended by the cancel */
	add(d, "[" STEP("a", "") "," STEP("b", "") "]");
	int64_t id = start(d);
	expect(d, id, "running,pending", OP_RUNNING);
	TX(d, op_cancel(&d->svc, &test_admin, id, &op));
	record_done(&operation_type, &op);
	expect(d, id, "failed,cancelled", OP_CANCELLED);
}

static void more_runs_than_places_do_not_block_their_own_steps(void **state)
{
	struct test_domain *d = *state;
	int64_t ids[6];
	test_add_node(d, 1, 0);
	script(d, STATS);
	d->config.operations_parallel_max = 1;
	add(d, "[" STEP("a", "") "]");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = start(d);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		expect(d, ids[i], "succeeded", OP_SUCCEEDED);
}

static void wrong_workflows_are_refused_with_every_wrong_step(void **state)
{
	struct test_domain *d = *state;
	struct workflow w;
	static const char *const wrong[] = {"[]", "[5]", "[{\"name\":\"a\"}]",
		"[{\"name\":\"a\",\"type\":\"x.y\"}]",
		"[{\"name\":\"a\",\"type\":\"workflow.run\"}]",
		"[{\"name\":\"a\",\"type\":\"cluster.scan\"}]",
		"[{\"name\":\"a\",\"approval\":\"x\",\"target\":\"n1\"}]",
		"[{\"name\":\"a\",\"type\":\"node.status\",\"params\":{\"x\":1}}]",
		"[{\"name\":\"a\",\"type\":\"node.status\",\"when\":\"maybe\"}]"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		json_t *body = json_pack("{s:s, s:o}", "name", "w", "steps",
			json_loads(wrong[i], 0, NULL));
		TX_FAILS(d, workflow_create(&d->svc, &test_admin, body, &w), ERR_INVALID);
		json_decref(body);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DOMAIN_TEST(steps_run_in_order_and_conditions_decide),
		DOMAIN_TEST(children_name_their_run_and_a_failed_one_fails_it),
		DOMAIN_TEST(an_approval_is_waited_for_over_restarts_and_named),
		DOMAIN_TEST(an_approval_that_nobody_gives_ends_as_timed_out_and_says_so),
		DOMAIN_TEST(cancelling_a_run_cancels_what_it_does),
		DOMAIN_TEST(more_runs_than_places_do_not_block_their_own_steps),
		DOMAIN_TEST(wrong_workflows_are_refused_with_every_wrong_step),
	};
	rand_init();
	return argc > 1 && strcmp(argv[1], "op-runner") == 0
		? runner_main()
		: cmocka_run_group_tests(tests, NULL, NULL);
}
