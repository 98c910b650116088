/* The table of events. */
#include "model/event.h"

#include "base/mem.h"

static const struct field fields[] = {
	ROW_I64(struct event, id, FIELD_FIND,
		.help = "Sequence number of the stream, never reused."),
	ROW_TIME(struct event, at, FIELD_FIND, .help = "When it happened."),
	ROW_TEXT(struct event, topic, FIELD_FIND, .help = "Topic, for example operations."),
	ROW_TEXT(struct event, kind, FIELD_FIND,
		.help = "What happened, for example node.updated."),
	ROW_I64(struct event, object_id, FIELD_FIND, .help = "Number of the object."),
	ROW_JSON(struct event, clusters, FIELD_HIDDEN, .def = "[]",
		.help = "Numbers of the clusters it tells of."),
	ROW_JSON(struct event, data, 0, .help = "The new state, as the API shows it."),
};

const struct record_type event_type = {
	.name = "event",
	.table = "events",
	.size = sizeof(struct event),
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.scope = "clusters",
};
