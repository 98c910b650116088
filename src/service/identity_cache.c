/* Owns the table: one place for each value of the first two digits of a hash, the newest wins. */
#include "service/identity_cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "service/scope.h"

#define PLACES 256

struct identity_cache {
	struct place {
		char hash[HASH_TEXT_SIZE]; /* "": empty */
		struct identity identity;
		uint64_t epoch;
		int64_t from_ms, until_ms;
	} places[PLACES];
};

static size_t digit(char c)
{
	return (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct place *place_of(struct identity_cache *cache, const char *hash)
{
	return &cache->places[(digit(hash[0]) * 16 + digit(hash[1])) % PLACES];
}

static struct identity copy_of(const struct identity *identity)
{
	struct identity copy = *identity;

	copy.name = mem_strdup(identity->name);
	copy.scope = scope_copy(identity->scope);
	return copy;
}

bool identity_cache_find(const struct service *svc, const char *hash, struct identity *ret)
{
	int64_t now = clock_utc(svc->clock);

	if (svc->identities == NULL)
		return false;
	const struct place *p = place_of(svc->identities, hash);
	if (strcmp(p->hash, hash) != 0 || p->epoch != svc->rights_epoch || now < p->from_ms ||
		now >= p->until_ms)
		return false;
	*ret = copy_of(&p->identity);
	return true;
}

void identity_cache_keep(struct service *svc, const char *hash, const struct identity *identity,
	int64_t until_ms)
{
	int64_t now = clock_utc(svc->clock);

	if (svc->identities == NULL)
		svc->identities = mem_zalloc(sizeof(*svc->identities));
	struct place *p = place_of(svc->identities, hash);
	identity_done(&p->identity);
	memcpy(p->hash, hash, sizeof(p->hash));
	p->identity = copy_of(identity);
	p->epoch = svc->rights_epoch;
	p->from_ms = now;
	p->until_ms = now + IDENTITY_CACHE_MS;
	if (until_ms != I64_NONE && until_ms < p->until_ms)
		p->until_ms = until_ms;
}

void identity_cache_free(struct service *svc)
{
	for (size_t i = 0; svc->identities != NULL && i < PLACES; i++)
		identity_done(&svc->identities->places[i].identity);
	mem_free(svc->identities);
	svc->identities = NULL;
}
