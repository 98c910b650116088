/* Who is asking. Domain worker, in a transaction. */
#pragma once

#include "api/route.h"

#define AUTH_COOKIE "mko_session"

/** True when a request that has an Origin comes from our own pages: exactly our scheme, host and
 * port. */
bool auth_own_origin(const struct api_request *req);
/** Find the caller's identity and fill call->actor (texts are borrowed from the request and
 * *ret_identity), then check the route's role.
 * @ret_identity keep until the call is over, identity_done() frees
 * Errors: ERR_UNAUTHENTICATED, ERR_FORBIDDEN (role; a changing request by cookie from another
 * origin). */
struct err *auth_call(struct call *call, struct identity *ret_identity) ERR_RESULT;
