/* What was judged, and what was opened. */
#include "tests/crash/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CONTENTS_MAX (1u << 20)

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* ---- contents ---- */

struct memo {
	uint64_t count;
	struct verdict verdicts[CONTENTS_MAX];
};

struct memo *memo_new(void)
{
	return share(sizeof(struct memo));
}

void memo_free(struct memo *m)
{
	munmap(m, sizeof(*m));
}

struct verdict *memo_of(struct memo *m, struct mark content)
{
	struct verdict *v;

	for (uint64_t i = content.a;; i++) {
		v = &m->verdicts[i % CONTENTS_MAX];
		if (!v->used)
			break;
		if (memcmp(&v->content, &content, sizeof(content)) == 0)
			return v;
	}
	if (++m->count > CONTENTS_MAX / 4 * 3)
		abort();
	v->content = content;
	v->used = true;
	return v;
}

/* ---- states ---- */

#define LEVEL_BITS 12u
#define LEVEL_MASK ((UINT64_C(1) << LEVEL_BITS) - 1)

#define WORKLOAD_MAX \
	(1u << 19) /* states that come on top, of the last ones \
		    */

/* A slot: 52 bits of the mark's one half, the level; 0: none.  Where it is
 * says some of the other half. */
struct seen {
	uint64_t size, count;
	uint64_t slots[];
};

struct seen *seen_new(uint64_t states)
{
	uint64_t size = 1u << 20;
	struct seen *s;

	while (size < 4 * (states + WORKLOAD_MAX))
		size *= 2;
	s = share(sizeof(*s) + size * sizeof(s->slots[0]));
	s->size = size;
	return s;
}

enum seen_as seen_add(struct seen *s, struct mark state, unsigned level)
{
	uint64_t mine = (state.a & ~LEVEL_MASK) | (level + 1), old;

	if (level + 1 > LEVEL_MASK || s->count > s->size / 8 * 7)
		abort();
	for (uint64_t i = state.b;; i++) {
		uint64_t *slot = &s->slots[i & (s->size - 1)];

		old = 0;
		if (__atomic_compare_exchange_n(slot, &old, mine, false,
			__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
			return SEEN_NEVER;
		}
		if ((old & ~LEVEL_MASK) != (mine & ~LEVEL_MASK))
			continue;
		if (old >= mine)
			return SEEN_BEFORE;
		__atomic_store_n(slot, mine, __ATOMIC_RELAXED);
		return SEEN_FOR_LESS;
	}
}
