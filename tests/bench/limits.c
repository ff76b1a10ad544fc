#include "tests/bench/limits.h"

#include "keys/secret.h"
#include "proto/crypto.h"
#include "proto/merkle.h"
#include "tests/bench/meter.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define SECONDS 0.5
#define ECHO_SIZE 512u

static double verify_rate(const struct secret *s)
{
	uint8_t message[32] = {2};
	struct hf_key key = secret_sign_key(s);
	struct hf_sig sig = secret_sign(s, message, sizeof(message));
	double begin = meter_now(), spent;
	unsigned n = 0;

	for (; (spent = meter_now() - begin) < SECONDS; n++)
		meter_must(
		    hf_verify(&key, &sig, message, sizeof(message)), "verify");
	return n / spent;
}

static double sign_rate(const struct secret *s)
{
	uint8_t message[32] = {2};
	double begin = meter_now(), spent;
	unsigned n = 0;

	for (; (spent = meter_now() - begin) < SECONDS; n++) {
		struct hf_sig sig = secret_sign(s, message, sizeof(message));

		message[0] = sig.b[0];
	}
	return n / spent;
}

static double hash_rate(void)
{
	uint8_t block[64] = {1};
	double begin = meter_now(), spent;
	unsigned n = 0;

	for (; (spent = meter_now() - begin) < SECONDS;)
		for (unsigned i = 0; i < 256; i++, n++) {
			struct hf_hash h = hf_merkle_leaf(block, sizeof(block));

			memcpy(block, h.b, sizeof(h.b));
		}
	return n / spent;
}

/* Commits of one small record each, synced. */
static double commit_rate(const char *dir)
{
	char path[512];
	double begin, spent;
	unsigned n = 0;
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi dbi;

	snprintf(path, sizeof(path), "%s/limits", dir);
	mkdir(path, 0700);
	if (mdb_env_create(&env) != 0 ||
	    mdb_env_set_mapsize(env, 64u << 20) != 0 ||
	    mdb_env_open(env, path, MDB_NOTLS, 0600) != 0)
		meter_fail("no store for the limits");
	begin = meter_now();
	for (; (spent = meter_now() - begin) < SECONDS; n++) {
		uint8_t value[64] = {(uint8_t)n};
		MDB_val k = {sizeof(n), &n}, v = {sizeof(value), value};

		if (mdb_txn_begin(env, NULL, 0, &t) != 0 ||
		    mdb_dbi_open(t, NULL, 0, &dbi) != 0 ||
		    mdb_put(t, dbi, &k, &v, 0) != 0 || mdb_txn_commit(t) != 0)
			meter_fail("a commit");
	}
	mdb_env_close(env);
	snprintf(path, sizeof(path), "%s/limits/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/limits/lock.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/limits", dir);
	rmdir(path);
	return n / spent;
}

static void *echo(void *socket)
{
	uint8_t b[ECHO_SIZE + 1];
	int n;

	while ((n = zmq_recv(socket, b, sizeof(b), 0)) > 1)
		zmq_send(socket, b, (size_t)n, 0);
	return NULL;
}

/* Round trips of 512 bytes over CURVE, one at a time. */
static double curve_rate(void)
{
	char server_public[41], server_secret[41], public[41], secret[41];
	char endpoint[64];
	uint8_t b[ECHO_SIZE] = {0};
	size_t size = sizeof(endpoint);
	void *ctx = zmq_ctx_new();
	void *server = zmq_socket(ctx, ZMQ_PAIR);
	void *client = zmq_socket(ctx, ZMQ_PAIR);
	int one = 1, zero = 0;
	double begin, spent;
	unsigned n = 0;
	pthread_t thread;

	if (zmq_curve_keypair(server_public, server_secret) != 0 ||
	    zmq_curve_keypair(public, secret) != 0 ||
	    zmq_setsockopt(server, ZMQ_CURVE_SERVER, &one, sizeof(one)) != 0 ||
	    zmq_setsockopt(server, ZMQ_CURVE_SECRETKEY, server_secret, 41) !=
		0 ||
	    zmq_bind(server, "tcp://127.0.0.1:*") != 0 ||
	    zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
	    zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, server_public, 41) !=
		0 ||
	    zmq_setsockopt(client, ZMQ_CURVE_PUBLICKEY, public, 41) != 0 ||
	    zmq_setsockopt(client, ZMQ_CURVE_SECRETKEY, secret, 41) != 0 ||
	    zmq_connect(client, endpoint) != 0 ||
	    pthread_create(&thread, NULL, echo, server) != 0)
		meter_fail("no CURVE pair");
	zmq_send(client, b, sizeof(b), 0);
	zmq_recv(client, b, sizeof(b), 0);
	for (begin = meter_now(); (spent = meter_now() - begin) < SECONDS;
	     n++) {
		zmq_send(client, b, sizeof(b), 0);
		zmq_recv(client, b, sizeof(b), 0);
	}
	zmq_send(client, b, 1, 0); /* the end */
	pthread_join(thread, NULL);
	zmq_setsockopt(client, ZMQ_LINGER, &zero, sizeof(zero));
	zmq_close(client);
	zmq_close(server);
	zmq_ctx_term(ctx);
	return n / spent;
}

void limits(const char *dir)
{
	struct secret *s = secret_new(SECRET_BROKER);

	if (s == NULL)
		meter_fail("out of memory");
	printf("{\"bench\":\"limits\",\"cores\":%ld,\"verify_per_s\":%.0f,"
	       "\"sign_per_s\":%.0f,\"sha256_64_per_s\":%.0f,"
	       "\"commits_per_s\":%.0f,\"curve_round_trips_per_s\":%.0f}\n",
	    sysconf(_SC_NPROCESSORS_ONLN), verify_rate(s), sign_rate(s),
	    hash_rate(), commit_rate(dir), curve_rate());
	secret_free(s);
}
