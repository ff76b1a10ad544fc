/*
 * config: holdfastd.conf (libconfuse), read whole, checked whole.
 */
#ifndef HF_BROKER_CONFIG_H
#define HF_BROKER_CONFIG_H

#include "broker/engine/engine.h"
#include "proto/types.h"

#include <stdio.h>

#define CONFIG_PATH_MAX 1024
#define CONFIG_SIZE_MAX 65536u /* bytes of the file */

struct config {
	char file[CONFIG_PATH_MAX];
	struct hf_country country;
	char data_dir[CONFIG_PATH_MAX];
	char key_file[CONFIG_PATH_MAX];
	char passphrase_file[CONFIG_PATH_MAX];       /* empty: none */
	char desk_endpoint[128], peer_endpoint[128]; /* tcp://literal:port */
	char pins_dir[CONFIG_PATH_MAX];              /* CC.pin */
	char documents_dir[CONFIG_PATH_MAX];         /* *.hfd */
	size_t map_size;                             /* bytes */
	/* SPEC 6.9 */
	unsigned witness_count;
	struct hf_country witnesses[HF_WITNESSES_MAX];
	unsigned witness_quorum;
	uint32_t witness_max_age_s;
	uint64_t disk_reserve; /* bytes that stay free on data_dir's disk */
	uint32_t epoch;
	bool accept_rollback; /* not in the file: --accept-rollback, once */
	uint32_t quota_acts_per_minute;
	/* of each gate */
	uint32_t connections_max, source_connections_max, handshakes_max;
	uint32_t session_hours_max;
	struct admission_options admission;
	uint32_t routine_percent, emergency_percent; /* of the store */
	uint32_t restarts_per_minute; /* of its processes; then it gives up */
};

/** Read `file`; every problem is printed to `out` as "FILE:LINE: what".
 * Errors: HF_CONFIG */
HF_MUST_USE enum hf_err config_read(
    struct config *c, const char *file, FILE *out);

#endif
