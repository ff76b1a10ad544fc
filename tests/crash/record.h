/*
 * record: what a process writes to its files, as a list of operations.
 *
 * The program's own pwrite, fdatasync, rename and so on stand before libc's
 * (liblmdb's calls come here too), carry the call out and note it in the log of
 * the directory that the file is in.  lock.mdb is not noted: it means nothing
 * after a power cut.
 */
#ifndef HF_TESTS_CRASH_RECORD_H
#define HF_TESTS_CRASH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES_MAX 12u /* of a directory, ever */
#define LOGS_MAX 4u

enum op_type {
	OP_WRITE,
	OP_SIZE,
	OP_SYNC,
	OP_CREATE,
	OP_RENAME,
	OP_SYNC_DIR,
	OP_MARK /* something left the process: what was called has returned */
};

/** 128 bits of a hash.  Those of sectors add up by XOR. */
struct mark {
	uint64_t a, b;
};

struct op {
	enum op_type type;
	unsigned file;  /* index; OP_RENAME: the file that moves */
	unsigned other; /* OP_RENAME: the name it takes */
	bool durable;   /* by O_DSYNC */
	uint64_t at;    /* OP_WRITE; OP_SIZE: the size */
	size_t size;
	uint8_t *data;
	struct mark *marks; /* of its whole sectors; by log_mark */
};

/** Operations in one directory.  A file is known by the name it was created
 * under. */
struct log {
	char dir[96];
	unsigned file_count;
	char names[FILES_MAX][32];
	struct op *ops;
	size_t count, room;
};

/** Note everything below directories that begin with `prefix`; each
 * directory gets a log.  Forgets what was noted before. */
void record_start(const char *prefix);
void record_stop(void);
/** Note OP_MARK; returns the count of operations with it. */
size_t record_mark(const char *dir);
/** NULL: nothing was written there. */
struct log *record_log(const char *dir);
/** Move a log out; its operations are the caller's. */
void record_take(const char *dir, struct log *out);
/** Forget the operations, keep the names. */
void log_clear(struct log *l);
/** Index of a name, made known if it was not. */
unsigned log_file(struct log *l, const char *name);

/** Whoever maps this file for reading gets this map of it (PROT_READ, shared,
 * of the same size), and unmapping leaves it: else most of the time of opening
 * a store would be page faults.  It shows the file as it is, like any map. */
void record_keep_map(int fd, void *map, size_t size);
void record_drop_map(void *map);

/** Open every store without sync from now on (the control). */
extern bool record_nosync;

/** One call that fails, among the calls on files that are noted. */
enum call {
	CALL_OPEN,
	CALL_WRITE,  /* pwrite, write */
	CALL_VECTOR, /* pwritev, writev */
	CALL_SYNC,   /* fsync, fdatasync */
	CALL_SIZE,   /* ftruncate */
	CALL_RENAME,
	CALL_READ,  /* pread */
	CALL_ALLOC, /* malloc, calloc, realloc, of anything */
	CALL_COUNT
};
struct fault {
	enum call call;
	uint64_t nth;    /* from 1; 0: none fails, they are counted */
	int error;       /* errno; 0: half is done, and that is told */
	bool on;         /* every one from the nth */
	uint64_t budget; /* bytes that files may grow; 0: no bound */
	uint64_t seen[CALL_COUNT], grown;
	bool fired;
	char file[32];         /* that it failed on */
	const unsigned *count; /* of what was acknowledged: its address */
	unsigned acks;         /* its value then */
};
/** The fault of this process; NULL: none, and nothing is counted. */
extern struct fault *record_fault;

#endif
