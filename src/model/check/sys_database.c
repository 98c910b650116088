/* The database is whole. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *problem = said_text(node, "database");
	int whole = said_truth(node, "database");

	(void)run;
	if (whole == 1)
		return CHECK_PASS;
	return problem != NULL ? check_say(found, CHECK_FAIL, "%s", problem) : CHECK_UNKNOWN;
}

static const struct check_vector vectors[] = {
	{"{\"database\":true}", CHECK_PASS, NULL},
	{"{\"database\":\"the database is damaged: page 7\"}", CHECK_FAIL, "page 7"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(sys_database, vectors, .code = "MKO-SYS-006", .title = "The database is damaged",
	.severity = CHECK_BLOCKING, .uses = CHECK_SERVER, .rank = 15,
	.expected = "a database whose pages and references are whole",
	.why = "What is damaged may be lost, and what reads it may fail.",
	.fix = "Stop the server, keep a copy of the data directory, and put back a backup of it",
	.test = test);
