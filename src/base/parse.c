/* Owns parsing and validating of scalar input. No I/O, no state. */
#include "base/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

struct err *parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end = NULL;
	const char *digits = *text == '-' ? text + 1 : text;

	if (*digits < '0' || *digits > '9')
		return err_new(ERR_INVALID, "not a number");
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (*end != '\0')
		return err_new(ERR_INVALID, "not a number");
	if (errno == ERANGE || value < min || value > max)
		return err_new(ERR_INVALID, "must be between %lld and %lld", (long long)min,
			(long long)max);
	*ret = value;
	return NULL;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* NUMBER UNIT with a unit of the table; NULL-named row ends it. The empty name is the unit of a
 * plain number. */
static struct err *parse_united(const char *text, const struct unit *units, const char *what,
	int64_t max, int64_t *ret)
{
	size_t n = strspn(text, DIGIT);

	if (n == 0 || n > 15)
		return err_new(ERR_INVALID, "not a %s", what);
	int64_t value = strtoll(text, NULL, 10);
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (strcmp(text + n, u->name) != 0)
			continue;
		if (value > max / u->factor)
			return err_new(ERR_INVALID, "too large");
		*ret = value * u->factor;
		return NULL;
	}
	return err_new(ERR_INVALID, "not a %s", what);
}

struct err *parse_duration_ms(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{"ms", 1},
		{"", 1000},
		{"s", 1000},
		{"m", 60000},
		{"h", 3600000},
		{"d", 86400000},
		{NULL, 0},
	};

	return parse_united(text, units, "duration (use 30s, 5m, 2h, 7d)", INT64_C(3650) * 86400000,
		ret_ms);
}

struct err *parse_size(const char *text, int64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},
		{"B", 1},
		{"k", 1 << 10},
		{"KiB", 1 << 10},
		{"M", 1 << 20},
		{"MiB", 1 << 20},
		{"G", 1 << 30},
		{"GiB", 1 << 30},
		{"T", 1LL << 40},
		{"TiB", 1LL << 40},
		{NULL, 0},
	};

	return parse_united(text, units, "size (use 512M, 10G)", INT64_MAX, ret_bytes);
}

struct err *parse_bool(const char *text, bool *ret)
{
	static const struct {
		const char *text;
		bool value;
	} rows[] = {{"true", true}, {"yes", true}, {"on", true}, {"1", true}, {"false", false},
		{"no", false}, {"off", false}, {"0", false}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcasecmp(text, rows[i].text) == 0) {
			*ret = rows[i].value;
			return NULL;
		}
	}
	return err_new(ERR_INVALID, "must be true or false");
}

static bool only(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

static struct err *check_label(const char *label, size_t len)
{
	if (len == 0 || len > 63)
		return err_new(ERR_INVALID, "each part between dots must have 1 to 63 characters");
	if (label[0] == '-' || label[len - 1] == '-')
		return err_new(ERR_INVALID, "a part may not start or end with '-'");
	return NULL;
}

struct err *check_hostname(const char *text)
{
	if (*text == '\0' || strlen(text) > 253)
		return err_new(ERR_INVALID, "must have 1 to 253 characters");
	if (!only(text, LOWER DIGIT "-."))
		return err_new(ERR_INVALID,
			"only lower-case letters, digits, '-' and '.' are allowed (RFC 1123)");
	if (only(text, DIGIT "."))
		return err_new(ERR_INVALID, "must contain a letter");
	for (const char *p = text;; p++) {
		size_t n = strcspn(p, ".");
		TRY(check_label(p, n));
		p += n;
		if (*p == '\0')
			return NULL;
	}
}

/* What both a label's value and the name in its key are made of (Kubernetes, "Labels and
 * Selectors"). */
static bool is_label_word(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 63 && only(text, LOWER UPPER DIGIT "-_.") &&
		strchr("-_.", text[0]) == NULL && strchr("-_.", text[n - 1]) == NULL;
}

struct err *check_label_key(const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash != NULL) {
		cleanup(mem_freep) char *prefix = mem_strndup(text, (size_t)(slash - text));
		TRY_WRAP(check_hostname(prefix), "the part before '/'");
	}
	return is_label_word(slash != NULL ? slash + 1 : text)
		? NULL
		: err_new(ERR_INVALID,
			  "must be NAME or PREFIX/NAME; the name has 1 to 63 letters, digits, '-', '_' and '.', and starts and ends with a letter or digit");
}

