# SPDX-License-Identifier: GPL-2.0
# make help lists the targets.
#
# KERNEL=6.1 or 6.12 selects Debian's cloud kernel, KERNEL=VERSION any kernel
# whose headers are installed, KDIR=PATH a build tree; without them the module
# is for the running kernel.

TOP	:= $(CURDIR)
BUILD	:= $(TOP)/build
DESTDIR	?=
PREFIX	?= /usr
FOR	?= check
TIME	?= 60

# What runs in guests is not built for this machine's kernel.
GUEST	:= $(or $(KERNEL),6.1)

ifdef KDIR
VERSION	= $(shell $(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)
else
VERSION	= $(shell scripts/kernel-version $(KERNEL))
endif
tree	= $(or $(KDIR),/lib/modules/$(1)/build)

# A tree of links for each kernel, so that their objects do not meet.
define links
@mkdir -p $(1)
@ln -sfn $(TOP)/Kbuild $(1)/Kbuild
@cp -rsf $(TOP)/kmod $(TOP)/uapi $(1)/
@find $(1) -xtype l -delete
endef

all: module agent

help:
	@echo 'make [all]          module and agent                 -> build/, gwsync.ko'
	@echo 'make prepare        install what is missing (apt); FOR=build: no guests, no tests'
	@echo 'make demo           a gateway loses power, nobody notices'
	@echo 'make demo-control   the same without gwsync: the flows die'
	@echo '                    both with SCENE=neighbours: 500 hosts, and what a new owner asks for'
	@echo 'make check          every test; ends with "N passed, N failed"; KERNEL="6.1 6.12"'
	@echo 'make check-debug    the module tests on a kernel with KASAN, lockdep, kmemleak'
	@echo '                    and more, which it builds once'
	@echo 'make bench          gwsync beside conntrackd and no sync, under 25 minutes; a table,'
	@echo '                    build/bench.json, plots in build/bench; ONLY="udp_new ..."'
	@echo 'make bench-quick    the same with small numbers, under 5: build/bench-quick.json'
	@echo 'make bench-counted  the same, then its counts into selftests/bench/counted.json,'
	@echo '                    from which make check lets none differ by more than 2 %'
	@echo 'make bench-switchover'
	@echo '                    how long flows stand at a planned switchover, in virtual time'
	@echo 'make kselftest      the module tests alone, in guests; TESTS="test_a.sh ..."'
	@echo 'make fuzz           fuzzers of what comes from outside; TIME=seconds of all together'
	@echo 'make soak           random faults for MINUTES=20, drawn from SEED=n'
	@echo 'make lint           checkpatch, sparse, W=1, clang-tidy, mandoc, shellcheck, codespell,'
	@echo '                    and calls that go up from one layer of the module to another'
	@echo 'make install        module, gwsyncd, gwsync, man pages, units; DESTDIR, PREFIX'
	@echo 'make clean'
	@echo 'KERNEL=6.1|6.12|VERSION or KDIR=PATH selects the kernel (now: running one for'
	@echo 'all and install, 6.1 for guests). W=1 and C=2 reach Kbuild.'

module:
	@v='$(VERSION)'; test -n "$$v" || exit 1; \
	$(MAKE) --no-print-directory module-in VER="$$v"

module-in:
	$(call links,$(BUILD)/kmod-$(VER))
	+flock $(BUILD)/kmod-$(VER) $(MAKE) -C $(call tree,$(VER)) M=$(BUILD)/kmod-$(VER) modules
	@cp -f $(BUILD)/kmod-$(VER)/gwsync.ko $(TOP)/gwsync.ko

agent:
	@mkdir -p $(BUILD)/agent
	@$(MAKE) --no-print-directory -C agent O=$(BUILD)/agent

traffic:
	@mkdir -p $(BUILD)
	$(MAKE) -C selftests/traffic OUT=$(BUILD)

kselftest-tools:
	$(MAKE) -C selftests/kselftest OUT=$(BUILD)/kselftest

bench-tools:
	$(MAKE) -C selftests/bench OUT=$(BUILD)/bench-tools

prepare:
	@scripts/prepare $(FOR) $(GUEST)

# The guests' parts: module for their kernel, agent, tools.
guest-parts:
	@$(MAKE) --no-print-directory module agent traffic kselftest-tools KERNEL=$(GUEST)

demo demo-control check: FOR = check
demo demo-control: prepare
	@$(MAKE) --no-print-directory guest-parts
	selftests/demo/demo $(if $(SCENE),--scene $(SCENE)) \
		$(if $(filter demo-control,$@),--control) --kernel $(GUEST)

bench bench-quick: FOR = bench
bench bench-quick: prepare
	@$(MAKE) --no-print-directory guest-parts bench-tools KERNEL=$(GUEST)
	selftests/bench/bench $(if $(filter bench-quick,$@),--quick) --kernel $(GUEST) \
		$(if $(ONLY),--only $(ONLY))

bench-switchover: FOR = bench
bench-switchover: prepare
	@$(MAKE) --no-print-directory guest-parts bench-tools KERNEL=$(GUEST)
	selftests/bench/switchover --kernel $(GUEST)

bench-counted:
	@$(MAKE) --no-print-directory bench-quick
	selftests/bench/counted.py --renew

check: prepare
	@scripts/check $(addprefix --kernel ,$(GUEST))

check-debug: FOR = debug
check-debug: GUEST = debug
check-debug: prepare
	@scripts/check --kernel debug

kselftest: guest-parts
	selftests/vm/run --kernel $(GUEST) --kselftest $(TESTS)

fuzz: FOR = fuzz
fuzz: prepare
	@$(MAKE) --no-print-directory guest-parts
	@$(MAKE) -s --no-print-directory -C selftests/fuzz OUT=$(BUILD)/fuzz
	selftests/fuzz/run --time $(TIME) $(if $(KERNEL),--kernel $(KERNEL))

soak: guest-parts
	selftests/vm/run --kernel $(GUEST) --memory 768 \
		--timeout $$(($(or $(MINUTES),20) * 60 + 300)) -- \
		'./soak.sh $(or $(MINUTES),20) $(SEED)'

lint:
	@scripts/prepare lint
	@scripts/lint

install:
	@test -n '$(VERSION)'
	@test -e $(BUILD)/kmod-$(VERSION)/gwsync.ko || { echo 'run make first' >&2; exit 1; }
	install -D -m 644 $(BUILD)/kmod-$(VERSION)/gwsync.ko \
		$(DESTDIR)/lib/modules/$(VERSION)/updates/gwsync.ko
	$(if $(DESTDIR),,depmod $(VERSION))
	$(MAKE) -C agent O=$(BUILD)/agent install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

clean:
	rm -rf $(BUILD) gwsync.ko

.PHONY: all help module module-in agent traffic kselftest-tools bench-tools prepare \
	guest-parts demo demo-control bench bench-quick bench-counted bench-switchover check \
	check-debug kselftest fuzz soak \
	lint install clean
