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

LIB_proto = $(B)/libproto.a
LIB_keys = $(B)/libkeys.a
LIB_engine = $(B)/libengine.a
LIB_store = $(B)/libstore.a
LIB_broker = $(B)/libbroker.a
LIB_client = $(B)/libholdfast.a
LDLIBS = -lsodium -lmsgpackc

.PHONY: all check unit e2e asan cover bench demo deps format doors man clean help
all: $(B)/holdfastd $(B)/holdfast

$(B)/holdfastd: $(B)/broker/main.o $(LIB_broker) $(LIB_engine) $(LIB_store) \
	$(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lzmq -llmdb -lconfuse -lpthread $(LDLIBS)
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
TESTS = $(foreach room,proto keys broker client,\
	$(if $(wildcard tests/$(room)/*.c),$(B)/test-$(room)))
define test_rule
$(B)/test-$(1): $(call obj,$(wildcard tests/$(1)/*.c tests/support/*.c)) $(2)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ -lcriterion -lzmq -llmdb -lconfuse \
		-ljansson -lpthread $(LDLIBS)
endef
$(eval $(call test_rule,proto,$(LIB_proto)))
$(eval $(call test_rule,keys,$(LIB_keys) $(LIB_proto)))
$(eval $(call test_rule,broker,$(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto)))
$(eval $(call test_rule,client,$(B)/tests/keys/registry.o $(LIB_client) $(LIB_keys) $(LIB_proto)))

# What it costs: a ledger of BENCH_ENTRIES entries.
BENCH_ENTRIES ?= 1000000
$(B)/bench-ledger: $(B)/tests/bench/ledger.o $(LIB_engine) $(LIB_store) \
	$(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -llmdb $(LDLIBS)
bench: $(B)/bench-ledger
	@$(B)/bench-ledger $(BENCH_ENTRIES)

# States that a power cut leaves: STATES=n SEED=s.  Criterion stays out.
$(B)/plain/%.o: %.c | deps-ok
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) -Itests/sim/plain $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/crash: $(patsubst %.c,$(B)/plain/%.o,$(wildcard tests/crash/*.c) \
	tests/broker/fixture.c tests/broker/draft.c) \
	$(LIB_broker) $(LIB_engine) $(LIB_store) $(LIB_keys) $(LIB_proto)
	$(Q)$(CC) $(LDFLAGS_ALL) -Wl,--wrap=mdb_env_open -o $@ $^ -lzmq -llmdb \
		-lconfuse -lpthread $(LDLIBS)
export STATES SEED CASES
.PHONY: crash
crash: $(B)/crash
	@sh tests/crash/run $(B)

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

unit: $(TESTS)
check: doors format-check all unit man $(B)/crash
	@sh tests/man $(B)
	@sh tests/run $(B)
asan:
	$(Q)$(MAKE) --no-print-directory B=$(B)/asan CFLAGS="-O1 -g" HARDEN= \
		SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
		all unit
	@sh tests/run --asan $(B)/asan
cover:
	$(Q)$(MAKE) --no-print-directory B=$(B)/cover CFLAGS="-O0 -g --coverage" \
		HARDEN= LDFLAGS=--coverage unit
	@sh tests/cover $(B)/cover
demo: all
	@ops/demo/run $(B)
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
	@echo "targets: all check asan cover demo man unit format doors clean"

-include $(shell find $(B) -name '*.d' 2>/dev/null)
