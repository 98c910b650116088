/* Whom credentials belonged to a moment ago. Clients send the same token with each request; looking
 * it up, and its owner, was the most of a small one. Domain worker only. */
#pragma once

#include "service/account.h"

/** How long an answer is believed without asking the store, in ms. What this server changes counts
 * at once (service.rights_epoch); this bounds what another program changes behind its back. */
#define IDENTITY_CACHE_MS 1000

/** Look credentials up. @hash of the token or cookie   @ret a copy: identity_done()
 * Returns false when they are not known, or no longer. */
bool identity_cache_find(const struct service *svc, const char *hash, struct identity *ret);
/** Remember whom credentials belong to. @until_ms UTC when they end, I64_NONE: never */
void identity_cache_keep(struct service *svc, const char *hash, const struct identity *identity,
	int64_t until_ms);
/** Forget all and free; account_done() calls it. */
void identity_cache_free(struct service *svc);
