/*
 * bench-growth SIZES CASES: what deciding costs as a store grows.  SIZES:
 * entries, ascending, such as 10000,1000000; at most CASES cases are open.
 * One JSON object a size:
 *
 *   decide_us    an act's share of a turn of the real engine and store:
 *                decided, committed with a sync, head signed, receipts made;
 *                signatures are checked elsewhere (threads of the core), and
 *                sockets are left out, for neither knows how large the store is
 *   fill_s       what it took to come to this size from the last
 *   disk_bytes_per_act, received_bytes_per_act, disk_ratio
 *   anon_kib     memory that no file backs, this program's own included
 *
 * Acts are signed one by one; their bodies are one sealed body, which a broker
 * does not read.  Requests open cases; notes follow on each, as many as the
 * largest size wants.
 */
#include "tests/broker/fixture.h"

#include "proto/crypto.h"
#include "proto/frames.h"
#include "proto/pack.h"
#include "proto/profile.h"
#include "tests/bench/meter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILL_TURN 512u
#define TURN 128u   /* acts that the core has wait for one another */
#define SAMPLES 33u /* turns at a size */
#define ACTS_A_MS 8u
#define SIZES_MAX 16u

struct filler {
	struct federation *fed;
	struct node *node;
	const struct officer *author;
	struct hf_key transport;
	struct signed_act model; /* its body serves all */
	struct hf_envelope request, note;
	unsigned follow; /* notes of a case */
	/* the case in work */
	struct hf_id case_id;
	struct hf_hash prev;
	unsigned at; /* 0: a request is next */
	uint64_t acts, cases, received, serial;
	uint8_t frame[FILL_TURN][HF_FRAME_MAX / 16];
	size_t size[FILL_TURN];
};

/* ---- acts ---- */

static void model(struct filler *f)
{
	const struct hf_profile *rules = hf_profile_by_name("budapest");
	struct draft d;

	draft_open(&d, f->fed, "jp.ncp", HF_KIND_REQUEST, "us.ncp");
	d.env.basis = rules->basis;
	d.env.rules_profile = rules->digest;
	d.env.not_after.ms = f->fed->now.ms + rules->ask_s * 1000;
	d.env.term_from = f->fed->now;
	d.env.term_until.ms = f->fed->now.ms + rules->term_default_s * 1000;
	draft_has(&d, HF_E_TERM);
	d.leaf_count = 4;
	d.leaf_size = 60;
	memset(d.policy, 3, d.leaf_count);
	draft_sign(&d, &f->model);
	d.env.policy = (struct hf_bytes){d.policy, 0};
	f->request = d.env;
	f->author = d.author;
	f->node = d.node;
	draft_open(&d, f->fed, "jp.ncp", HF_KIND_NOTE, "us.ncp");
	d.env.policy = (struct hf_bytes){d.policy, 0};
	d.env.present &=
	    f->request.present &
	    ~(UINT64_C(1) << HF_E_MEASURE | UINT64_C(1) << HF_E_BASIS |
		UINT64_C(1) << HF_E_RULES | UINT64_C(1) << HF_E_NOT_AFTER |
		UINT64_C(1) << HF_E_URGENCY | UINT64_C(1) << HF_E_CATEGORIES);
	draft_has(&d, HF_E_CASE);
	draft_has(&d, HF_E_PREV);
	f->note = d.env;
}

static struct hf_envelope *next_envelope(struct filler *f)
{
	static uint8_t policy[4] = {3, 3, 3, 3};
	struct hf_envelope *e = f->at == 0 ? &f->request : &f->note;

	e->policy = (struct hf_bytes){policy, sizeof(policy)};
	if (f->at > 0) {
		e->case_id = f->case_id;
		e->gen = f->at + 1;
		e->prev = f->prev;
	}
	return e;
}

/* The next act as a submission. */
static void make(struct filler *f, unsigned i)
{
	uint8_t envelope[HF_ENVELOPE_MAX], core[HF_CORE_MAX], sigs[HF_SIGS_MAX];
	static uint8_t act[HF_ACT_MAX];
	size_t envelope_size, core_size, sigs_size, act_size;
	struct hf_core c = {.suite = 1, .author = f->author->sign};
	struct hf_signature sig = {.key = f->author->sign};
	struct hf_hash digest, to_sign;
	struct hf_id id;
	struct pack p;

	meter_must(hf_envelope_encode(next_envelope(f), envelope,
		       sizeof(envelope), &envelope_size),
	    "envelope");
	c.kind = f->at == 0 ? HF_KIND_REQUEST : HF_KIND_NOTE;
	f->serial++;
	if (f->serial % ACTS_A_MS == 0)
		f->fed->now.ms++;
	c.created = f->fed->now;
	hf_random(c.root.b, sizeof(c.root.b));
	c.envelope = hf_hash(HF_TAG_ENVELOPE, envelope, envelope_size);
	c.body = hf_hash(HF_TAG_BODY, f->model.body.data, f->model.body.size);
	meter_must(hf_core_encode(&c, core, sizeof(core), &core_size), "core");
	digest = hf_core_digest((struct hf_bytes){core, core_size});
	id = hf_act_id(c.created, &digest);
	to_sign = hf_act_to_sign(&digest);
	sig.sig = secret_sign(f->author->secret, to_sign.b, sizeof(to_sign.b));
	meter_must(
	    hf_sigs_encode(&sig, 1, sigs, sizeof(sigs), &sigs_size), "sigs");
	meter_must(hf_act_encode((struct hf_bytes){core, core_size},
		       (struct hf_bytes){envelope, envelope_size},
		       (struct hf_bytes){sigs, sigs_size}, f->model.body, act,
		       sizeof(act), &act_size),
	    "act");
	pack_init(&p, f->frame[i], sizeof(f->frame[i]));
	pack_array(&p, 3);
	pack_uint(&p, HF_OP_SUBMIT);
	pack_uint(&p, f->serial);
	pack_map(&p, 1);
	pack_uint(&p, 1);
	pack_bin(&p, act, act_size);
	meter_must(pack_finish(&p, &f->size[i]), "a submission");
	f->case_id = f->at == 0 ? id : f->case_id;
	f->cases += f->at == 0;
	f->prev = digest;
	f->at = f->at == f->follow ? 0 : f->at + 1;
	f->acts++;
	f->received += f->size[i];
}

