/*
 * What is left of erased files: 10,000 bodies, looked for byte by byte in
 * every file of the data directory and of backups of it (SPEC 12.8).
 *
 * The thief has both.  He opens a body if he finds both its
 * ciphertext and a key for it at any offset of any file.  Before the erasing
 * he opens all of them, which shows that the search is able to find.
 */
#include "tests/broker/fixture.h"

#include "broker/backup.h"
#include "broker/engine/intake.h"
#include "proto/crypto.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASES 10000u
#define A_TURN 250u
#define MARK 32u /* bytes that are looked for */
#define SLOTS (1u << 16)
#define SIEVE_BITS (1u << 24)

/** A case: what would open it, and where in which file it was found. */
struct loot {
	struct hf_id id;
	uint8_t key[HF_KEY_SIZE];
	uint8_t *box, *body; /* ciphertext as stored; what it hides */
	size_t box_size;
	bool key_found, box_found, body_found, opened;
};

/** What is looked for, by its first bytes. */
struct search {
	struct mark {
		const uint8_t *bytes;
		bool *found;
	} slot[SLOTS];
	uint8_t sieve[SIEVE_BITS / 8];
};

static uint32_t first(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t sieve_bit(const uint8_t *p)
{
	return first(p) % SIEVE_BITS;
}

static void look_for(struct search *s, const uint8_t *bytes, bool *found)
{
	uint32_t at = first(bytes) % SLOTS, bit = sieve_bit(bytes);

	*found = false;
	while (s->slot[at].bytes != NULL)
		at = (at + 1) % SLOTS;
	s->slot[at].bytes = bytes;
	s->slot[at].found = found;
	s->sieve[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void search_bytes(struct search *s, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i + MARK <= size; i++) {
		uint32_t bit = sieve_bit(p + i);

		if ((s->sieve[bit / 8] & 1u << bit % 8) == 0)
			continue;
		for (uint32_t at = first(p + i) % SLOTS;
		     s->slot[at].bytes != NULL; at = (at + 1) % SLOTS)
			if (memcmp(s->slot[at].bytes, p + i, MARK) == 0)
				*s->slot[at].found = true;
	}
}

static void search_file(struct search *s, const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long size;

	cr_assert_not_null(f);
	cr_assert_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	cr_assert_geq(size, 0);
	bytes = malloc((size_t)size + 1);
	cr_assert_not_null(bytes);
	rewind(f);
	cr_assert_eq(fread(bytes, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	search_bytes(s, bytes, (size_t)size);
	free(bytes);
}

static unsigned search_dir(struct search *s, const char *path)
{
	char name[512];
	DIR *dir = opendir(path);
	unsigned files = 0;
	struct stat st;

	cr_assert_not_null(dir);
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		cr_assert_eq(lstat(name, &st), 0);
		if (S_ISDIR(st.st_mode)) {
			files += search_dir(s, name);
		} else {
			search_file(s, name);
			files++;
		}
	}
	closedir(dir);
	return files;
}

static bool opens(const struct loot *l)
{
	size_t size = l->box_size - HF_TAG_SIZE;
	uint8_t *out = malloc(size + 1);
	bool ok;

	cr_assert_not_null(out);
	ok =
	    hf_aead_open(out, l->box, l->box_size,
		bytes_of(l->id.b, sizeof(l->id.b)), l->id.b, l->key) == HF_OK &&
	    memcmp(out, l->body, size) == 0;
	free(out);
	return ok;
}

static char backup_dir[NODE_DIR_MAX + 8];

/* By a child: no process may open a store twice. */
static void back_up(const struct node *n)
{
	static struct config c;
	struct backup b;
	int status;
	pid_t pid;

	c.country = n->country;
	c.map_size = n->map_size;
	snprintf(c.data_dir, sizeof(c.data_dir), "%s", n->dir);
	snprintf(backup_dir, sizeof(backup_dir), "%s-backup", n->dir);
	fflush(NULL);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(backup_make(&b, &c, backup_dir) == HF_OK ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "no backup of %s", n->dir);
}

static void remove_backups(void)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", backup_dir);
	cr_assert_eq(system(line), 0);
}

struct haul {
	unsigned keys, boxes, bodies, opened;
};

static struct haul steal(struct node *n, struct loot *loot)
{
	struct search *s = calloc(1, sizeof(*s));
	struct haul h = {0};

	cr_assert_not_null(s);
	for (unsigned i = 0; i < CASES; i++) {
		look_for(s, loot[i].key, &loot[i].key_found);
		look_for(s, loot[i].box, &loot[i].box_found);
		look_for(s, loot[i].body + 64, &loot[i].body_found);
	}
	cr_assert_geq(search_dir(s, n->dir), 2, "data and keys");
	cr_assert_geq(search_dir(s, backup_dir), 4, "a backup");
	free(s);
	for (unsigned i = 0; i < CASES; i++) {
		h.keys += loot[i].key_found;
		h.boxes += loot[i].box_found;
		h.bodies += loot[i].body_found;
		h.opened +=
		    loot[i].key_found && loot[i].box_found && opens(&loot[i]);
	}
	return h;
}

static void remember(struct node *n, struct loot *l, const struct signed_act *a)
{
	struct case_record c;
	struct hf_bytes box;
	uint64_t index;
	uint8_t row[8];

	l->id = a->id;
	l->body = malloc(a->body.size);
	cr_assert_not_null(l->body);
	memcpy(l->body, a->body.data, a->body.size);
	EXPECT("case", case_load(n->engine, &a->id, &c), HF_OK);
	EXPECT("key", store_key_get(n->txn, c.key_slot, l->key), HF_OK);
	EXPECT("index", ledger_index_of(n->engine, &a->id, &index), HF_OK);
	put_be64(row, index);
	EXPECT("body",
	    txn_get(n->txn, TABLE_BODIES, bytes_of(row, sizeof(row)), &box),
	    HF_OK);
	cr_assert_eq(box.size, a->body.size + HF_TAG_SIZE);
	l->box = malloc(box.size);
	cr_assert_not_null(l->box);
	memcpy(l->box, box.data, box.size);
	l->box_size = box.size;
}

/* Orders at home: they lapse by themselves, and so their files end. */
static void enter_all(struct federation *f, struct node *n, struct loot *loot)
{
	static struct signed_act a;
	struct intake_result result;
	struct draft d;

	for (unsigned i = 0; i < CASES;) {
		turn_begin(n);
		for (unsigned k = 0; k < A_TURN; k++) {
			enum hf_err err;

			draft_open(&d, f, "jp.ncp", HF_KIND_ORDER, "jp.isp");
			draft_sign(&d, &a);
			err = intake_own(n->engine,
			    roster_officer(engine_roster(n->engine),
				hf_desk_country(&d.author->desk),
				&d.author->sign),
			    bytes_of(a.frame, a.size), bytes_of(NULL, 0),
			    &result);
			if (err == HF_REF_TAKEN)
				k--; /* a client signs again */
			else
				EXPECT("order", err, HF_OK);
			if (err == HF_OK)
				remember(n, &loot[i++], &a);
		}
		turn_end(n);
	}
}

static void run_down(struct federation *f, struct node *n)
{
	for (unsigned i = 0; node_rows(n, TABLE_DUE) > 0; i++) {
		cr_assert_lt(i, 2000);
		fed_wait(f, 5);
		turn_begin(n);
		turn_end(n);
	}
}

Test(erase, leaves_no_body_that_any_file_could_open, .timeout = 300)
{
	struct federation *f = fed_new("JP", NULL);
	struct node *jp = fed_node(f, "JP");
	struct loot *loot = calloc(CASES, sizeof(*loot));
	struct haul h;

	cr_assert_not_null(loot);
	jp->map_size = (size_t)512 << 20;
	fed_start(f);
	enter_all(f, jp, loot);
	back_up(jp);
	h = steal(jp, loot);
	cr_assert_eq(h.keys, CASES);
	cr_assert_eq(h.boxes, CASES);
	cr_assert_eq(h.opened, CASES, "the search is not able to find");
	cr_assert_eq(h.bodies, 0, "a body stands in a file as it came");
	run_down(f, jp);
	cr_assert_eq(node_statements(jp, HF_ENTRY_ERASED, NULL), CASES);
	back_up(jp);
	h = steal(jp, loot);
	cr_assert_eq(h.boxes, CASES, "the copy from before the erasing");
	cr_assert_eq(h.keys, 0, "%u keys are left", h.keys);
	cr_assert_eq(h.opened, 0);
	node_restart(jp); /* its ledger verifies */
	for (unsigned i = 0; i < CASES; i++) {
		free(loot[i].box);
		free(loot[i].body);
	}
	free(loot);
	remove_backups();
	fed_free(f);
}
