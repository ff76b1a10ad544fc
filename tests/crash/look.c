/*
 * What LMDB sees of a state.
 *
 * LMDB reads two meta pages, takes the newer one, and goes down from it
 * through pages in use.  Which pages are not in use it says in its database 0
 * (and by the number of the last one).  So all that any reader or writer of
 * this store can come to see is in the pages in use, the meta page taken and
 * the file's other pages only when a broken tree leads there, which is noticed
 * here: every record is read, and it must lie in pages in use.
 */
#include "tests/crash/crash.h"

#include <lmdb.h>
#include <string.h>

#define PAGE 4096u
#define SECTORS_A_PAGE (PAGE / SECTOR)
#define PAGES_MAX (STATE_MAP / PAGE)
#define RECORDS_MAX 100000u /* more are read in a circle */
#define NAME_MAX_BYTES 64u

struct reader {
	const struct image_file *f;
	MDB_txn *txn;
	uint64_t last; /* number of the last page */
	const uint8_t *base;
	bool is_free[PAGES_MAX];
	uint64_t records;
	bool odd;
	uint8_t touched;
	struct mark *content;
};

static void mix_page(const struct reader *r, uint64_t page)
{
	struct mark sum = {0, 0};

	if ((page + 1) * PAGE > r->f->size)
		return;
	for (unsigned i = 0; i < SECTORS_A_PAGE; i++) {
		const struct mark *m =
		    &r->f->sectors[page * SECTORS_A_PAGE + i];

		sum.a ^= m->a;
		sum.b ^= m->b;
	}
	mark_mix(r->content, page);
	mark_mix(r->content, sum.a);
	mark_mix(r->content, sum.b);
}

/* ---- pages in use ---- */

static int read_free(struct reader *r)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(r->txn, 0, &cursor);

	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		size_t count = 0, page;

		if (value.mv_size >= sizeof(count))
			memcpy(&count, value.mv_data, sizeof(count));
		for (size_t i = 1;
		     i <= count && (i + 1) * sizeof(page) <= value.mv_size;
		     i++) {
			memcpy(&page,
			    (uint8_t *)value.mv_data + i * sizeof(page),
			    sizeof(page));
			if (page >= PAGES_MAX || r->is_free[page])
				r->odd = true;
			else
				r->is_free[page] = true;
		}
		if (++r->records > RECORDS_MAX)
			break;
	}
	mdb_cursor_close(cursor);
	return rc;
}

static void mix_used(struct reader *r, uint64_t meta)
{
	uint64_t end = r->f->size / PAGE;

	if (r->last + 1 < end)
		end = r->last + 1;
	mark_mix(r->content, r->last);
	mix_page(r, meta);
	for (uint64_t page = 2; page < end; page++)
		if (!r->is_free[page])
			mix_page(r, page);
}

/* ---- records ---- */

/* Every page has its number at its head. */
static void in_use(struct reader *r, const void *at, size_t size)
{
	uintptr_t to = (uintptr_t)at + (size > 0 ? size - 1 : 0);
	const uint8_t *page = (const uint8_t *)at - (uintptr_t)at % PAGE;
	uint64_t number, end;

	memcpy(&number, page, sizeof(number));
	if (r->base == NULL && number < PAGES_MAX)
		r->base = page - number * PAGE;
	if (number >= PAGES_MAX || page != r->base + number * PAGE) {
		r->odd = true;
		return;
	}
	end = number + (to - (uintptr_t)page) / PAGE;
	for (; number <= end; number++)
		if (number < 2 || number > r->last || r->is_free[number])
			r->odd = true;
	for (size_t i = 0; i < size; i += SECTOR)
		r->touched ^= ((const uint8_t *)at)[i];
}

static int read_table(struct reader *r, MDB_dbi table)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(r->txn, table, &cursor);

	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		in_use(r, key.mv_data, key.mv_size);
		in_use(r, value.mv_data, value.mv_size);
		if (++r->records > RECORDS_MAX)
			break;
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* All tables by their names, which are records of the main one. */
static int read_tables(struct reader *r)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_dbi table, main_table;
	int rc = mdb_dbi_open(r->txn, NULL, 0, &main_table);

	if (rc == 0)
		rc = mdb_cursor_open(r->txn, main_table, &cursor);
	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		char name[NAME_MAX_BYTES] = "";
		int opened, read = 0;

		in_use(r, key.mv_data, key.mv_size);
		in_use(r, value.mv_data, value.mv_size);
		if (key.mv_size < sizeof(name))
			memcpy(name, key.mv_data, key.mv_size);
		opened = mdb_dbi_open(r->txn, name, 0, &table);
		if (opened == 0)
			read = read_table(r, table);
		mark_mix(r->content, (uint64_t)(unsigned)opened);
		mark_mix(r->content, (uint64_t)(unsigned)read);
		if (++r->records > RECORDS_MAX)
			break;
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* ---- */

static int open_env(MDB_env **env, const char *dir)
{
	int rc = mdb_env_create(env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(*env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_mapsize(*env, STATE_MAP);
	if (rc == 0)
		rc = mdb_env_open(
		    *env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
	return rc;
}

static void read_all(struct reader *r, MDB_env *env)
{
	MDB_envinfo info;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &r->txn);

	mark_mix(r->content, (uint64_t)(unsigned)rc);
	if (rc != 0)
		return;
	rc = mdb_env_info(env, &info);
	r->last = info.me_last_pgno;
	mark_mix(r->content, (uint64_t)(unsigned)rc);
	mark_mix(r->content, (uint64_t)(unsigned)read_free(r));
	mix_used(r, info.me_last_txnid & 1);
	mark_mix(r->content, (uint64_t)(unsigned)read_tables(r));
	mark_mix(r->content, r->records);
	mdb_txn_abort(r->txn);
}

bool look(const char *dir, const struct image_file *f, struct mark *content)
{
	static struct reader r;
	MDB_env *env = NULL;
	int rc = open_env(&env, dir);

	memset(&r, 0, sizeof(r));
	r.f = f;
	r.content = content;
	*content = (struct mark){3, 3};
	mark_mix(content, (uint64_t)(unsigned)rc);
	if (rc == 0) {
		read_all(&r, env);
	} else { /* it has read no more than the two meta pages */
		mark_mix(content, f->size < 2 * PAGE ? f->size : 2 * PAGE);
		mix_page(&r, 0);
		mix_page(&r, 1);
	}
	mdb_env_close(env);
	return !r.odd;
}
