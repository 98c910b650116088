/* The inside of the loop, for the files of this room. */
#pragma once

#include <uv.h>

#include "loop/loop.h"

/** See loop.h. */
struct loop {
	unsigned magic;
	uv_loop_t uv;
	uv_thread_t thread;
};
