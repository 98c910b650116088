/* The table of status words. */
#include "power/token.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const struct {
	const char *text;
	int64_t token;
} words[] = {
	{"OL", POWER_OL},
	{"OB", POWER_OB},
	{"LB", POWER_LB},
	{"HB", POWER_HB},
	{"RB", POWER_RB},
	{"CHRG", POWER_CHRG},
	{"DISCHRG", POWER_DISCHRG},
	{"BYPASS", POWER_BYPASS},
	{"CAL", POWER_CAL},
	{"OFF", POWER_OFF},
	{"OVER", POWER_OVER},
	{"TRIM", POWER_TRIM},
	{"BOOST", POWER_BOOST},
	{"FSD", POWER_FSD},
	{"ALARM", POWER_ALARM},
	{"ECO", POWER_ECO},
	{"TEST", POWER_TEST},
	{"WAIT", POWER_WAIT},
};

static int64_t token_of(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i].text) == len && strncasecmp(words[i].text, word, len) == 0)
			return words[i].token;
	}
	return POWER_OTHER;
}

int64_t power_tokens(const char *status)
{
	static const char blanks[] = " \t\r\n";
	int64_t tokens = 0;

	if (status == NULL)
		return 0;
	for (const char *word = status + strspn(status, blanks); *word != '\0';) {
		size_t len = strcspn(word, blanks);
		tokens |= token_of(word, len);
		word += len;
		word += strspn(word, blanks);
	}
	return tokens;
}

const char *power_token_text(int64_t token)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (words[i].token == token)
			return words[i].text;
	}
	return NULL;
}
