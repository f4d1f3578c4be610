# SPDX-License-Identifier: Apache-2.0
# Sluice. `make help` lists the targets; docs/ARCHITECTURE.md says what is built from what.
#   V=1                          show the full commands
#   O=dir                        build there (default: build)
#   CC=clang-14                  another compiler
#   SANITIZE=address,undefined   instrument the userspace code
#   ONLY=word                    of the suites, those with the word in their path
# A change of compiler or flags rebuilds what they touch, and nothing else does.

O        ?= build
BPF_O    ?= $(O)
SANITIZE ?=
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0
Q        := $(if $(V),,@)
say       = @printf '  %-7s %s\n' $(1) $(patsubst $(O)/%,%,$@)

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c
MAKEFLAGS   += --no-builtin-rules
export PATH := $(PATH):/usr/sbin:/sbin
export SL_BUILD := $(O)

ifeq ($(origin CC),default)
CC := gcc
endif
AR        := ar
FUZZ_CC   ?= clang-14
BPF_CLANG ?= $(notdir $(firstword $(shell command -v clang-19 clang-18 clang-17 clang-16 clang clang-14)))
BPFTOOL   ?= bpftool
PKGS      := libbpf libxdp yaml-0.1 jansson libevent libcap libseccomp libnats libcrypto \
	     sqlite3 libcurl hiredis

.PHONY: all
all: ## build everything: agent, CLI, BPF programs, tools
# (the prerequisites of all come at the end of the rules)

# ---- what there is --------------------------------------------------------------

