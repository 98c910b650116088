/* Owns when an answer is believed. */
#include "model/health_track.h"

/* Worse than what is believed; at first everything but "up" is. */
static bool is_worse(const struct health_track *track, enum health_state heard)
{
	return track->known ? heard > track->state : heard != HEALTH_UP;
}

/* Believe anew when it was heard often enough. Returns true when the believed state changed. */
static bool believe(struct health_track *track, enum health_state heard, int64_t now)
{
	if (track->known && heard == track->state) {
		track->times = 0;
		return false;
	}
	if (track->times > 0 && is_worse(track, track->candidate) != is_worse(track, heard))
		track->times = 0; /* the other way: it begins anew */
	if (track->times == 0)
		track->candidate_since = now;
	track->candidate = heard;
	track->times++;
	int64_t needed = is_worse(track, heard) ? HEALTH_WORSE_TIMES : HEALTH_BETTER_TIMES;
	if (!track->known && heard == HEALTH_UP)
		needed = 1;
	if (track->times < needed)
		return false;
	track->state = heard;
	track->since = track->candidate_since;
	track->known = true;
	track->times = 0;
	return true;
}

/* Count the changes among the newest answers. Returns true when it began or ended to flap. */
static bool count_changes(struct health_track *track, enum health_state heard, int64_t now)
{
	bool other = track->heard_any && heard != track->heard;

	track->changes = (track->changes << 1 | other) & ((UINT32_C(1) << HEALTH_FLAP_SPAN) - 1);
	track->heard = heard;
	track->heard_any = true;
	int n = __builtin_popcount(track->changes);
	bool flapping = track->flapping ? n > HEALTH_FLAP_END : n >= HEALTH_FLAP_BEGIN;
	if (flapping == track->flapping)
		return false;
	track->flapping = flapping;
	track->flapping_since = now;
	return true;
}

bool health_track_take(struct health_track *track, enum health_state heard, int64_t now)
{
	bool flaps = count_changes(track, heard, now);

	return believe(track, heard, now) || flaps;
}
