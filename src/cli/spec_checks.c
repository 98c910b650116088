/* mko spec checks: every check of nodes and clusters, as a page and as JSON, from their table. */
#include "base/mem.h"
#include "cli/spec.h"
#include "model/check/check.h"

json_t *cli_spec_checks_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < checks_n; i++)
		json_array_append_new(list, check_json(checks[i]));
	return json_pack("{so}", "checks", list);
}

static void add_check(struct str *out, const struct check *check)
{
	str_addf(out, "\n### %s\n\n%s. Severity: %s.\n\n", check->code, check->title,
		enum_text(&check_severity_table, check->severity));
	str_addf(out, "- Expected: %s.\n- Why: %s\n- Fix: %s\n", check->expected, check->why,
		check->fix);
	if (check->operation != NULL)
		str_addf(out, "- Operation: `%s`\n", check->operation);
	if (check->link != NULL)
		str_addf(out, "- See: <%s>\n", check->link);
}

static void add_use(struct str *out, enum check_use use, const char *title)
{
	str_addf(out, "\n## %s\n\n| code | about | severity |\n| --- | --- | --- |\n", title);
	for (size_t i = 0; i < checks_n; i++)
		if (checks[i]->uses & (unsigned)use)
			str_addf(out, "| %s | %s | %s |\n", checks[i]->code, checks[i]->title,
				enum_text(&check_severity_table, checks[i]->severity));
}

void cli_spec_checks_markdown(struct str *out)
{
	str_adds(out,
		"# Checks\n\nMade by `mko spec checks` from the table of checks (src/model/check); do not edit. How to use them:\n"
		"[readiness and doctor](../guide/doctor.md). One of them on the command line: `mko system check-prerequisites --explain CODE`.\n");
	add_use(out, CHECK_PREREQUISITE, "Prerequisites: `mko system check-prerequisites`");
	add_use(out, CHECK_DOCTOR, "Problems: `mko doctor`");
	add_use(out, CHECK_SERVER, "The server itself: `mko system doctor`");
	str_adds(out, "\n## All\n");
	for (size_t i = 0; i < checks_n; i++)
		add_check(out, checks[i]);
}
