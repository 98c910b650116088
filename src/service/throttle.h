/* How often wrong credentials may be tried. Memory only: a restart forgets, and the hash still
 * costs. Bounded size. */
#pragma once

#include <stdint.h>

struct throttle;

/** Make one. Free with throttle_free(). */
struct throttle *throttle_new(void);
/** Free; NULL is fine. */
void throttle_free(struct throttle *t);
/** Seconds to wait before the next try, 0 = now. @account, @address NULL is a value of its own
 * @now_ms monotonic */
int64_t throttle_wait_s(const struct throttle *t, const char *account, const char *address,
	int64_t now_ms);
/** Count a failure: after 5 in a row for account and address (20 for an address, 50 for an account)
 * the wait doubles from 1 s up to 15 minutes (an account alone: 30 s, so that strangers cannot lock
 * its owner out). A quiet hour forgets. */
void throttle_fail(struct throttle *t, const char *account, const char *address, int64_t now_ms);
/** Forget the failures of account and address after a success. */
void throttle_clear(struct throttle *t, const char *account, const char *address);
