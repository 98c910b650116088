/* The watch of health: a round each interval. */
#pragma once

#include "loop/loop.h"
#include "loop/work.h"

struct health_watch;

/** Begin. The first round is at once. Loop. */
struct health_watch *health_watch_new(struct loop *loop, struct worker *worker);
/** No more rounds; the one that runs is given up. NULL is fine. */
void health_watch_stop(struct health_watch *w);
/** Free, after the loop has been left and its pool is empty or will be drained. NULL is fine. */
void health_watch_free(struct health_watch *w);
