/* The courier: sends what waits for notifiers. */
#pragma once

#include "loop/loop.h"
#include "loop/work.h"

struct courier;

/** Begin; what waited when the server stopped goes out at once. Loop. */
struct courier *courier_new(struct loop *loop, struct worker *worker);
/** Look soon whether something is due: something changed. Loop. */
void courier_soon(struct courier *c);
/** Send no more; what is on its way is given up and tried again after the next start. NULL is fine.
 */
void courier_stop(struct courier *c);
/** Free, after the worker has ended. NULL is fine. */
void courier_free(struct courier *c);
