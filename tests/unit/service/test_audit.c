/* The chain finds every way of changing history. */
#include "testing.h"
#include "testing_err.h"

#include "domain.h"
#include "model/account.h"
#include "service/audit.h"

#define ROWS 5

static int make(void **state)
{
	assert_int_equal(test_domain_make(state), 0);
	struct test_domain *d = *state;
	for (int i = 1; i <= ROWS; i++) {
		cleanup(mem_freep) char *object = mem_printf("thing/%d", i);
		TX(d,
			audit_write(&d->svc, &test_admin, "thing.edit", object,
				json_pack("{s:i}", "n", i), "ok"));
	}
	return 0;
}

static int64_t bad_row(struct test_domain *d)
{
	struct audit_report report;

	ok(audit_verify(&d->svc, &report));
	return report.bad_id;
}

static void a_whole_chain_is_proved(void **state)
{
	struct test_domain *d = *state;
	struct audit_report report;

	ok(audit_verify(&d->svc, &report));
	assert_int_equal(report.rows, ROWS);
	assert_int_equal(report.bad_id, I64_NONE);
	assert_int_equal(strlen(report.head), 64);
}

static void a_changed_row_is_found(void **state)
{
	struct test_domain *d = *state;
	struct audit row;

	ok(store_get(d->svc.store, &audit_type, 3, &row));
	field_set_text(&row.object, "thing/33");
	TX(d, store_update(d->svc.store, &audit_type, &row));
	record_done(&audit_type, &row);
	assert_int_equal(bad_row(d), 3);
}

static void a_removed_row_is_found(void **state)
{
	struct test_domain *d = *state;

	TX(d, store_delete(d->svc.store, &audit_type, 2));
	assert_int_equal(bad_row(d), 3);
}

static void a_removed_beginning_is_found(void **state)
{
	struct test_domain *d = *state;

	TX(d, store_delete(d->svc.store, &audit_type, 1));
	assert_int_equal(bad_row(d), 2);
}

static void two_swapped_rows_are_found(void **state)
{
	struct test_domain *d = *state;
	struct audit a, b;

	ok(store_get(d->svc.store, &audit_type, 2, &a));
	ok(store_get(d->svc.store, &audit_type, 3, &b));
	a.id = 3;
	b.id = 2;
	TX(d, store_update(d->svc.store, &audit_type, &a));
	TX(d, store_update(d->svc.store, &audit_type, &b));
	record_done(&audit_type, &a);
	record_done(&audit_type, &b);
	assert_int_equal(bad_row(d), 2);
}

static void text_cannot_move_from_one_column_to_the_next(void **state)
{
	struct test_domain *d = *state;
	struct audit row;

	ok(store_get(d->svc.store, &audit_type, 4, &row));
	field_set_text(&row.action, "thing.editth");
	field_set_text(&row.object, "ing/4");
	TX(d, store_update(d->svc.store, &audit_type, &row));
	record_done(&audit_type, &row);
	assert_int_equal(bad_row(d), 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, test_domain_drop)
TEST_MAIN(T(a_whole_chain_is_proved), T(a_changed_row_is_found), T(a_removed_row_is_found),
	T(a_removed_beginning_is_found), T(two_swapped_rows_are_found),
	T(text_cannot_move_from_one_column_to_the_next))
