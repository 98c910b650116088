/* model/operation: the allowed moves, all pairs. */
#include "testing.h"

#include "base/mem.h"
#include "model/operation.h"

static void only_queued_and_running_can_move(void **state)
{
	(void)state;
	/* rows: from, columns: to, in the order of enum op_status */
	static const char *const may[OP_STATUS_N_] = {
		[OP_QUEUED] = ".R..FCT.",
		[OP_RUNNING] = "..SPFCTI",
		[OP_SUCCEEDED] = "........",
		[OP_PARTIAL] = "........",
		[OP_FAILED] = "........",
		[OP_CANCELLED] = "........",
		[OP_TIMED_OUT] = "........",
		[OP_INTERRUPTED] = "........",
	};
	for (int from = 0; from < OP_STATUS_N_; from++)
		for (int to = 0; to < OP_STATUS_N_; to++)
			assert_int_equal(op_status_may(from, to), may[from][to] != '.');
}

static void a_status_is_final_when_nothing_leads_out_of_it(void **state)
{
	(void)state;
	for (int from = 0; from < OP_STATUS_N_; from++) {
		bool out = false;
		for (int to = 0; to < OP_STATUS_N_; to++)
			out = out || op_status_may(from, to);
		assert_int_equal(op_status_final(from), !out);
	}
	assert_true(op_status_final(OP_SUCCEEDED));
	assert_false(op_status_final(OP_QUEUED));
}

static void every_final_status_can_be_reached(void **state)
{
	(void)state;
	for (int to = 0; to < OP_STATUS_N_; to++)
		assert_true(to == OP_QUEUED || op_status_may(OP_QUEUED, to) ||
			op_status_may(OP_RUNNING, to));
}

static void numbers_that_are_no_status_go_nowhere(void **state)
{
	(void)state;
	static const int64_t bad[] = {-1, OP_STATUS_N_, 32, 64, INT64_MAX, I64_NONE};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(op_status_final(bad[i]));
		assert_false(op_status_may(OP_RUNNING, bad[i]));
		assert_false(op_status_may(bad[i], OP_RUNNING));
	}
}

static void every_value_has_a_name(void **state)
{
	(void)state;
	assert_int_equal(enum_count(&op_status_table), OP_STATUS_N_);
	assert_int_equal(enum_count(&op_host_status_table), OP_HOST_UNKNOWN + 1);
	assert_int_equal(enum_count(&op_target_table), OP_TARGET_NODES + 1);
	assert_int_equal(enum_count(&op_via_table), OP_VIA_SCHEDULE + 1);
	assert_string_equal(enum_text(&op_status_table, OP_TIMED_OUT), "timed_out");
}

static void clients_change_nothing(void **state)
{
	(void)state;
	const struct record_type *const types[] = {&operation_type, &op_host_type, &op_lock_type};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (size_t k = 0; k < types[i]->n_fields; k++)
			assert_int_equal(types[i]->fields[k].flags & FIELD_EDIT, 0);
}

TEST_MAIN(cmocka_unit_test(only_queued_and_running_can_move),
	cmocka_unit_test(a_status_is_final_when_nothing_leads_out_of_it),
	cmocka_unit_test(every_final_status_can_be_reached),
	cmocka_unit_test(numbers_that_are_no_status_go_nowhere),
	cmocka_unit_test(every_value_has_a_name), cmocka_unit_test(clients_change_nothing))
