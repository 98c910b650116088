/* Facts of nodes over time: when a snapshot is kept, what two of them differ in, and how many stay.
 */
#include "testing.h"

#include "domain.h"
#include "service/facts.h"

struct room {
	struct test_domain *d;
	struct node node;
};

static int make(void **state)
{
	struct room *r = mem_zalloc(sizeof(*r));
	int rc = test_domain_make((void **)&r->d);

	ok(store_get(r->d->svc.store, &node_type, test_add_node(r->d, 1, 0), &r->node));
	*state = r;
	return rc;
}

static int drop(void **state)
{
	struct room *r = *state;
	void *d = r->d;

	record_done(&node_type, &r->node);
	mem_free(r);
	return test_domain_drop(&d);
}

#define FACTS_TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

/* A minute later an operation reads this. */
static int64_t took(struct room *r, const char *data)
{
	struct operation op;
	json_t *json = json_loads(data, 0, NULL);

	r->d->clock.fake_ms += 60000;
	record_init(&operation_type, &op);
	field_set_text(&op.type, "node.facts");
	op.target_id = r->node.id;
	op.created_at = clock_utc(&r->d->clock);
	TX(r->d, store_insert(r->d->svc.store, &operation_type, &op));
	TX(r->d, facts_take(&r->d->svc, r->node.id, op.id, json));
	json_decref(json);
	int64_t id = op.id;
	record_done(&operation_type, &op);
	return id;
}

static size_t snapshots(struct room *r, json_t **ret_list)
{
	json_t *list = NULL;

	ok(facts_list(&r->d->svc, &r->node, 1000, &list));
	size_t n = json_array_size(list);
	if (ret_list != NULL)
		*ret_list = list;
	else
		json_decref(list);
	return n;
}

static void expect_changes(struct room *r, const char *since, const char *want)
{
	json_t *diff = NULL;
	json_t *wanted = json_loads(want, 0, NULL);

	ok(facts_diff(&r->d->svc, &r->node, since, &diff));
	char *got = json_dumps(json_object_get(diff, "changes"), JSON_COMPACT);
	if (!json_equal(json_object_get(diff, "changes"), wanted))
		print_error("changes: %s\n", got);
	assert_true(json_equal(json_object_get(diff, "changes"), wanted));
	free(got);
	json_decref(wanted);
	json_decref(diff);
}

static void a_snapshot_is_kept_only_when_something_changed(void **state)
{
	struct room *r = *state;

	took(r, "{\"kernel_version\":\"6.1\",\"clock_ms\":1}");
	took(r, "{\"kernel_version\":\"6.1\",\"clock_ms\":2}");
	assert_int_equal(snapshots(r, NULL), 1);
	took(r, "{\"kernel_version\":\"6.2\"}");
	assert_int_equal(snapshots(r, NULL), 2);
	expect_changes(r, NULL,
		"[{\"fact\":\"kernel_version\",\"before\":\"6.1\",\"after\":\"6.2\"}]");
}

static void what_was_not_read_this_time_stays_known(void **state)
{
	struct room *r = *state;
	json_t *list = NULL;

	took(r, "{\"kernel_version\":\"6.1\",\"machine_id\":\"a\"}");
	took(r, "{\"kernel_version\":null,\"cpu_cores\":4,\"os\":{\"name\":\"Debian 12\"}}");
	assert_int_equal(snapshots(r, &list), 2);
	json_t *want = json_pack("{s:s, s:s, s:i, s:s}", "kernel_version", "6.1", "machine_id", "a",
		"cpu_cores", 4, "os_version", "Debian 12");
	assert_true(json_equal(json_object_get(json_array_get(list, 0), "facts"), want));
	json_decref(want);
	json_decref(list);
}

static void microk8s_that_was_removed_is_no_fact_any_more(void **state)
{
	struct room *r = *state;

	took(r, "{\"cpu_cores\":4,\"microk8s_version\":\"v1.32.9\",\"role\":\"worker\"}");
	took(r, "{\"microk8s_status\":\"not_installed\",\"microk8s_version\":null,\"role\":\"none\"}");
	expect_changes(r, NULL,
		"[{\"fact\":\"microk8s_version\",\"before\":\"v1.32.9\",\"after\":null},"
		"{\"fact\":\"role\",\"before\":\"worker\",\"after\":null}]");
}

