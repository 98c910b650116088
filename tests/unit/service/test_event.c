/* Events are read in order, and old ones go. */
#include "testing.h"
#include "testing_err.h"

#include "domain.h"
#include "model/event.h"
#include "service/event.h"

static void events_follow_each_other(void **state)
{
	struct test_domain *d = *state;
	struct store_rows rows;
	int64_t oldest = -1, newest = -1;

	ok(event_range(&d->svc, &oldest, &newest));
	assert_int_equal(newest, 0);
	for (int i = 0; i < 5; i++)
		TX(d,
			event_publish(&d->svc, "nodes", "node.update", i,
				json_pack("{s:i}", "n", i)));
	assert_true(d->svc.events_pending);
	ok(event_range(&d->svc, &oldest, &newest));
	assert_int_equal(oldest, 1);
	assert_int_equal(newest, 5);
	ok(event_list(&d->svc, 2, 2, &rows));
	assert_int_equal(rows.n, 2);
	assert_true(rows.more);
	assert_int_equal(((const struct event *)store_row(&rows, 0))->id, 3);
	store_rows_done(&rows);
}

static void old_events_are_removed_in_time(void **state)
{
	struct test_domain *d = *state;
	int64_t oldest = 0, newest = 0;

	ok(store_begin(d->svc.store));
	for (int i = 0; i < EVENT_KEEP + 2000; i++)
		ok(event_publish(&d->svc, "nodes", "x", I64_NONE, NULL));
	ok(store_commit(d->svc.store));
	ok(event_range(&d->svc, &oldest, &newest));
	assert_int_equal(newest, EVENT_KEEP + 2000);
	assert_int_equal(newest - oldest + 1, EVENT_KEEP);
}

TEST_MAIN(DOMAIN_TEST(events_follow_each_other), DOMAIN_TEST(old_events_are_removed_in_time))