struct err *check_label_value(const char *text)
{
	return *text == '\0' || is_label_word(text)
		? NULL
		: err_new(ERR_INVALID,
			  "must have at most 63 letters, digits, '-', '_' and '.', and start and end with a letter or digit");
}

static struct err *check_ipv4(const struct in_addr *addr)
{
	uint32_t a = ntohl(addr->s_addr);

	if (a == 0 || a == UINT32_MAX || a >> 28 == 14)
		return err_new(ERR_INVALID, "must be the address of one host");
	return NULL;
}

struct err *check_ip(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return check_ipv4(&v4);
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		if (IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_MULTICAST(&v6))
			return err_new(ERR_INVALID, "must be the address of one host");
		return NULL;
	}
	return err_new(ERR_INVALID,
		"not an IP address (write it in numbers, for example 192.168.1.10)");
}

struct network {
	unsigned char addr[16];
	int bits;   /* prefix length */
	int family; /* AF_INET or AF_INET6 */
};

static bool bit_at(const unsigned char *addr, int i)
{
	return (addr[i / 8] >> (7 - i % 8)) & 1;
}

static struct err *parse_network(const char *text, struct network *ret)
{
	char addr[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : 0;
	int64_t bits = 0;

	if (n == 0 || n >= sizeof(addr))
		return err_new(ERR_INVALID, "not a network (write it like 10.1.0.0/16)");
	memcpy(addr, text, n);
	*ret = (struct network){.family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET};
	if (inet_pton(ret->family, addr, ret->addr) != 1)
		return err_new(ERR_INVALID, "not a network (write it like 10.1.0.0/16)");
	int width = ret->family == AF_INET ? 32 : 128;
	TRY_WRAP(parse_i64(slash + 1, 1, width, &bits), "prefix length");
	ret->bits = (int)bits;
	for (int i = ret->bits; i < width; i++)
		if (bit_at(ret->addr, i))
			return err_new(ERR_INVALID, "the bits after the prefix must be zero");
	return NULL;
}

struct err *check_cidr(const char *text)
{
	struct network net;

	return parse_network(text, &net);
}

bool cidr_overlap(const char *a, const char *b)
{
	struct network na = {0};
	struct network nb = {0};
	struct err *e = parse_network(a, &na);

	if (e == NULL)
		e = parse_network(b, &nb);
	if (e != NULL || na.family != nb.family) {
		err_ignore(e); /* an invalid network overlaps with nothing; its own check reports it
				*/
		return false;
	}
	int bits = na.bits < nb.bits ? na.bits : nb.bits;
	for (int i = 0; i < bits; i++)
		if (bit_at(na.addr, i) != bit_at(nb.addr, i))
			return false;
	return true;
}

struct err *check_user(const char *text)
{
	if (*text == '\0' || strlen(text) > 32 || strchr(LOWER "_", *text) == NULL ||
		!only(text, LOWER DIGIT "_-"))
		return err_new(ERR_INVALID,
			"not a login name (lower-case letters, digits, '_' and '-', at most 32)");
	return NULL;
}

struct err *check_name(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 63 || !only(text, LOWER DIGIT ".-"))
		return err_new(ERR_INVALID,
			"must be 1 to 63 of lower-case letters, digits, '-' and '.'");
	if (!isalnum((unsigned char)text[0]) || !isalnum((unsigned char)text[n - 1]))
		return err_new(ERR_INVALID, "must start and end with a letter or digit");
	if (only(text, DIGIT))
		return err_new(ERR_INVALID, "must contain a letter (numbers are IDs)");
	return NULL;
}

