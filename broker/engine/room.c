/*
 * room: what is still entered when the store is nearly full (SPEC 12.14).
 *
 * Near the end of the room LMDB can no longer even delete (F14), so what ends
 * cases and what time brings must never be kept out by what begins them.
 */
#include "broker/engine/internal.h"

#define BACK_PERCENT 2u /* below a mark before it is lifted again */

static unsigned level(const struct engine *e, unsigned slack)
{
	const struct engine_options *o = &e->options;
	/* whole percents; the room is at least a page where it matters */
	uint64_t percent = e->room < 100 ? 100 : e->used / (e->room / 100);

	if (o->emergency_percent != 0 &&
	    percent + slack >= o->emergency_percent)
		return 2;
	return o->routine_percent != 0 && percent + slack >= o->routine_percent
		   ? 1
		   : 0;
}

void room_look(struct engine *e)
{
	static const char *const said[] = {
	    "store-has-room", "store-watermark", "store-emergencies-only"};
	unsigned now;

	store_usage(txn_store(e->txn), &e->used, &e->room);
	now = level(e, 0);
	if (now < e->pressure)
		now = level(e, BACK_PERCENT);
	if (now == e->pressure)
		return;
	e->pressure = now;
	effect_log(
	    e, now == 0 ? HF_OK : HF_NEARLY_FULL, said[now], NULL, NULL, NULL);
}

static bool ends(unsigned kind)
{
	return kind == HF_KIND_WITHDRAW || kind == HF_KIND_CLOSE ||
	       kind == HF_KIND_END || kind == HF_KIND_LIVE_STOPPED ||
	       kind == HF_KIND_RETRACT;
}

enum hf_err room_for(
    const struct engine *e, unsigned kind, bool opens, unsigned urgency)
{
	const struct hf_kind_info *info = hf_kind_info(kind);
	bool machine = info != NULL && info->machine;

	if (e->pressure == 0 || urgency == HF_EMERGENCY || machine ||
	    ends(kind))
		return HF_OK;
	if (e->pressure == 1 && (!opens || urgency != HF_ROUTINE))
		return HF_OK;
	return HF_NEARLY_FULL;
}
