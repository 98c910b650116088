/* base/err: chains, hints, fields, codes. */
#include "testing.h"

#include <string.h>

#include <errno.h>

#include "base/mem.h"
#include "testing_err.h"

static void messages_chain_from_outer_to_inner(void **state)
{
	(void)state;
	struct err *e = err_new(ERR_NOT_FOUND, "no node %d", 7);
	e = err_wrap(e, "load %s", "n7");
	e = err_wrap(e, "start");
	assert_string_equal(err_message(e), "start: load n7: no node 7");
	assert_int_equal(err_code(e), ERR_NOT_FOUND);
	assert_non_null(strstr(err_origin(e), "test_err.c:"));
	err_free(e);
}

static void success_passes_through_untouched(void **state)
{
	(void)state;
	assert_null(err_wrap(NULL, "x"));
	assert_null(err_hint(NULL, "x"));
	assert_null(err_recode(NULL, ERR_IO));
	err_free(NULL);
	err_ignore(NULL);
}

static void the_first_hint_is_kept(void **state)
{
	(void)state;
	struct err *e = err_new(ERR_INVALID, "x");
	assert_null(err_hint_text(e));
	e = err_hint(err_hint(e, "try %s", "this"), "try that");
	assert_string_equal(err_hint_text(e), "try this");
	err_free(e);
}

static void all_wrong_fields_are_collected(void **state)
{
	(void)state;
	const char *message = NULL;
	struct err *e = err_field(NULL, "a", "is %s", "bad");
	e = err_field(e, "b.c", "is worse");
	assert_int_equal(err_code(e), ERR_INVALID);
	assert_int_equal(err_field_count(e), 2);
	assert_string_equal(err_field_at(e, 1, &message), "b.c");
	assert_string_equal(message, "is worse");
	assert_string_equal(err_message(e), "a: is bad; b.c: is worse");
	err_free(e);
}

static void the_number_of_wrong_fields_is_bounded(void **state)
{
	struct err *e = NULL;

	(void)state;
	for (int i = 0; i < 10 * ERR_FIELDS_MAX; i++)
		e = err_field(e, "f", "wrong %d", i);
	assert_int_equal(err_field_count(e), ERR_FIELDS_MAX);
	assert_true(strlen(err_message(e)) < (size_t)ERR_FIELDS_MAX * 20);
	err_free(e);
}

static void a_field_can_be_added_to_an_error_with_its_own_text(void **state)
{
	(void)state;
	const char *message = NULL;
	struct err *e = err_field(err_new(ERR_EXISTS, "n1 exists"), "hostname", "is taken");
	assert_string_equal(err_message(e), "n1 exists");
	assert_int_equal(err_code(e), ERR_EXISTS);
	assert_string_equal(err_field_at(e, 0, &message), "hostname");
	err_free(e);
}

static void errno_values_become_codes(void **state)
{
	(void)state;
	static const struct {
		int errnum;
		enum err_code code;
	} cases[] = {{ENOENT, ERR_NOT_FOUND}, {ENOSPC, ERR_UNAVAILABLE}, {EROFS, ERR_UNAVAILABLE},
		{EACCES, ERR_FORBIDDEN}, {EIO, ERR_IO}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_says(err_errno(cases[i].errnum, "open %s", "f"), cases[i].code, "open f: ");
}

static void every_code_has_name_status_and_exit_code(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_N_; i++) {
		enum err_code code = (enum err_code)i;
		assert_int_equal(err_code_from_slug(err_slug(code)), code);
		assert_in_range(err_http_status(code), 200, 599);
		assert_in_range(err_exit_code(code), 1, 70);
	}
	assert_int_equal(err_code_from_slug("nonsense"), ERR_INTERNAL);
	assert_int_equal(err_exit_code(ERR_INTERNAL), 70);
	assert_int_equal(err_exit_code(ERR_LOCKED), 4);
}

static struct err *fails_inside(int fail)
{
	TRY_WRAP(fail ? err_new(ERR_IO, "inner") : NULL, "outer %d", fail);
	return NULL;
}

static void try_returns_the_error_at_once(void **state)
{
	(void)state;
	assert_ok(fails_inside(0));
	assert_says(fails_inside(3), ERR_IO, "outer 3: inner");
}

TEST_MAIN(cmocka_unit_test(messages_chain_from_outer_to_inner),
	cmocka_unit_test(success_passes_through_untouched),
	cmocka_unit_test(the_first_hint_is_kept), cmocka_unit_test(all_wrong_fields_are_collected),
	cmocka_unit_test(the_number_of_wrong_fields_is_bounded),
	cmocka_unit_test(a_field_can_be_added_to_an_error_with_its_own_text),
	cmocka_unit_test(errno_values_become_codes),
	cmocka_unit_test(every_code_has_name_status_and_exit_code),
	cmocka_unit_test(try_returns_the_error_at_once))
