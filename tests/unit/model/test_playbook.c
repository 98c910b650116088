/* model/playbook: metadata is taken or refused by line and column, all faults at once. */
#include "testing.h"
#include "testing_err.h"

#include "base/mem.h"
#include "model/playbook.h"
#include "model/yaml.h"

static struct err *read_text(const char *text, struct playbook_meta *meta)
{
	struct yaml_file file = {0};
	struct err *e = yaml_read("m.yml", text, strlen(text), &file);

	if (e == NULL)
		e = yaml_locate(&file, &file.docs[0], playbook_meta_read(file.docs[0].json, meta));
	yaml_done(&file);
	return e;
}

#define HEAD "title: Trim disks\ntarget: node\nrisk: change\n"

static void a_whole_file_is_read(void **state)
{
	(void)state;
	struct playbook_meta m = {.id = 0};
	assert_ok(read_text(HEAD
		"summary: Give back what is free.\ntimeout: 10m\ncheck_mode: true\nbefore: [cluster.setup]\nvariables:\n"
		"  - {name: level, type: choice, choices: [low, high], default: low, help: How much}\n"
		"  - {name: percent, type: integer, min: 1, max: 99, default: 5}\n  - {name: verbose, type: boolean}\n",
		&m));
	assert_string_equal(m.title, "Trim disks");
	assert_int_equal(m.timeout_s, 600);
	must(m.vars != NULL && m.n_vars == 3);
	assert_string_equal(m.vars[1].def, "5");
	playbook_meta_done(&m);
	assert_ok(read_text(HEAD "timeout: 90\n", &m));
	assert_int_equal(m.timeout_s, 90);
	playbook_meta_done(&m);
}

static void every_fault_has_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *where, *says;
	} cases[] = {
		{"target: node\nrisk: read\n", "m.yml:1:1", "title: is required"},
		{HEAD "titlex: x\n", "m.yml:4:1", "did you mean \"title\""},
		{HEAD "timeout: soon\n", "m.yml:4:1", "timeout"},
		{HEAD "timeout: 3d\n", "m.yml:4:1", "between 1s and 24h"},
		{"title: x\ntarget: moon\nrisk: read\n", "m.yml:2:1", "target"},
		{HEAD "variables:\n  - {name: ansible_user}\n", "m.yml:5:6", "taken"},
		{HEAD "variables:\n  - {name: Big}\n", "m.yml:5:6", "a-z"},
		{HEAD "variables:\n  - {name: a}\n  - {name: a}\n", "m.yml:6:6", "twice"},
		{HEAD "variables:\n  - {name: a, type: choice}\n", "m.yml:5:5",
			"choices: is required"},
		{HEAD "variables:\n  - {name: a, type: choice, choices: [x], default: y}\n",
			"m.yml:5:43", "none of the choices"},
		{HEAD "variables:\n  - {name: a, type: integer, default: x}\n", "m.yml:5:30",
			"is no integer"},
		{HEAD "variables:\n  - {name: a, required: true, default: x}\n", "m.yml:5:31",
			"no default"},
		{HEAD "variables:\n  - {name: a, type: boolean, max: 3}\n", "m.yml:5:30", "limits"},
		{HEAD "variables: [5]\n", "m.yml:4:13", "mapping"},
		{HEAD "variables: {a: 1}\n", "m.yml:4:1", "array"},
		{HEAD "before: [cluster.setup]\nafter: [cluster.setup]\n", "m.yml:5:9",
			"in before already"},
		{HEAD "before: [cluster.setup]\nvariables: [{name: a, required: true}]\n",
			"m.yml:5:23", "nobody gives"},
		{"- a\n", "m.yml:1:1", "mapping"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct playbook_meta m = {.id = 0};
		const char *message = "";
		struct err *e = read_text(cases[i].text, &m);
		assert_non_null(e);
		const char *where = err_field_count(e) > 0 ? err_field_at(e, 0, &message) : "-";
		if (strcmp(where, cases[i].where) != 0 || strstr(message, cases[i].says) == NULL)
			fail_msg("case %zu: %s %s", i, where, message);
		err_free(e);
	}
}

TEST_MAIN(cmocka_unit_test(a_whole_file_is_read), cmocka_unit_test(every_fault_has_its_place))
