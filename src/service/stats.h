/* Numbers that are looked up when somebody asks for the metrics, not counted as things happen. */
#pragma once

#include "service/service.h"

/** Set the metrics of what is stored: operations, nodes and clusters by status. Domain worker. */
struct err *stats_collect(struct service *svc) ERR_RESULT;
