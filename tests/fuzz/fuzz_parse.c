/* Fuzzes the parsers of room base: every text is taken or refused, and what was taken is within its
 * promise. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/suggest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const check_fn checks[] = {check_hostname, check_ip, check_cidr, check_user, check_name,
	check_account, check_channel, check_key_path, check_mac, check_addon, check_line,
	check_text};

static void numbers(const char *text)
{
	int64_t n = 0;
	bool yes = false;
	struct err *e = parse_i64(text, -5, 5, &n);
	if (e == NULL && (n < -5 || n > 5))
		abort();
	err_free(e);
	e = parse_duration_ms(text, &n);
	if (e == NULL && n < 0)
		abort();
	err_free(e);
	e = parse_size(text, &n);
	if (e == NULL && n < 0)
		abort();
	err_free(e);
	err_free(parse_bool(text, &yes));
}

/* A time that was understood survives being written and read again. */
static void times(const char *text)
{
	int64_t ms = 0;
	int64_t again = 0;
	char written[CLOCK_TEXT_SIZE];

	if (clock_parse(text, &ms) != 0)
		return;
	clock_format(ms, written);
	if (clock_parse(written, &again) == 0 && again != ms)
		abort();
}

static void quoting(const char *text)
{
	struct str s = STR_INIT;
	str_add_json(&s, text);
	str_add_csv(&s, text);
	str_add_shell(&s, text);
	str_add_printable(&s, text);
	str_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return 0;
	char *text = mem_strndup((const char *)data, size);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		err_free(checks[i](text));
	struct err *e = check_cidr(text);
	if (e == NULL && !cidr_overlap(text, text))
		abort();
	err_free(e);
	numbers(text);
	times(text);
	quoting(text);
	struct suggest s = suggest_start(text);
	suggest_try(&s, "cluster");
	mem_free(text);
	return 0;
}
