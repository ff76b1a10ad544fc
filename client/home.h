/*
 * home: one person's client home: who I am, which broker, what I pinned.
 *
 *   HOME/contexts/NAME.json  broker, broker_key, country, desk, key
 *   HOME/current             name of the context in use
 *   HOME/officer.key         secret file (keys/secret.h)
 *   HOME/pins/CC.pin         one hfr1: line
 *   HOME/docs/CC.hfd         newest document seen (cache)
 *   HOME/outbox/ID.act       signed, not yet known to be entered
 *   HOME/ledger/           an auditor's archive (client/archive.h)
 *   HOME/agent.sock
 */
#ifndef HF_CLIENT_HOME_H
#define HF_CLIENT_HOME_H

#include "keys/roster.h"
#include "keys/secret.h"

#define HOME_PATH_MAX 1024

struct home {
	char path[HOME_PATH_MAX];
	char context[64];
	char broker[ENDPOINT_TEXT_MAX];
	struct hf_key broker_key; /* hfb1 */
	struct hf_country country;
	struct hf_desk desk;
	char key_file[HOME_PATH_MAX];
	struct signer *signer; /* home_unlock */
	bool swappable;        /* its secrets could not be locked in memory */
	struct roster *roster; /* pins and cached documents */
	char problem[256];     /* of the last error: file, line, what */
};

/** Find the home: `path`, else $HOLDFAST_HOME, else ~/.holdfast; read the
 * context (`context` NULL: current), pins and cached documents.
 * Errors: HF_CONTEXT, HF_FILE, HF_NOMEM */
HF_MUST_USE enum hf_err home_open(
    struct home *h, const char *path, const char *context);
/** Only the pins, into a new roster: none where there is no home.
 * Errors: HF_FILE, HF_RANGE, HF_TYPE (h->problem says which), HF_NOMEM */
HF_MUST_USE enum hf_err home_pins(
    struct home *h, const char *path, struct roster **pins);
void home_close(struct home *h);
/** Agent if one runs, else the key file (prompting on a terminal unless
 * `no_input`).  Errors: HF_KEYFILE, HF_PASSPHRASE, HF_FILE */
HF_MUST_USE enum hf_err home_unlock(struct home *h, bool no_input);
/** Ask for the passphrase of the key file on the terminal, without echo. */
bool home_prompt(const struct home *h, char *out, size_t capacity);
/** Atomic write: temporary file, fsync, rename, fsync of the directory. */
HF_MUST_USE enum hf_err home_write(
    const char *path, const void *data, size_t size, unsigned mode);
/** Make a directory of the home (0700); it may exist.  Remove a file. */
void home_make_dir(const char *path);
void home_remove(const char *path);
/** Whole file, malloc'ed; at most `max` bytes. */
HF_MUST_USE enum hf_err home_read(
    const char *path, size_t max, uint8_t **data, size_t *size);

#endif
