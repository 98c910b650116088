/* Owns small tables that all types share. */
#include "service/op/op_type.h"

static const char *const risk_texts[] = {"read", "change", "disrupt", "destroy", NULL};
const struct enum_table op_risk_table = {"op_risk", risk_texts};
