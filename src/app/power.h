/* The side of power that lives on the loop: connections to upsds, the poll each second, and handing
 * what they said to the worker (service/power.h). */
#pragma once

#include "loop/work.h"

struct power_watch;

/** Begin to watch. Loop only. @loop @worker borrowed */
struct power_watch *power_watch_new(struct loop *loop, struct worker *worker);
/** Poll no more; jobs that run are waited for by worker_free(). Loop only. NULL is fine. */
void power_watch_stop(struct power_watch *watch);
/** Free, after worker_free(). NULL is fine. */
void power_watch_free(struct power_watch *watch);