static void one_operation_makes_one_snapshot(void **state)
{
	struct room *r = *state;
	int64_t op = took(r, "{\"cpu_cores\":4}");
	json_t *more = json_pack("{s:i}", "memory_bytes", 1024);

	TX(r->d, facts_take(&r->d->svc, r->node.id, op, more));
	json_decref(more);
	assert_int_equal(snapshots(r, NULL), 1);
}

static void packages_and_disks_are_compared_one_by_one(void **state)
{
	struct room *r = *state;

	took(r, "{\"packages\":{\"sudo\":\"1\",\"snapd\":\"2\"},\"disks\":{\"sda\":10}}");
	took(r, "{\"packages\":{\"sudo\":\"1\",\"snapd\":\"3\",\"lvm2\":\"4\"},\"disks\":{}}");
	expect_changes(r, NULL,
		"[{\"fact\":\"disks.sda\",\"before\":10,\"after\":null},"
		"{\"fact\":\"packages.snapd\",\"before\":\"2\",\"after\":\"3\"},"
		"{\"fact\":\"packages.lvm2\",\"before\":null,\"after\":\"4\"}]");
}

static void since_takes_the_snapshot_that_was_the_newest_then(void **state)
{
	struct room *r = *state;

	took(r, "{\"kernel_version\":\"1\"}"); /* three minutes before the end */
	took(r, "{\"kernel_version\":\"2\"}");
	took(r, "{\"kernel_version\":\"3\"}");
	r->d->clock.fake_ms += 30000;
	expect_changes(r, "45s",
		"[{\"fact\":\"kernel_version\",\"before\":\"2\",\"after\":\"3\"}]");
	expect_changes(r, "365d",
		"[{\"fact\":\"kernel_version\",\"before\":\"1\",\"after\":\"3\"}]");
	expect_changes(r, "0s", "[]");
	expect_changes(r, "2000-01-01T00:00:00Z",
		"[{\"fact\":\"kernel_version\",\"before\":\"1\",\"after\":\"3\"}]");
	json_t *diff = NULL;
	expect_code(facts_diff(&r->d->svc, &r->node, "yesterday", &diff), ERR_INVALID);
}

static void a_node_that_was_never_read_has_nothing_to_compare(void **state)
{
	struct room *r = *state;
	json_t *diff = NULL;

	took(r, "{\"clock_ms\":1}");
	assert_int_equal(snapshots(r, NULL), 0);
	expect_code(facts_diff(&r->d->svc, &r->node, NULL, &diff), ERR_NOT_FOUND);
}

static void old_snapshots_make_room_and_go_with_their_node(void **state)
{
	struct room *r = *state;
	int64_t n = 0;
	char text[64];

	for (int i = 1; i <= 103; i++) {
		snprintf(text, sizeof(text), "{\"cpu_cores\":%d}", i);
		took(r, text);
	}
	assert_int_equal(snapshots(r, NULL), 100);
	expect_changes(r, "365d", "[{\"fact\":\"cpu_cores\",\"before\":4,\"after\":103}]");
	TX(r->d, node_remove(&r->d->svc, &test_admin, "n1", true));
	ok(store_count(r->d->svc.store, &facts_type, NULL, &n));
	assert_int_equal(n, 0);
}

TEST_MAIN(FACTS_TEST(a_snapshot_is_kept_only_when_something_changed),
	FACTS_TEST(what_was_not_read_this_time_stays_known),
	FACTS_TEST(microk8s_that_was_removed_is_no_fact_any_more),
	FACTS_TEST(one_operation_makes_one_snapshot),
	FACTS_TEST(packages_and_disks_are_compared_one_by_one),
	FACTS_TEST(since_takes_the_snapshot_that_was_the_newest_then),
	FACTS_TEST(a_node_that_was_never_read_has_nothing_to_compare),
	FACTS_TEST(old_snapshots_make_room_and_go_with_their_node))