/* A turn of the acts made; seconds. */
static double turn(struct filler *f, unsigned count)
{
	double begin;

	for (unsigned i = 0; i < count; i++)
		make(f, i);
	begin = meter_now();
	turn_begin(f->node);
	for (unsigned i = 0; i < count; i++) {
		struct event ev = node_event(f->node, EVENT_DESK_FRAME);

		ev.conn = 1;
		ev.key = f->transport;
		ev.frame = (struct hf_bytes){f->frame[i], f->size[i]};
		ev.verified = true;
		meter_must(engine_step(f->node->engine, &ev), "engine_step");
	}
	turn_end(f->node);
	return meter_now() - begin;
}

/* ---- what it takes ---- */

static uint64_t disk_bytes(const char *path)
{
	DIR *dir = opendir(path);
	uint64_t sum = 0;
	char name[700];
	struct stat st;

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		if (d->d_name[0] != '.' && stat(name, &st) == 0)
			sum += (uint64_t)st.st_blocks * 512;
	}
	if (dir != NULL)
		closedir(dir);
	return sum;
}

static void fill(struct filler *f, uint64_t entries)
{
	double told = meter_now();

	while (f->node->size < entries) {
		turn(f, FILL_TURN);
		if (meter_now() - told < 2 || !isatty(STDERR_FILENO))
			continue;
		told = meter_now();
		fprintf(stderr, "\rgrowth: %llu of %llu entries",
		    (unsigned long long)f->node->size,
		    (unsigned long long)entries);
	}
}

static void measure(struct filler *f, double fill_s)
{
	struct meter turns = {NULL, 0, 0};
	uint64_t entries = f->node->size, cases = f->cases;
	double us;

	for (unsigned i = 0; i < SAMPLES; i++)
		meter_add(&turns, turn(f, TURN));
	if (f->node->size - entries < SAMPLES * TURN / 2)
		meter_fail("acts are refused");
	us = meter_at(&turns, 0.5) / TURN;
	printf("{\"bench\":\"growth\",\"entries\":%llu,\"cases\":%llu,"
	       "\"fill_s\":%.1f,\"decide_us\":%.1f,\"decide_p10_us\":%.1f,"
	       "\"decide_p90_us\":%.1f,\"disk_bytes_per_act\":%.0f,"
	       "\"received_bytes_per_act\":%.0f,\"disk_ratio\":%.2f,"
	       "\"anon_kib\":%llu}\n",
	    (unsigned long long)entries, (unsigned long long)cases, fill_s, us,
	    meter_at(&turns, 0.1) / TURN, meter_at(&turns, 0.9) / TURN,
	    (double)disk_bytes(f->node->dir) / (double)f->acts,
	    (double)f->received / (double)f->acts,
	    (double)disk_bytes(f->node->dir) / (double)f->received,
	    meter_anon_kib());
	fflush(stdout);
	meter_free(&turns);
}

static struct federation *federation(uint64_t entries)
{
	struct country_entry entry = {.type = ENTRY_PROFILE};
	struct federation *fed = fed_new("JP", "US", NULL);

	entry.u.profile = *hf_profile_by_name("budapest");
	for (unsigned i = 0; i < fed->count; i++) {
		fed_entry(&fed->nodes[i], &entry);
		fed_build(&fed->nodes[i]);
	}
	fed_node(fed, "JP")->map_size =
	    (((size_t)entries * 6000) & ~(size_t)4095) + (256u << 20);
	fed_start(fed);
	return fed;
}

static unsigned read_sizes(char *text, uint64_t size[SIZES_MAX])
{
	unsigned n = 0;

	for (char *at = strtok(text, ","); at != NULL; at = strtok(NULL, ","))
		if (n < SIZES_MAX)
			size[n++] = strtoull(at, NULL, 10);
	for (unsigned i = 0; i < n; i++)
		if (size[i] < FILL_TURN || size[i] > UINT64_C(100000000) ||
		    (i > 0 && size[i] <= size[i - 1]))
			return 0;
	return n;
}

int main(int argc, char **argv)
{
	uint64_t size[SIZES_MAX], cases = 0;
	unsigned n = 0;
	struct filler *f = calloc(1, sizeof(*f));

	if (argc == 3) {
		n = read_sizes(argv[1], size);
		cases = strtoull(argv[2], NULL, 10);
	}
	if (n == 0 || cases == 0 || f == NULL) {
		fprintf(stderr, "usage: bench-growth SIZES CASES\n"
				"sizes from 512 entries on, ascending\n");
		return 2;
	}
	f->fed = federation(size[n - 1]);
	model(f);
	f->transport = secret_transport_key(f->author->secret);
	f->follow = (unsigned)((size[n - 1] + cases - 1) / cases) - 1;
	for (unsigned i = 0; i < n; i++) {
		double begin = meter_now();

		fill(f, size[i]);
		measure(f, meter_now() - begin);
	}
	fed_free(f->fed);
	free(f);
	return 0;
}
