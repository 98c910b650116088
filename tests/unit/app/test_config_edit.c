/* Editing one value of a configuration file: everything else stays as it was written. */
#include "testing.h"

#include <string.h>

#include "app/config_edit.h"
#include "base/mem.h"
#include "testing_err.h"

static const char file[] = "# mine\n"
			   "data_dir: /srv/mko  # big disk\n"
			   "\n"
			   "web:\n"
			   "    # beyond this machine: \xc3\xa4\n"
			   "    listen: \"0.0.0.0:5000\"   # see above\n"
			   "    session_hours: 4\n"
			   "log:\n"
			   "  # level: debug\n";

static void edits(const char *text, const char *key, const char *value, const char *want)
{
	char *got = NULL;
	struct err *e = config_edit("f", text, key, value, &got);

	if (e != NULL)
		fail_msg("%s: %s", key, err_message(e));
	assert_string_equal(got, want);
	mem_free(got);
}

/* Like `file`, with one line replaced, inserted or removed. */
static void edits_file(const char *key, const char *value, const char *old, const char *new)
{
	const char *at = strstr(file, old);

	assert_non_null(at);
	cleanup(mem_freep) char *want =
		mem_printf("%.*s%s%s", (int)(at - file), file, new, at + strlen(old));
	edits(file, key, value, want);
}

static void a_value_is_replaced_and_its_comment_stays(void **state)
{
	(void)state;
	edits_file("web.listen", "127.0.0.1:80", "\"0.0.0.0:5000\"   # see",
		"127.0.0.1:80   # see");
	edits_file("web.session_hours", "8", "session_hours: 4\n", "session_hours: 8\n");
	edits_file("data_dir", "/data", "/srv/mko  #", "/data  #");
}

static void a_new_key_goes_below_its_section_with_its_indent(void **state)
{
	(void)state;
	edits_file("web.body_max_bytes", "5000", "session_hours: 4\n",
		"session_hours: 4\n    body_max_bytes: 5000\n");
	edits_file("log.level", "info", "log:\n", "log:\n  level: info\n");
}

static void a_new_section_goes_to_the_end(void **state)
{
	(void)state;
	edits_file("audit.keep_days", "30", "  # level: debug\n",
		"  # level: debug\n\naudit:\n  keep_days: 30\n");
	edits("", "audit.keep_days", "30", "audit:\n  keep_days: 30\n");
	edits("log:\n  level: info", "audit.keep_days", "30",
		"log:\n  level: info\n\naudit:\n  keep_days: 30\n");
	edits("log:\n  level: info", "log.level", "debug", "log:\n  level: debug");
	edits("# nothing yet\n", "data_dir", "/data", "# nothing yet\ndata_dir: /data\n");
}

static void a_key_without_a_value_gets_one(void **state)
{
	(void)state;
	edits("web:\n  tls_cert:\n", "web.tls_cert", "/c.pem", "web:\n  tls_cert: /c.pem\n");
	edits("web:\n  tls_cert: # none\n", "web.tls_cert", "/c.pem",
		"web:\n  tls_cert: /c.pem # none\n");
}

static void a_key_is_removed_with_its_line(void **state)
{
	(void)state;
	edits_file("web.session_hours", NULL, "    session_hours: 4\n", "");
	edits_file("audit.keep_days", NULL, "# mine\n", "# mine\n");
}

static void refuses(const char *text, const char *key, const char *why)
{
	char *got = NULL;
	struct err *e = config_edit("f", text, key, "1", &got);

	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_CONFLICT);
	if (strstr(err_message(e), why) == NULL)
		fail_msg("%s", err_message(e));
	assert_non_null(err_hint_text(e));
	err_free(e);
}

static void what_cannot_be_edited_safely_is_refused_with_the_line(void **state)
{
	(void)state;
	refuses("log:\r  level: info\r", "log.level", "f:1: the file has ends of lines");
	refuses("\xef\xbb\xbflog:\n  level: info\n", "log.level", "f:1: the file has ends");
	refuses("log:\n  level: *info\n", "log.level", "f:1: the file is not as expected");
	refuses("log: {level: info}\n", "log.level", "f:1: the section is written in braces");
	refuses("log:\n  level:\n    info\n", "log.level",
		"f:2: the value does not stand on the line");
	refuses("log:\n  level: >\n    info\n", "log.level", "f:2: the value");
}

TEST_MAIN(cmocka_unit_test(a_value_is_replaced_and_its_comment_stays),
	cmocka_unit_test(a_new_key_goes_below_its_section_with_its_indent),
	cmocka_unit_test(a_new_section_goes_to_the_end),
	cmocka_unit_test(a_key_without_a_value_gets_one),
	cmocka_unit_test(a_key_is_removed_with_its_line),
	cmocka_unit_test(what_cannot_be_edited_safely_is_refused_with_the_line))
