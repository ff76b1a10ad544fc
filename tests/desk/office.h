/*
 * office: people of three countries at their programs, in one process.
 *
 * Behind each program's link stands the real engine of its broker, with store
 * and signer, as tests/broker/wires.h has them: no socket, and time stands
 * still until office_wait.  Each desk has a home as `context new` makes it.
 */
#ifndef HF_TESTS_OFFICE_H
#define HF_TESTS_OFFICE_H

#include "proto/frames.h"
#include "proto/types.h"

#include <stdbool.h>

/** Desks cc.ncp, cc.isp, cc.isp2, cc.aud, cc.ops and cc.ca of "jp",
 * "us" and "de".
 * One in a process; its files go with office_end. */
void office_begin(void);
void office_end(void);
/** Of all files; of a desk's home ("jp.ncp"). */
const char *office_dir(void);
const char *office_home(const char *desk);
uint64_t office_now_ms(void);
/** Time goes on, and brokers speak with each other. */
void office_wait(uint64_t ms);
/** The two brokers see each other no more. */
void office_cut(void);
/** A country's document, whole and for abroad, as a file of office_dir(). */
void office_document(const char *country, const char *name, bool abroad);

/** A country's keys as files at these paths. */
void office_keys(const char *country, const char *root, const char *registrar);

/* ---- for program.c: what its link does ---- */

/** A request of the officer whose transport key this is.  map and receipt
 * lend until the next call. */
enum hf_err office_ask(const struct hf_key *officer, enum hf_op op,
    struct hf_bytes args, struct hf_bytes *map, struct hf_bytes *receipt);
/** The oldest event pushed to him and not taken yet; lent as above. */
bool office_event(
    const struct hf_key *officer, uint64_t *sequence, struct hf_bytes *map);

#endif
