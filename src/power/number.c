/* Decimal numbers without floats: the same text gives the same number on every machine. */
#include "power/number.h"

#define CHARGE_MAX_PCT 100
#define RUNTIME_MAX_S 604800
#define WHOLE_MAX INT64_C(1000000000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/** Digits before the point; a value above WHOLE_MAX stays there. */
static const char *read_whole(const char *p, int64_t *ret_whole)
{
	int64_t whole = 0;

	for (; is_digit(*p); p++)
		whole = whole < WHOLE_MAX ? whole * 10 + (*p - '0') : WHOLE_MAX;
	*ret_whole = whole;
	return p;
}

/** Digits after the point as thousandths; also says whether anything is left below them. */
static const char *read_fraction(const char *p, int64_t *ret_thousandths, bool *ret_more)
{
	int64_t unit = 100;

	for (; is_digit(*p); p++) {
		*ret_thousandths += (*p - '0') * unit;
		*ret_more = *ret_more || (unit == 0 && *p != '0');
		unit /= 10;
	}
	return p;
}

int64_t power_number(const char *text, int64_t max)
{
	int64_t whole = 0;
	int64_t thousandths = 0;
	bool more = false;

	if (text == NULL)
		return I64_NONE;
	while (is_blank(*text))
		text++;
	if (!is_digit(*text))
		return I64_NONE;
	const char *p = read_whole(text, &whole);
	if (*p == '.') {
		if (!is_digit(p[1]))
			return I64_NONE;
		p = read_fraction(p + 1, &thousandths, &more);
	}
	while (is_blank(*p))
		p++;
	if (*p != '\0' || whole > max || (whole == max && (thousandths > 0 || more)))
		return I64_NONE;
	return whole * 1000 + thousandths;
}

int64_t power_charge(const char *text)
{
	return power_number(text, CHARGE_MAX_PCT);
}

int64_t power_runtime_ms(const char *text)
{
	return power_number(text, RUNTIME_MAX_S);
}
