/* Waking machines before a run. Inside of operations. */
#pragma once

#include "service/op/op_run.h"

/** Rows for the parameters of a type that wakes. */
#define WAKE_PARAMS                                                                                                    \
	{.name = "wake",                                                                                               \
		.kind = FIELD_BOOL,                                                                                    \
		.def = "true",                                                                                         \
		.help = "Send magic packets (Wake-on-LAN) to the nodes whose MAC address is known."},                  \
	{                                                                                                              \
		.name = "relay", .kind = FIELD_TEXT, .max = 253,                                                       \
		.help = "Name or ID of a node that sends them too, when the machines are in another network than mko." \
	}

/** Take in the parameters `wake` and `relay`. Errors: ERR_INVALID for a relay that is not known. */
struct err *op_wake_plan(struct service *svc, struct op_run *run) ERR_RESULT;
