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

static void a_cut_off_end_is_found(void **state)
{
	struct test_domain *d = *state;

	TX(d, store_delete(d->svc.store, &audit_type, ROWS));
	assert_int_equal(bad_row(d), ROWS);
	TX(d, store_delete(d->svc.store, &audit_type, ROWS - 1));
	assert_int_equal(bad_row(d), ROWS);
}

static void drop_mark(struct test_domain *d, const char *key)
{
	struct store_query q = {.n_filters = 0};
	int64_t n = 0;

	store_where_text(&q, "key", STORE_EQ, key);
	TX(d, store_delete_where(d->svc.store, &configuration_type, &q, &n));
	assert_int_equal(n, 1);
}

static void write_row(struct test_domain *d)
{
	TX(d, audit_write(&d->svc, &test_admin, "thing.edit", "thing/9", NULL, "ok"));
}

static void a_removed_mark_is_found_and_not_healed_by_the_next_row(void **state)
{
	struct test_domain *d = *state;

	TX(d, store_delete(d->svc.store, &audit_type, ROWS));
	drop_mark(d, "audit_head");
	assert_int_equal(bad_row(d), ROWS - 1);
	write_row(d);
	assert_int_equal(bad_row(d), ROWS + 1);
}

static void a_mark_that_another_program_wrote_is_found(void **state)
{
	struct test_domain *d = *state;
	struct configuration row;

	TX(d, store_delete(d->svc.store, &audit_type, ROWS));
	ok(store_get_by(d->svc.store, &configuration_type, "key", "audit_head", &row));
	field_set_text(&row.value, "4 0000");
	TX(d, store_update(d->svc.store, &configuration_type, &row));
	record_done(&configuration_type, &row);
	assert_int_equal(bad_row(d), ROWS - 1);
}

static void a_rolled_back_row_leaves_no_gap(void **state)
{
	struct test_domain *d = *state;

	ok(store_begin(d->svc.store));
	ok(audit_write(&d->svc, &test_admin, "thing.edit", "thing/9", NULL, "ok"));
	store_rollback(d->svc.store);
	write_row(d);
	assert_int_equal(bad_row(d), I64_NONE);
}

/* Three rows of today after the old ones; the old ones are pruned. */
static int64_t prune(struct test_domain *d)
{
	int64_t n = 0;

	d->clock.fake_ms += 40LL * 86400000;
	for (int i = 0; i < 3; i++)
		write_row(d);
	TX(d, audit_prune(&d->svc, &test_admin, 30, &n));
	return n;
}

static void what_retention_leaves_is_proved(void **state)
{
	struct test_domain *d = *state;
	struct audit_report report;

	assert_int_equal(prune(d), ROWS);
	ok(audit_verify(&d->svc, &report));
	assert_int_equal(report.bad_id, I64_NONE);
	assert_int_equal(report.rows, 4); /* the last one tells of the removal */
	assert_int_equal(report.pruned, ROWS);
	int64_t n = 0;
	TX(d, audit_prune(&d->svc, &test_admin, 30, &n));
	assert_int_equal(n, 0);
}

static void more_than_retention_removed_is_found(void **state)
{
	struct test_domain *d = *state;

	prune(d);
	TX(d, store_delete(d->svc.store, &audit_type, ROWS + 1));
	assert_int_equal(bad_row(d), ROWS + 2);
}

static void a_removed_beginning_without_its_mark_is_found(void **state)
{
	struct test_domain *d = *state;

	prune(d);
	drop_mark(d, "audit_base");
	assert_int_equal(bad_row(d), ROWS + 1);
}

static void evidence_is_not_pruned(void **state)
{
	struct test_domain *d = *state;
	int64_t n = 0;

	TX(d, store_delete(d->svc.store, &audit_type, 2));
	d->clock.fake_ms += 40LL * 86400000;
	TX_FAILS(d, audit_prune(&d->svc, &test_admin, 30, &n), ERR_CONFLICT);
	assert_int_equal(n, 0);
	assert_int_equal(bad_row(d), 3);
}

static void the_newest_row_stays_and_zero_days_keep_all(void **state)
{
	struct test_domain *d = *state;
	int64_t n = 0;

	d->clock.fake_ms += 40LL * 86400000;
	TX(d, audit_prune(&d->svc, &test_admin, 0, &n));
	assert_int_equal(n, 0);
	TX(d, audit_prune(&d->svc, &test_admin, 30, &n));
	assert_int_equal(n, ROWS - 1);
	assert_int_equal(bad_row(d), I64_NONE);
}