BPF_SRC      := $(wildcard bpf/*.bpf.c)
BPF_TEST_SRC := $(wildcard tests/bpf/*.bpf.c tests/bench/*.bpf.c)
LIB_SRC      := $(filter-out $(wildcard userspace/*/main*.c),$(wildcard userspace/*/*.c))
AGENT_SRC    := $(wildcard userspace/agent/main*.c)
CLI_SRC      := $(wildcard userspace/cli/main*.c)
ROUTER_SRC   := $(wildcard userspace/router/main*.c)
WORKER_SRC   := $(wildcard userspace/worker/main*.c)
USAGE_SRC    := $(wildcard userspace/usage/main*.c)
NGINX_SRC    := $(wildcard userspace/gateway/nginx/*.c)
HARNESS_SRC  := $(wildcard tests/harness/*.c)
UNIT_SRC     := $(wildcard tests/unit/test_*.c tests/unit/*/test_*.c tests/unit/*/*/test_*.c)
KERNEL_SRC   := $(wildcard tests/bpf/test_*.c)
BENCH_SRC    := $(filter-out %.bpf.c,$(wildcard tests/bench/*.c))
TOOL_SRC     := $(wildcard tests/tools/*.c)
FUZZ_SRC     := $(wildcard tests/fuzz/fuzz_*.c)
SIM_SRC      := $(wildcard tests/sim/*.c)
INTEGRATION   = $(call only,$(wildcard tests/integration/test_*.sh))
LINTS         = $(call only,$(sort $(wildcard tests/lint/check_*.sh tests/lint/house_rules.sh tests/lint/test_*.sh)))

# ONLY=word keeps the suites with that word in their path.
ONLY ?=
only  = $(if $(ONLY),$(foreach file,$(1),$(if $(findstring $(ONLY),$(file)),$(file))),$(1))

SKEL      := $(if $(BPF_SRC),$(BPF_O)/skel/sluice.skel.h)
TEST_SKEL := $(addprefix $(BPF_O)/skel/,$(notdir $(BPF_TEST_SRC:.bpf.c=.skel.h)))
LIB       := $(O)/libsluice.a
HARNESS   := $(O)/libharness.a
AGENT     := $(if $(AGENT_SRC),$(O)/bin/sluiced)
CLI       := $(if $(CLI_SRC),$(O)/bin/sluicectl)
DAEMONS   := $(if $(ROUTER_SRC),$(O)/bin/sluice-router) $(if $(WORKER_SRC),$(O)/bin/sluice-worker) \
	     $(if $(USAGE_SRC),$(O)/bin/sluice-usage)
MODULE    := $(if $(NGINX_SRC),$(O)/bin/ngx_http_sluice_module.so)
UNIT      := $(patsubst %.c,$(O)/%,$(call only,$(UNIT_SRC)))
KERNEL    := $(patsubst %.c,$(O)/%,$(call only,$(KERNEL_SRC)))
BENCH     := $(BENCH_SRC:tests/bench/%.c=$(O)/bin/bench-%)
TOOLS     := $(TOOL_SRC:tests/tools/%.c=$(O)/bin/%)
FUZZ      := $(patsubst %.c,$(O)/%,$(call only,$(FUZZ_SRC)))
SIM       := $(O)/bin/sim
STEP_CLOCK := $(O)/bin/step_clock.so
obj        = $(patsubst %.c,$(O)/obj/%.o,$(1))

# ---- flags ----------------------------------------------------------------------

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wformat=2 -Wundef -Wvla \
	-Wdouble-promotion -Wconversion -Wswitch-enum -Wimplicit-fallthrough
# Asked of the compiler once: gcc has these, clang 14 refuses them.
PROBED := -Wformat-signedness -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
	-Wjump-misses-init -Wnull-dereference -Wcast-align=strict -Wformat-overflow=2 \
	-Wformat-truncation=2 -ftrivial-auto-var-init=zero
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIC \
	$(if $(SANITIZE)$(findstring -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDEN_LD := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)

CFLAGS  ?= -O2 -g
LDFLAGS ?=
EXTRA   :=
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
REPRO    := -ffile-prefix-map=$(CURDIR)=.
BPF_FLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wshadow \
	-D__TARGET_ARCH_$(BPF_ARCH) -I. -Iinclude $(REPRO)
LINK_FUZZ ?=

# These goals only read or remove: they need no compiler.
ifneq ($(filter-out help clean hooks test demo run up down setup format vmlinux,$(or $(MAKECMDGOALS),all)),)

probe_file := $(O)/probed-$(notdir $(CC))
probed := $(shell [ $(probe_file) -nt Makefile ] || { mkdir -p $(O); for f in $(PROBED); do \
	echo 'int x;' | $(CC) -Werror $$f -x c -c -o /dev/null - 2>/dev/null && printf '%s ' $$f; \
	done >$(probe_file); }; cat $(probe_file))
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS)) -lelf -lz -lm

SL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DSL_VERSION='"$(VERSION)"' $(WARN) $(probed) $(HARDEN) \
	$(SAN) $(REPRO) -fno-common -I. -Iinclude -isystem $(BPF_O)/skel $(PKG_CFLAGS) $(CFLAGS)
SL_LDFLAGS = $(HARDEN_LD) $(SAN) $(LDFLAGS)

# Keeps $(2) in the file $(1), touched only when it changes: what depends on it is then rebuilt.
same = $(and $(findstring x$(strip $(1))x,x$(strip $(2))x),$(findstring x$(strip $(2))x,x$(strip $(1))x))
define remember
$(if $(and $(wildcard $(1)),$(call same,$(file <$(1)),$(2))),,$(shell \
	mkdir -p $(dir $(1)))$(file >$(1),$(strip $(2))))
endef
$(call remember,$(O)/stamp/cc,$(CC) $(SL_CFLAGS))
$(call remember,$(O)/stamp/ld,$(CC) $(SL_LDFLAGS) $(LINK_FUZZ) $(PKG_LIBS))
$(call remember,$(O)/stamp/lib,$(LIB_SRC))
$(call remember,$(O)/stamp/harness,$(HARNESS_SRC))
$(call remember,$(BPF_O)/stamp/bpf,$(BPF_CLANG) $(BPF_FLAGS))
$(call remember,$(BPF_O)/stamp/bpf-list,$(BPF_SRC))

endif

# Only after `make clean all` in one run.
$(sort $(O)/stamp/% $(BPF_O)/stamp/%):
	$(Q)mkdir -p $(@D) && touch $@

# ---- BPF ------------------------------------------------------------------------

$(BPF_O)/bpf/%.bpf.o: %.bpf.c $(BPF_O)/stamp/bpf
	$(call say,BPF)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_FLAGS) -MMD -MP -MT $@ -c $< -o $@

$(BPF_O)/bpf/sluice.linked.o: $(BPF_SRC:%.bpf.c=$(BPF_O)/bpf/%.bpf.o) $(BPF_O)/stamp/bpf-list
	$(call say,LINK)
	$(Q)$(BPFTOOL) gen object $@ $(filter %.bpf.o,$^)

$(BPF_O)/skel/sluice.skel.h: $(BPF_O)/bpf/sluice.linked.o
	$(call say,SKEL)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name sluice_bpf > $@

define test_skeleton
$(BPF_O)/skel/$(notdir $(1:.bpf.c=.skel.h)): $(BPF_O)/bpf/$(1:.c=.o)
	$$(call say,SKEL)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(BPFTOOL) gen skeleton $$< name $(subst -,_,$(basename $(basename $(notdir $(1)))))_bpf > $$@
endef
$(foreach src,$(BPF_TEST_SRC),$(eval $(call test_skeleton,$(src))))

# ---- C --------------------------------------------------------------------------

# The skeletons are made before the first compile; later the .d files say who needs them.
$(O)/obj/%.o: %.c $(O)/stamp/cc | $(SKEL) $(TEST_SKEL)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SL_CFLAGS) $(EXTRA) -MD -MP -c $< -o $@

# By .incbin:
$(O)/obj/userspace/quota/library.o: $(wildcard userspace/quota/lua/*.lua)
$(O)/obj/userspace/gateway/window_library.o: userspace/gateway/window.lua

# cmocka fixes the signature of a test: `state` is often not looked at.
$(O)/obj/tests/%.o: EXTRA = -Wno-unused-parameter

$(LIB): $(call obj,$(LIB_SRC)) $(O)/stamp/lib
$(HARNESS): $(call obj,$(HARNESS_SRC)) $(O)/stamp/harness
$(LIB) $(HARNESS):
	$(call say,AR)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)

define link
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SL_CFLAGS) $(SL_LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(1) $(PKG_LIBS) -o $@
endef

$(O)/bin/sluiced: $(call obj,$(AGENT_SRC)) $(LIB) $(O)/stamp/ld
	$(call link)
$(O)/bin/sluicectl: $(call obj,$(CLI_SRC)) $(LIB) $(O)/stamp/ld
	$(call link)
$(O)/bin/sluice-router: $(call obj,$(ROUTER_SRC)) $(LIB) $(O)/stamp/ld
	$(call link)
$(O)/bin/sluice-worker: $(call obj,$(WORKER_SRC)) $(LIB) $(O)/stamp/ld
	$(call link)
$(O)/bin/sluice-usage: $(call obj,$(USAGE_SRC)) $(LIB) $(O)/stamp/ld
	$(call link)

# nginx's own configure says what its binary was built with; Debian ships the flags.
NGINX_DEV   ?= /usr/share/nginx/src
NGINX_CONF  := $(O)/nginx/ngx_auto_config.h
NGINX_FLAGS := $(addprefix -isystem ,$(O)/nginx $(addprefix $(NGINX_DEV)/src/,core event \
	       event/modules os/unix http http/modules http/v2))
$(NGINX_CONF): $(NGINX_DEV)/conf_flags
	$(call say,CONF)
	$(Q)mkdir -p $(@D)
	$(Q)build=$$(realpath $(@D)) && cd $(NGINX_DEV) && . ./conf_flags && ./configure \
		"$${NGX_CONF_FLAGS[@]}" --builddir="$$build" >"$$build/configure.log" 2>&1 || \
		{ cat "$$build/configure.log" >&2; exit 1; }
$(O)/obj/userspace/gateway/nginx/%.o: EXTRA = $(NGINX_FLAGS) -fvisibility=hidden
$(call obj,$(NGINX_SRC)): $(NGINX_CONF)
# What nginx has stays undefined; what the library has is not shown to others. nginx unloads
# its modules at the end: the threads of nats.c, which run on to the last, would fall with it.
$(MODULE): $(call obj,$(NGINX_SRC)) $(LIB) $(O)/stamp/ld
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SL_CFLAGS) $(filter-out -pie,$(SL_LDFLAGS)) -shared -Wl,--exclude-libs,ALL \
		-Wl,-z,nodelete \
		$(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) -o $@

$(UNIT) $(KERNEL): $(O)/%: $(O)/obj/%.o $(HARNESS) $(LIB) $(O)/stamp/ld
	$(call link,-lcmocka)
$(BENCH): $(O)/bin/bench-%: $(O)/obj/tests/bench/%.o $(HARNESS) $(LIB) $(O)/stamp/ld
	$(call link,-lcmocka)
$(TOOLS): $(O)/bin/%: $(O)/obj/tests/tools/%.o $(HARNESS) $(LIB) $(O)/stamp/ld
	$(call link,-lcmocka)
$(STEP_CLOCK): $(O)/obj/tests/chaos/step_clock.o $(O)/stamp/ld
	$(call say,LINK)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SL_CFLAGS) $(filter-out -pie,$(SL_LDFLAGS)) -shared $(filter %.o,$^) -o $@
$(SIM): $(call obj,$(SIM_SRC)) $(HARNESS) $(LIB) $(O)/stamp/ld
	$(call link,-lcmocka)
# With LINK_FUZZ libFuzzer brings the main function, else replay.c does.
$(FUZZ): $(O)/%: $(O)/obj/%.o $(if $(LINK_FUZZ),,$(O)/obj/tests/fuzz/replay.o) $(LIB) $(O)/stamp/ld
	$(call link,$(LINK_FUZZ))

all: $(SKEL) $(TEST_SKEL) $(LIB) $(AGENT) $(CLI) $(DAEMONS) $(MODULE) $(TOOLS) $(STEP_CLOCK)

.PHONY: skel unit kernel benches fuzzers module
skel: $(SKEL) $(TEST_SKEL) ; @:
unit: $(UNIT) ; @:
kernel: $(KERNEL) ; @:
benches: $(BENCH) $(TOOLS) $(SIM) ; @:
fuzzers: $(FUZZ) ; @:
module: $(MODULE) ; @:

# ---- checks ---------------------------------------------------------------------

SANITIZED := $(O)/sanitized
SUB_SAN   := --no-print-directory O=$(SANITIZED) BPF_O=$(BPF_O) SANITIZE=address,undefined
RUN       := tests/run.sh
export ASAN_OPTIONS  ?= strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS ?= print_stacktrace=1

.PHONY: test test-all setup
test: setup ## everything: setup if needed, build, lint, all suites (the README's command)
	$(Q)$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc)) test-all

setup: ## install what is missing (Debian packages, bpffs)
	$(Q)scripts/setup.sh

# With ONLY a group may be empty, and run.sh calls it a failure when nothing ran.
group   = $(if $(strip $(2)),--group $(1) $(2))
run_any = $(if $(strip $(2)),$(RUN) $(1) $(2),true)

# Most of the time tests wait. Lint needs minutes of CPU and runs beside them, and so do the
# suites that ask one after the other and measure no time.
BESIDE := $(filter %_contract.sh %_redis_mode.sh,$(INTEGRATION))

test-all: all unit kernel benches sanitized-module sanitized-unit sanitized-fuzzers
	$(if $(strip $(LINTS) $(UNIT) $(KERNEL) $(FUZZ) $(INTEGRATION)),,$(error no suite has $(ONLY) in its path))
	$(Q)mkdir -p $(O)/log; export SL_REQUIRE_BPF=1; \
	SL_SUITE_SECONDS=1800 nice -n 19 $(call run_any,--group lint,$(LINTS)) \
		>$(O)/log/lint 2>&1 & lint=$$!; \
	$(call run_any,--group integration,$(BESIDE)) >$(O)/log/beside 2>&1 & beside=$$!; \
	$(call run_any,,$(strip $(call group,unit,$(UNIT)) \
		$(call group,bpf,$(KERNEL)) $(call group,fuzz,$(FUZZ:$(O)/%=$(SANITIZED)/%)) \
		$(call group,sanitized,$(UNIT:$(O)/%=$(SANITIZED)/%)) \
		$(call group,integration,$(filter-out $(BESIDE),$(INTEGRATION))))); \
	tests=$$?; echo beside:; wait $$beside; beside=$$?; cat $(O)/log/beside; \
	echo lint:; wait $$lint; lint=$$?; cat $(O)/log/lint; \
	exit $$((tests || beside || lint))

.PHONY: check-unit check-bpf check-integration check-fuzz lint sanitize
check-unit: $(UNIT) ## unit tests
	$(Q)$(RUN) --group unit $^

check-bpf: $(KERNEL) ## BPF programs by BPF_PROG_TEST_RUN (root)
	$(Q)SL_REQUIRE_BPF=1 $(RUN) --group bpf $^

check-integration: all sanitized-module ## real traffic in network namespaces (root)
	$(Q)SL_REQUIRE_BPF=1 $(RUN) --group integration $(INTEGRATION)

check-fuzz: sanitized-fuzzers ## replay the fuzzers' corpora under ASan and UBSan
	$(Q)$(RUN) --group fuzz $(FUZZ:$(O)/%=$(SANITIZED)/%)

lint: skel $(NGINX_CONF) ## format, clang-tidy, cppcheck, shell, spelling, layers, house rules, secrets
	$(Q)$(RUN) --group lint $(LINTS)

sanitize: sanitized-unit ## unit tests under ASan and UBSan
	$(Q)$(RUN) --group sanitized $(UNIT:$(O)/%=$(SANITIZED)/%)

.PHONY: sanitized-module sanitized-unit sanitized-fuzzers
sanitized-module: $(SKEL) $(TEST_SKEL)
	$(Q)$(MAKE) $(SUB_SAN) module
sanitized-unit: $(SKEL) $(TEST_SKEL) | sanitized-module
	$(Q)$(MAKE) $(SUB_SAN) unit
sanitized-fuzzers: $(SKEL) $(TEST_SKEL) | sanitized-unit
	$(Q)$(MAKE) $(SUB_SAN) fuzzers

T       ?=
SECONDS ?= 60
.PHONY: fuzz
fuzz: $(SKEL) $(TEST_SKEL) ## fuzz one parser: T=name SECONDS=60
	$(Q)test -f tests/fuzz/fuzz_$(T).c || { echo "make fuzz T=name, one of:" \
		$(FUZZ_SRC:tests/fuzz/fuzz_%.c=%) >&2; exit 2; }
	$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz BPF_O=$(BPF_O) CC=$(FUZZ_CC) \
		SANITIZE=fuzzer-no-link,address,undefined \
		LINK_FUZZ=-fsanitize=fuzzer $(O)/fuzz/tests/fuzz/fuzz_$(T)
	$(Q)mkdir -p $(O)/fuzz/found/$(T) $(O)/fuzz/crashes
	$(Q)$(O)/fuzz/tests/fuzz/fuzz_$(T) -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix=$(O)/fuzz/crashes/$(T)- $(O)/fuzz/found/$(T) tests/fuzz/corpus/$(T)

.PHONY: sim
sim: $(SIM) ## simulate quotas: thousands of seeds with faults, then the design's table
	$(Q)tests/sim/run.sh

FAULT ?=
.PHONY: chaos
chaos: all ## faults against real Redis, NATS and agents in namespaces (root): FAULT=name
	$(Q)FAULT="$(FAULT)" tests/chaos/run.sh

.PHONY: bench
bench: all benches ## measure beside the targets and the peers: build/bench/results.json
	$(Q)mkdir -p $(O)/bench
	$(Q)tests/bench/run.sh

# ---- use ------------------------------------------------------------------------

CONFIG ?= $(firstword $(wildcard docs/examples/*.yaml))
IFACE  ?=
.PHONY: demo run
demo: setup ## setup if needed, then three tenants and an attack in network namespaces (root)
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)scripts/demo.sh

run: setup ## setup if needed, protect an interface: IFACE=eth0 CONFIG=docs/examples/...yaml (root)
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)scripts/run.sh "$(CONFIG)" "$(IFACE)"

.PHONY: up down
up: setup ## setup if needed, the pipeline on loopback: NATS, gateway, router, workers, usage
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)scripts/stack.sh up

down: ## end what make up began, and remove its files
	$(Q)scripts/stack.sh down

.PHONY: format vmlinux hooks install clean help
FORMATTED = $(shell git ls-files -co --exclude-standard '*.c' '*.h' | grep -v '^vmlinux.h$$')
format: ## clang-format every C file
	$(Q)clang-format-14 -i $(FORMATTED)

vmlinux: ## make vmlinux.h anew from the running kernel
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c | scripts/trim_vmlinux.py >vmlinux.h.new
	$(Q)mv vmlinux.h.new vmlinux.h

hooks: ## check commits and pushes of this clone (git config core.hooksPath)
	$(Q)git config core.hooksPath .githooks
	@echo "hooks of .githooks are on"

MAN        := $(wildcard docs/man/*.[1-8])
COMPLETION := $(wildcard userspace/cli/*.bash)
install: all ## bins, nginx module, man pages, completion (DESTDIR=, PREFIX=/usr/local)
	$(Q)install -d $(DESTDIR)$(PREFIX)/sbin
	$(Q)install -m 755 $(AGENT) $(CLI) $(DAEMONS) $(DESTDIR)$(PREFIX)/sbin
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/nginx/modules $(MODULE)
	$(Q)for page in $(MAN); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	$(Q)for file in $(COMPLETION); do name=$${file##*/}; install -D -m 644 $$file \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$${name%.bash}; done

clean: ## remove what was built
	$(Q)rm -rf $(O)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile
	@echo "  V=1 shows commands; CC=, O=, SANITIZE=address,undefined as in the Makefile's head"

.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(O)/obj $(BPF_O)/bpf -name '*.d' 2>/dev/null)