struct err *check_account(const char *text)
{
	if (*text == '\0' || strlen(text) > 32 || strchr(LOWER, *text) == NULL ||
		!only(text, LOWER DIGIT "._-"))
		return err_new(ERR_INVALID,
			"must be 1 to 32 of lower-case letters, digits, '.', '_' and '-', and start with a letter");
	return NULL;
}

struct err *check_channel(const char *text)
{
	static const char *const risks[] = {"stable", "candidate", "beta", "edge"};
	size_t track = strcspn(text, "/");
	char risk[16] = "";

	if (track == 0 || strlen(text) > 64 || !only(text, LOWER DIGIT ".-/"))
		return err_new(ERR_INVALID, "not a snap channel (write it like 1.32/stable)");
	bool latest = track == strlen("latest") && strncmp(text, "latest", track) == 0;
	if (!isdigit((unsigned char)text[0]) && !latest)
		return err_new(ERR_INVALID,
			"the track must be a Kubernetes version such as 1.32, or latest");
	if (text[track] == '\0')
		return err_new(ERR_INVALID, "say the risk too, for example %s/stable", text);
	const char *rest = text + track + 1;
	size_t n = strcspn(rest, "/");
	const char *branch = rest[n] == '/' ? rest + n + 1 : NULL;
	if (branch != NULL && (*branch == '\0' || strchr(branch, '/') != NULL))
		return err_new(ERR_INVALID, "must be TRACK/RISK or TRACK/RISK/BRANCH");
	if (n < sizeof(risk))
		memcpy(risk, rest, n);
	for (size_t i = 0; i < ARRAY_LEN(risks); i++)
		if (strcmp(risk, risks[i]) == 0)
			return NULL;
	return err_new(ERR_INVALID, "the risk must be stable, candidate, beta or edge");
}

struct err *check_key_path(const char *text)
{
	if (text[0] != '/' && strncmp(text, "~/", 2) != 0)
		return err_new(ERR_INVALID, "must be an absolute path");
	if (strlen(text) > 500)
		return err_new(ERR_INVALID, "must have at most 500 characters");
	size_t len = strlen(text);
	bool up = strstr(text, "/../") != NULL || (len >= 3 && strcmp(text + len - 3, "/..") == 0);
	if (up)
		return err_new(ERR_INVALID, "may not contain '..'");
	return check_line(text);
}

struct err *check_mac(const char *text)
{
	for (int i = 0; i < 17; i++) {
		bool good = i % 3 == 2 ? text[i] == ':' : isxdigit((unsigned char)text[i]) != 0;
		if (!good)
			return err_new(ERR_INVALID,
				"not a MAC address (write it like aa:bb:cc:dd:ee:ff)");
	}
	return text[17] == '\0' ? NULL : err_new(ERR_INVALID, "not a MAC address");
}

struct err *check_addon(const char *text)
{
	const char *slash = strchr(text, '/');

	if (*text == '\0' || strlen(text) > 64 || !only(text, LOWER DIGIT "-/") || text[0] == '-' ||
		slash == text ||
		(slash != NULL && (slash[1] == '\0' || strchr(slash + 1, '/') != NULL)))
		return err_new(ERR_INVALID, "not the name of an addon");
	return NULL;
}

/* Length of the UTF-8 sequence at p, 0 when invalid; strict about overlong forms through the lead
 * byte ranges. */
static size_t sequence(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1
		: p[0] < 0xc2  ? 0
		: p[0] < 0xe0  ? 2
		: p[0] < 0xf0  ? 3
		: p[0] < 0xf5  ? 4
			       : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static struct err *check_characters(const char *text, const char *controls)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		size_t n = sequence(p);
		if (n == 0)
			return err_new(ERR_INVALID, "is not valid UTF-8");
		if (n == 1 && (*p < 0x20 || *p == 0x7f) && strchr(controls, *p) == NULL)
			return err_new(ERR_INVALID, "may not contain control characters");
		p += n;
	}
	return NULL;
}

struct err *check_line(const char *text)
{
	return check_characters(text, "");
}

struct err *check_text(const char *text)
{
	return check_characters(text, "\t\n");
}