/* Make the log look like one from before the marks, as the migration leaves it. */
static void make_old(struct test_domain *d)
{
	struct configuration row;

	drop_mark(d, "audit_head");
	record_init(&configuration_type, &row);
	field_set_text(&row.key, "audit_unsealed");
	field_set_text(&row.value, "5");
	TX(d, store_insert(d->svc.store, &configuration_type, &row));
	record_done(&configuration_type, &row);
}

static void an_old_log_is_sealed_once_and_proved_from_there(void **state)
{
	struct test_domain *d = *state;
	struct audit_report report;

	make_old(d);
	ok(audit_adopt(&d->svc));
	ok(audit_adopt(&d->svc));
	write_row(d);
	ok(audit_verify(&d->svc, &report));
	assert_int_equal(report.bad_id, I64_NONE);
	assert_int_equal(report.unproven, ROWS);
	assert_int_equal(report.rows, 2); /* the one that tells of the seal, and ours */
	TX(d, store_delete(d->svc.store, &audit_type, ROWS + 2));
	assert_int_equal(bad_row(d), ROWS + 2);
}

static void the_last_row_before_the_seal_is_pinned(void **state)
{
	struct test_domain *d = *state;

	make_old(d);
	ok(audit_adopt(&d->svc));
	assert_int_equal(bad_row(d), I64_NONE);
	TX(d, store_delete(d->svc.store, &audit_type, ROWS));
	assert_int_equal(bad_row(d), ROWS);
}

static void a_sealed_log_is_not_sealed_anew(void **state)
{
	struct test_domain *d = *state;
	struct configuration row;

	TX(d, store_delete(d->svc.store, &audit_type, ROWS));
	record_init(&configuration_type, &row);
	field_set_text(&row.key, "audit_unsealed"); /* forged */
	field_set_text(&row.value, "5");
	TX(d, store_insert(d->svc.store, &configuration_type, &row));
	record_done(&configuration_type, &row);
	ok(audit_adopt(&d->svc));
	assert_int_equal(bad_row(d), ROWS);
}

static void an_old_beginning_goes_with_retention(void **state)
{
	struct test_domain *d = *state;
	struct audit_report report;

	make_old(d);
	ok(audit_adopt(&d->svc));
	prune(d);
	ok(audit_verify(&d->svc, &report));
	assert_int_equal(report.bad_id, I64_NONE);
	assert_int_equal(report.unproven, 0);
	assert_int_equal(report.pruned, ROWS + 1);
}

static void a_change_tells_before_and_after(void **state)
{
	struct test_domain *d = *state;
	struct node node;
	struct audit row;
	int64_t id = test_add_node(d, 1, 0);
	cleanup(mem_freep) char *name = mem_printf("%lld", (long long)id);
	json_t *body = json_pack("{s:s, s:s}", "notes", "rack 2", "sudo_password", "hunter2");

	TX(d, node_edit(&d->svc, &test_admin, name, body, &node));
	json_decref(body);
	record_done(&node_type, &node);
	ok(store_get(d->svc.store, &audit_type, ROWS + 2, &row));
	json_t *before = json_object_get(row.detail, "before");
	json_t *after = json_object_get(row.detail, "after");
	assert_true(json_is_null(json_object_get(before, "notes")));
	assert_string_equal(json_string_value(json_object_get(after, "notes")), "rack 2");
	cleanup(mem_freep) char *text = json_dumps(row.detail, 0);
	assert_null(strstr(text, "hunter2"));
	record_done(&audit_type, &row);
	TX(d, node_remove(&d->svc, &test_admin, name, false));
	ok(store_get(d->svc.store, &audit_type, ROWS + 3, &row));
	assert_non_null(json_object_get(row.detail, "before"));
	assert_null(json_object_get(row.detail, "after"));
	record_done(&audit_type, &row);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, test_domain_drop)
TEST_MAIN(T(a_whole_chain_is_proved), T(a_changed_row_is_found), T(a_removed_row_is_found),
	T(a_removed_beginning_is_found), T(two_swapped_rows_are_found),
	T(text_cannot_move_from_one_column_to_the_next), T(a_cut_off_end_is_found),
	T(a_removed_mark_is_found_and_not_healed_by_the_next_row),
	T(a_mark_that_another_program_wrote_is_found), T(a_rolled_back_row_leaves_no_gap),
	T(what_retention_leaves_is_proved), T(more_than_retention_removed_is_found),
	T(a_removed_beginning_without_its_mark_is_found), T(evidence_is_not_pruned),
	T(the_newest_row_stays_and_zero_days_keep_all),
	T(an_old_log_is_sealed_once_and_proved_from_there),
	T(the_last_row_before_the_seal_is_pinned), T(a_sealed_log_is_not_sealed_anew),
	T(an_old_beginning_goes_with_retention), T(a_change_tells_before_and_after))
