/*
 * home: an officer of the rig (rig.h) as his program sees him.  Apart from
 * it, since names of the broker and of the client clash.
 */
#ifndef HF_TESTS_FUZZ_HOME_H
#define HF_TESTS_FUZZ_HOME_H

#include "client/home.h"

/** JP's contact point: his key, the rig's documents; made at the first call. */
struct home *rig_home(void);

#endif
