/* The doctor of the server itself: is this machine fit to be the controller. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** What the task needs of the service. @ret_input owned. Domain worker. */
struct err *doctor_input(struct service *svc, json_t **ret_input) ERR_RESULT;
/** Task: read this machine and judge it. @input of doctor_input()   @ret_output {"items":[finding],
 * "next_cursor":null}, as the findings of an operation   Any thread. At most a minute. */
struct err *doctor_run(const json_t *input, json_t **ret_output) ERR_RESULT;
