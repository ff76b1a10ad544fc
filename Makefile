# Holdfast.  `make` builds into build/; `make demo` and `make check` also
# install what they need.  V=1 shows commands; B=dir builds elsewhere.
B ?= build
CC ?= gcc
V ?= 0
ifeq ($(V),0)
Q = @
endif
JOBS ?= $(shell nproc)

WARN = -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wundef -Werror
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection=full \
	-ftrivial-auto-var-init=zero
# clang 14 wants to be told twice
ifneq (,$(findstring clang,$(CC)))
HARDEN += -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
endif
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. $(CFLAGS) $(WARN) $(HARDEN) $(SAN) \
	-fPIE -ffile-prefix-map=$(CURDIR)=. -DHOLDFAST_VERSION='"$(VERSION)"'
LDFLAGS_ALL = $(SAN) $(LDFLAGS) -pie \
	-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
VERSION = 0.1.0

# One list of sources a room; the order of linking follows the arrows.
SRC_proto = $(wildcard proto/*.c)
SRC_keys = $(wildcard keys/*.c)
SRC_engine = $(wildcard broker/engine/*.c)
SRC_store = $(wildcard broker/store/*.c)
SRC_broker = $(filter-out broker/main.c,$(wildcard broker/*.c)) \
	$(wildcard broker/gate/*.c broker/signer/*.c broker/core/*.c)
SRC_client = $(filter-out client/main.c,$(wildcard client/*.c))
obj = $(patsubst %.c,$(B)/%.o,$(1))
comma = ,

LIB_proto = $(B)/libproto.a
LIB_keys = $(B)/libkeys.a
LIB_engine = $(B)/libengine.a
LIB_store = $(B)/libstore.a
LIB_broker = $(B)/libbroker.a
LIB_client = $(B)/libholdfast.a
LDLIBS = -lsodium -lmsgpackc

.PHONY: all check unit attacks e2e asan cover bench museum demo deps format doors man clean help
all: $(B)/holdfastd $(B)/holdfast

$(B)/holdfastd: $(B)/broker/main.o $(LIB_broker) $(LIB_engine) $(LIB_store) \
	$(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -lconfuse -lseccomp -lpthread $(LDLIBS)
$(B)/holdfast: $(B)/client/main.o $(LIB_client) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -ljansson $(LDLIBS)

$(foreach room,proto keys engine store broker client,\
	$(eval $(LIB_$(room)): $(call obj,$(SRC_$(room)))))
$(B)/lib%.a:
	@echo "  AR $@"
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/%.o: %.c | deps-ok
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: one Criterion program a room.
TESTS = $(foreach room,proto keys broker client desk,\
	$(if $(wildcard tests/$(room)/*.c),$(B)/test-$(room)))
define test_rule
$(B)/test-$(1): $(call obj,$(wildcard tests/$(1)/*.c tests/support/*.c)) $(2)
	$(Q)$(CC) $(LDFLAGS_ALL) $(3) -o $$@ $$^ -lcriterion -lzmq -llmdb -lconfuse -lseccomp \
		-ljansson -lpthread $(LDLIBS)
endef
$(eval $(call test_rule,proto,$(LIB_proto)))
$(eval $(call test_rule,keys,$(LIB_keys) $(LIB_proto)))
SPOILT = txn_get txn_put txn_del txn_next txn_last txn_rows store_key_new \
	store_key_get malloc calloc realloc
$(eval $(call test_rule,broker,$(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto),\
	$(addprefix -Wl$(comma)--wrap=,$(SPOILT))))
$(eval $(call test_rule,client,$(B)/tests/keys/registry.o $(LIB_client) $(LIB_keys) $(LIB_proto)))
# The program with engines behind its link; its calls fail in turn.
DESK_WRAPS = $(addprefix link_,open close trouble tell_busy call watch event) \
	out_now randombytes_buf isatty malloc calloc realloc strdup strndup \
	open fopen fdopen tmpfile read pread write fread fwrite fgets fflush fclose \
	fseeko fsync rename stat lstat fstat ftruncate flock mkdir opendir
$(eval $(call test_rule,desk,$(call obj,$(addprefix tests/broker/,fixture.c draft.c wires.c)) \
	$(LIB_client) $(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto),\
	$(addprefix -Wl$(comma)--wrap=,$(DESK_WRAPS))))

# Decoders and readers under any bytes (tests/fuzz, tests/README.md).
FUZZ_NAMES = $(sort $(patsubst tests/fuzz/fuzz_%.c,%,\
	$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_LIBS = $(LIB_client) $(LIB_broker) $(LIB_engine) $(LIB_store) \
	$(LIB_keys) $(LIB_proto)
FUZZ_LINK = $(addprefix -Wl$(comma)--wrap=,txn_put txn_del link_call \
	hf_verify secret_sign hf_key_is_valid regcomp regfree \
	crypto_hash_sha256_update crypto_hash_sha256_final) \
	-lcriterion -lzmq -llmdb -lconfuse -lseccomp -ljansson -lpthread $(LDLIBS)
FUZZ_ONCE = $(call obj,tests/fuzz/once.c tests/sim/hashes.c \
	tests/sim/signatures.c)
FUZZ_RIG = $(FUZZ_ONCE) $(call obj,$(addprefix tests/fuzz/,fuzz.c rig.c tree.c) \
	tests/broker/fixture.c tests/broker/draft.c tests/broker/wires.c)
$(B)/fuzz/%.o: tests/fuzz/fuzz_%.c | deps-ok
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -DLLVMFuzzerTestOneInput=harness_$* \
		-MMD -MP -c -o $@ $<
$(B)/tests/fuzz/replay.o: ALL_CFLAGS += \
	'-DFUZZ_EACH(F)=$(foreach n,$(FUZZ_NAMES),F($(n)))'
$(B)/tests/fuzz/replay.o: $(wildcard tests/fuzz/fuzz_*.c)
$(B)/replay: $(B)/tests/fuzz/replay.o $(FUZZ_NAMES:%=$(B)/fuzz/%.o) \
	$(FUZZ_RIG) $(FUZZ_LIBS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(FUZZ_LINK)
$(B)/seeds: $(call obj,tests/fuzz/seeds.c tests/fuzz/seeds_client.c \
	tests/client/bundle_rig.c tests/client/ledger_rig.c \
	tests/keys/registry.c) $(FUZZ_RIG) $(FUZZ_LIBS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(FUZZ_LINK)
$(B)/corpus/.made: $(B)/seeds tests/fuzz/corpus.py \
	$(wildcard proto/vectors/*.json tests/fuzz/found/*)
	$(Q)rm -rf $(@D) && mkdir -p $(@D)
	$(Q)$(B)/seeds $(@D)
	$(Q)/usr/bin/python3 tests/fuzz/corpus.py $(@D)
	@touch $@
FUZZ_DRIVER = $(B)/replay $(B)/corpus/.made
# One program of libFuzzer a harness: make fuzz SECONDS=60 FUZZ="act link",
# or RUNS=1000000; VARIANT=undefined without ASan, several times as fast.
FUZZ ?= $(FUZZ_NAMES)
FUZZ_BIN = $(FUZZ:%=$(B)/libfuzzer-%)
VARIANT ?= address
FUZZ_B = $(B)/fuzzing$(filter-out -address,-$(VARIANT))
FUZZ_CFLAGS_address = -O1 -g
FUZZ_SAN_address = -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS_undefined = -O2 -g
FUZZ_SAN_undefined = -fsanitize=undefined -fsanitize-trap=undefined
FUZZ_COVER_address = -fsanitize=fuzzer-no-link
# comparisons, memcmp and strcmp are told to libFuzzer by the other variant
FUZZ_COVER_undefined = -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp
FUZZ_ENGINE_address = -fsanitize=fuzzer
FUZZ_ENGINE_undefined = $$(clang --print-runtime-dir)/libclang_rt.fuzzer-$$(uname -m).a \
	-lstdc++ -lm
FUZZ_ENGINE = $(FUZZ_ENGINE_$(VARIANT))
$(B)/timed/%.o: tests/fuzz/fuzz_%.c | deps-ok
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -DLLVMFuzzerTestOneInput=fuzz_harness \
		-MMD -MP -c -o $@ $<
# what is not the product is not what coverage is asked of
$(FUZZ_RIG) $(B)/tests/fuzz/timed.o: ALL_CFLAGS += $(FUZZ_UNSEEN)
# an archive: a harness without brokers has no counters of theirs
$(B)/librig.a: $(FUZZ_RIG)
$(B)/libfuzzer-%: $(B)/timed/%.o $(B)/tests/fuzz/timed.o $(FUZZ_ONCE) \
	$(B)/librig.a $(FUZZ_LIBS)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(FUZZ_ENGINE) $(FUZZ_LINK)
.PHONY: fuzz fuzz-programs fuzz-driver fuzz-table exhaustive
.SECONDARY: $(FUZZ_NAMES:%=$(B)/timed/%.o)
fuzz-programs: $(FUZZ_BIN)
fuzz-driver: $(FUZZ_DRIVER)
fuzz: $(FUZZ_DRIVER)
	@PACKAGES=ops/packages-dev sh ops/install-deps
	$(Q)$(MAKE) --no-print-directory CC=clang B=$(FUZZ_B) \
		CFLAGS="$(FUZZ_CFLAGS_$(VARIANT))" HARDEN= FUZZ="$(FUZZ)" \
		SAN="$(FUZZ_SAN_$(VARIANT)) $(FUZZ_COVER_$(VARIANT))" \
		FUZZ_UNSEEN=-fno-sanitize-coverage=inline-8bit-counters,indirect-calls,trace-cmp,pc-table,stack-depth \
		fuzz-programs
	@RUNS="$(RUNS)" UPTO="$(UPTO)" SECONDS="$(SECONDS)" JOBS="$(JOBS)" \
		tests/fuzz/run $(B) $(VARIANT) $(FUZZ)
# What all runs of this build directory have executed.
fuzz-table:
	@tests/fuzz/run $(B) $(VARIANT)
# All inputs of up to BYTES bytes through the cheap harnesses.
BYTES ?= 3
exhaustive: $(FUZZ_DRIVER)
	$(B)/replay -x $(BYTES) $(B)/corpus

# Threads: drivers without Criterion, which does not start under this.
TSAN_ROUNDS ?= 20
$(B)/tsan-arrivals: $(B)/tests/tsan/arrivals.o $(LIB_broker) $(LIB_engine) \
	$(LIB_store) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -lconfuse -lpthread $(LDLIBS)
.PHONY: tsan tsan-programs
tsan-programs: $(B)/tsan-arrivals $(B)/bench-audit
tsan: $(FUZZ_DRIVER)
	$(Q)$(MAKE) --no-print-directory B=$(B)/tsan CFLAGS="-O1 -g" HARDEN= \
		SAN="-fsanitize=thread" tsan-programs
	TSAN_OPTIONS=halt_on_error=1 $(B)/tsan/tsan-arrivals $(TSAN_ROUNDS) $(B)/corpus
	TSAN_OPTIONS=halt_on_error=1 $(B)/tsan/bench-audit 2000 4

# What other readers of the source say; checks that are off: .clang-tidy and
# tests/lint.  ANALYZER=1 adds gcc's, which takes many minutes.
.PHONY: lint
lint: deps-ok
	@PACKAGES=ops/packages-dev sh ops/install-deps
	@sh tests/lint $(if $(filter 1,$(ANALYZER)),--analyzer)

# The end-to-end tests with the brokers and their children under memcheck.
.PHONY: valgrind
VALGRIND_TESTS ?=
$(B)/slow.so: $(B)/tests/e2e/slow.o
	$(Q)$(CC) -shared -o $@ $^
$(B)/tests/e2e/slow.o: ALL_CFLAGS += -fPIC
valgrind: all $(B)/slow.so $(B)/bench-load
	@PACKAGES=ops/packages-dev sh ops/install-deps
	@sh tests/valgrind $(B) $(VALGRIND_TESTS)

# What it costs, beside what the machine can do: BENCH="intake relay" for
# some of it; a ledger of BENCH_ENTRIES entries.

$(B)/bench-ledger: $(call obj,tests/bench/ledger.c tests/bench/meter.c) $(LIB_engine) $(LIB_store) \
	$(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -llmdb $(LDLIBS)
# The rig's checks want Criterion.
$(B)/bench-audit: $(call obj,tests/bench/audit.c tests/bench/meter.c \
	tests/client/ledger_rig.c \
	tests/keys/registry.c) $(LIB_client) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcriterion -lzmq -llmdb -ljansson $(LDLIBS)
$(B)/bench-load: $(call obj,$(addprefix tests/bench/,load.c desk.c acts.c hop.c \
	watch.c pace.c procs.c limits.c meter.c)) \
	$(LIB_client) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -ljansson -lpthread $(LDLIBS)
$(B)/bench-growth: $(call obj,tests/bench/growth.c tests/bench/meter.c \
	tests/broker/fixture.c tests/broker/draft.c) $(LIB_broker) \
	$(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcriterion -lzmq -llmdb -lconfuse \
		-lpthread $(LDLIBS)
$(B)/bench-syncs.so: tests/bench/syncs.c tests/bench/syncs.h | deps-ok
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $< -ldl
BENCH_PROGRAMS = $(addprefix $(B)/bench-,ledger load audit growth syncs.so)
# What make check runs of it, tiny.
.PHONY: bench-programs bench-smoke
bench-smoke: $(filter-out %-ledger %-audit,$(BENCH_PROGRAMS))
bench-programs: $(BENCH_PROGRAMS)
bench: all bench-programs
	@HOLDFAST_BUILD=$(abspath $(B)) tests/bench/run $(BENCH)

# A simulated federation; tests/README.md has the parameters.
SIM_FLAGS = -Itests/sim/plain
SIM_SHARED = fixture draft whim
SIM_WRAPS = $(addprefix store_,open close usage tick key_new key_get \
	keys_destroy) $(addprefix txn_,begin abort commit get put del next last \
	rows store) $(addprefix crypto_hash_sha256_,update final) \
	clock_gettime adjtimex log_line hf_verify hf_key_is_valid secret_sign
$(B)/plain/%.o: %.c | deps-ok
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(SIM_FLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/sim: $(patsubst %,$(B)/plain/tests/broker/%.o,$(SIM_SHARED)) \
	$(patsubst %.c,$(B)/plain/%.o,$(wildcard tests/sim/*.c)) \
	$(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) $(addprefix -Wl$(comma)--wrap=,$(SIM_WRAPS)) \
		-o $@ $^ -lzmq -llmdb -lconfuse -lpthread $(LDLIBS)
.PHONY: sim explore times
sim explore times: $(B)/sim
	@$(B)/sim $@

# States that a power cut leaves: STATES=n SEED=s.  Criterion stays out.
$(B)/crash: $(patsubst %.c,$(B)/plain/%.o,$(wildcard tests/crash/*.c) \
	$(addprefix tests/broker/,$(addsuffix .c,$(SIM_SHARED) wires))) \
	$(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -Wl,--wrap=mdb_env_open -o $@ $^ -lzmq -llmdb \
		-lconfuse -lpthread $(LDLIBS)
.PHONY: crash
crash: $(B)/crash
	@sh tests/crash/run $(B)
# Calls that fail, memory there is not, a full disk: RUNS=0 for every one;
# then calls of the processes of real brokers (SECONDS= bounds these).
.PHONY: faults
RUNS ?= 0
FAULTS = $(B)/inject.so
$(B)/inject.so: $(B)/tests/faults/inject.o
	$(Q)$(CC) -shared -o $@ $^ -ldl
$(B)/tests/faults/inject.o: ALL_CFLAGS += -fPIC
faults: all $(B)/crash $(FAULTS)
	@RUNS=$(RUNS) sh tests/crash/run $(B) faults
	@HOLDFAST_BUILD=$(abspath $(B)) SECONDS=$(SECONDS) tests/faults/run

# Stands between a broker and libzmq or the kernel: one thing spoilt.
$(B)/spoil.so: $(B)/tests/auth/spoil.o
	$(Q)$(CC) -shared -o $@ $^ -ldl
$(B)/tests/auth/spoil.o: ALL_CFLAGS += -fPIC

$(B)/revocations: $(call obj,$(addprefix tests/auth/,revocations.c \
	registrar.c) $(addprefix tests/bench/,desk.c acts.c meter.c)) \
	$(LIB_client) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -ljansson $(LDLIBS)

# Who may enter, and who may no more: every cell of the matrix, starts that
# are refused, TRIALS of revocation under load.
TRIALS ?= 100
AUTH = $(B)/revocations $(B)/bench-load $(B)/spoil.so
.PHONY: auth revocations
auth: all $(B)/test-broker $(AUTH)
	@$(B)/test-broker --filter 'gate_*/*' --timeout 180
	@HOLDFAST_BUILD=$(B) python3 tests/e2e/run.py --only auth_
	@HOLDFAST_BUILD=$(B) tests/auth/run $(TRIALS)
revocations: all $(AUTH)
	@HOLDFAST_BUILD=$(B) tests/auth/run $(TRIALS)

# Every process of a broker ends by SIGKILL under load, KILLS times.
$(B)/kills-traffic: $(call obj,tests/kills/traffic.c $(addprefix tests/bench/,\
	desk.c acts.c meter.c)) $(LIB_client) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -ljansson $(LDLIBS)
KILLS ?= 100
.PHONY: kills
kills: all $(B)/kills-traffic
	@HOLDFAST_BUILD=$(abspath $(B)) tests/kills/run $(KILLS)

# The long versions of everything in turn, with figures against A1 to A18.
.PHONY: soak
soak: all unit $(B)/sim $(B)/crash
	@python3 tests/soak/run $(B) $(or $(HOURS),1)

# Set-up, once: the stamp says that every package of ops/packages is there.
.PHONY: deps-ok
deps-ok: $(B)/.deps
$(B)/.deps: ops/packages
	@mkdir -p $(@D)
	@sh ops/install-deps
	@touch $@
deps: deps-ok

# Manual pages; the commands of holdfast(1) come from its table.
man: $(addprefix $(B)/man/,holdfast.1 holdfastd.8 holdfastd.conf.5)
$(B)/man/%: ops/man/%.scd | deps-ok
	@mkdir -p $(@D)
	$(Q)scdoc < $< > $@ || { rm -f $@; exit 1; }
$(B)/man/holdfast.1: ops/man/holdfast.1.scd $(B)/holdfast
	@mkdir -p $(@D)
	$(Q)$(B)/holdfast help scdoc > $@.tables
	$(Q)sed -e '/^@TABLES@$$/{r $@.tables' -e 'd}' $< > $@.scd
	$(Q)scdoc < $@.scd > $@ || { rm -f $@; exit 1; }

unit: $(TESTS) fuzz-driver
# Every bit of a ledger of 1 MiB, and ATTACKS structural attacks: minutes.
ATTACKS ?= 100000
attacks: $(B)/test-client
	@HF_ATTACK_FLIPS=all HF_ATTACK_SAMPLES=300 HF_ATTACK_COUNT=$(ATTACKS) \
		$(B)/test-client --filter '@(attack|audit)/*' --jobs 2 --timeout 14400
check: doors format-check all unit $(B)/sim $(B)/crash $(B)/kills-traffic \
		$(B)/hostile-flood.so $(AUTH) $(FAULTS) bench-smoke man
	@sh tests/man $(B)
	@sh tests/run $(B)
asan:
	$(Q)$(MAKE) --no-print-directory B=$(B)/asan CFLAGS="-O1 -g" HARDEN= \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
		all unit $(B)/asan/sim $(B)/asan/kills-traffic
	@sh tests/run --asan $(B)/asan
# Branches that make check takes (tests/cover): counters live in files that
# are mapped at the start, so that neither walls nor a kill loses them.
COVER = -fprofile-instr-generate=$(abspath $(B))/cover/counters/%c%m
cover: deps-ok
	@PACKAGES=ops/packages-dev sh ops/install-deps
	$(Q)$(MAKE) --no-print-directory CC=clang B=$(B)/cover CFLAGS="-O1 -g" \
		HARDEN= LDFLAGS="$(COVER)" COUNT="$(COVER) -fcoverage-mapping \
		-mllvm -runtime-counter-relocation \
		-mllvm -instrprof-atomic-counter-update-all" cover-programs
	@tests/cover/run $(B)/cover
.PHONY: cover-programs
cover-programs: all unit $(B)/sim $(B)/crash $(B)/kills-traffic \
		$(B)/hostile-flood.so $(AUTH) $(FAULTS) bench-smoke
# the whole name tells static functions of like files apart
$(foreach room,proto keys broker client,$(B)/$(room)/%.o): ALL_CFLAGS += \
	$(if $(COUNT),$(COUNT) -Xclang -main-file-name -Xclang $<)
# A hostile network: CONNECTIONS raw ones, SECONDS of each phase.
CONNECTIONS ?= 10000
ONLY ?=
.PHONY: hostile
$(B)/hostile-flood.so: tests/hostile/flood.c | deps-ok
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $< -lsodium
hostile: all $(B)/hostile-flood.so
	@HOLDFAST_BUILD=$(abspath $(B)) tests/hostile/run.py \
		--connections $(CONNECTIONS) --seconds $(or $(SECONDS),30) --only "$(ONLY)"
demo: all
	@ops/demo/run $(B)
# Bugs put back, each to be found by the suite: PIECE="fork key" for some.
museum: deps-ok
	@HOLDFAST_MUSEUM=$(abspath $(B))/museum tests/museum/run $(PIECE)
doors: deps-ok
	@sh tests/doors
.PHONY: format-check
format-check: deps-ok
	@clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
format:
	clang-format -i $$(git ls-files '*.c' '*.h' && \
		git ls-files -o --exclude-standard '*.c' '*.h')
clean:
	rm -rf $(B)
help:
	@sed -n '1,2p' Makefile
	@echo "targets: all check asan cover bench demo man unit format doors clean"
	@echo "         auth revocations"
	@echo "         attacks exhaustive explore fuzz hostile kills lint museum sim soak times tsan"
	@echo "         valgrind (tests/README.md)"

-include $(shell find $(B) -name '*.d' 2>/dev/null)
