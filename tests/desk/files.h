/*
 * files: what a command did to a home and to the directory of work, beside
 * what it should have done.
 */
#ifndef HF_TESTS_FILES_H
#define HF_TESTS_FILES_H

#include <stdbool.h>

/** Remember the files of this desk's home and of work as they are. */
void files_before(const char *desk);
/** And as they are now, after the run as it should be. */
void files_after(void);
/** As before again; as after again. */
void files_put_back(void);
void files_go_on(void);
/** NULL when each file is as before or after; else which is not, and how.
 * A signed act in the outbox, and the first part of what is fetched, may
 * stay.  After other answers a file may hold something else. */
const char *files_wrong(bool other_answers);

#endif
