/* The domain: what every service function gets. One instance, used only on the domain worker (ADR
 * 0002); no locks, no loop, no clock but `clock`. Service functions run inside the transaction that
 * the caller (api_dispatch, the engine's tick) has opened. */
#pragma once

#include "base/clock.h"
#include "base/seal.h"
#include "model/account.h"
#include "model/config.h"
#include "store/store.h"

struct op_engine;
struct health_monitor;
struct history;
struct power_monitor;
struct throttle;

/** Who asks, for authorisation, audit and the operation's row. Borrowed texts. */
struct actor {
	const char *name; /**< account, or login name on the machine for the local socket */
	enum role role;
	int64_t via;         /**< enum op_via */
	const char *address; /**< NULL: local */
	const char *request_id;
	int64_t user_id; /**< I64_NONE: local */
};

struct scope;
struct settings;
struct identity_cache;

/** The domain's state. */
struct service {
	struct store *store;
	struct seal_key *key;
	const struct config *config;
	const struct clock *clock;
	const char *data_dir;          /**< absolute */
	struct op_engine *engine;      /**< operations: service/op/op.h */
	struct power_monitor *power;   /**< service/power.h; NULL: no server runs here */
	struct health_monitor *health; /**< service/health_watch.h; NULL: no server runs here */
	struct history *history;       /**< service/history.h; NULL: no server runs here */
	struct throttle *throttle;     /**< of logins; NULL until one fails; account_done() frees */
	struct identity_cache *identities; /**< whom credentials belonged to a moment ago; NULL
					      until some did; account_done() frees */
	const struct settings *settings; /**< the configuration file; NULL: it cannot be changed */
	const struct scope
		*scope; /**< clusters that the request being served is limited to; NULL: no limit */
	uint64_t rights_epoch; /**< counts changes that may have ended somebody's rights: streams
				  that were opened before are asked again, and the cache of
				  identities forgets */
	bool events_pending;   /**< event_publish() was called since it was last cleared: wake the
				  streams after commit */
};
