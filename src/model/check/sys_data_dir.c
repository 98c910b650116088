/* Nobody else can read the database and the key. */
#include "model/check/check.h"

#include <string.h>

/* False when the rights are right. */
static bool is_open(const struct check_node *node, const char *path, const char *mode_path,
	const char *own_path, struct str *found)
{
	const char *mode = said_text(node, mode_path);

	if (mode != NULL && strlen(mode) == 4 && strcmp(mode + 2, "00") == 0 &&
		said_truth(node, own_path) == 1)
		return false;
	check_say(found, CHECK_FAIL, "%s has the rights %s%s.", path, mode != NULL ? mode : "?",
		said_truth(node, own_path) == 0 ? " and another owner" : "");
	return true;
}

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	(void)run;
	if (said_text(node, "data_dir.mode") == NULL)
		return CHECK_UNKNOWN;
	if (is_open(node, "The data directory", "data_dir.mode", "data_dir.own", found) ||
		(said_text(node, "key.mode") != NULL &&
			is_open(node, "secret.key", "key.mode", "key.own", found)))
		return CHECK_FAIL;
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"data_dir\":{\"mode\":\"0700\",\"own\":true},\"key\":{\"mode\":\"0600\",\"own\":true}}",
		CHECK_PASS, NULL},
	{"{\"data_dir\":{\"mode\":\"0755\",\"own\":true}}", CHECK_FAIL,
		"data directory has the rights 0755"},
	{"{\"data_dir\":{\"mode\":\"0700\",\"own\":true},\"key\":{\"mode\":\"0640\",\"own\":true}}",
		CHECK_FAIL, "secret.key"},
	{"{\"data_dir\":{\"mode\":\"0700\",\"own\":false}}", CHECK_FAIL, "another owner"},
	{"{\"data_dir\":null}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_data_dir, vectors, .code = "MKO-SYS-004", .title = "Others can read what mko keeps",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 13,
	.expected =
		"a data directory and a key that only the user of the server can enter and read",
	.why = "With secret.key and the database anybody has the passwords and kubeconfigs in it.",
	.fix = "chmod 700 DATA_DIR && chmod 600 DATA_DIR/secret.key, as the user of the server",
	.test = test);
