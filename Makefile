# Makefile - what sonde consists of, how it is built and how it is checked.
#
#   make                 build/sonde, build/libsonde.a, build/libsonde.so
#   sudo make demo       installs what is missing, builds, five seconds of live histograms
#   sudo make check      installs what the tests need, builds, runs every test
#   make test            every test that needs no root
#   make bench fuzz soak golden-update install uninstall clean
#
# Variables: OUT=build  V=1  DEBUG=1  WERROR=1  SAN=address,undefined  LLVM_CONFIG=llvm-config-19
#            LLVM_LINK=static|shared  PREFIX=/usr/local  DESTDIR=  CC  CFLAGS (added last)  LDFLAGS
VERSION := 0.1.0
OUT ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
LLVM_LINK ?= static
.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ---- sources: the program, floor by floor ----
base = $(sort $(basename $(wildcard $(1))))
src_lang := $(call base,lang/*.c)
src_image := $(call base,image/*.c)
src_sema := $(call base,sema/*.c)
src_codegen := $(call base,codegen/*.c)
src_runtime := $(call base,runtime/*.c)
run_rows := $(call base,probes/*_run.c stdlib/*_run.c probes/run_all.c stdlib/run_all.c)
src_rows := $(filter-out $(run_rows),$(call base,probes/*.c stdlib/*.c))
src_cli := $(call base,cli/*.c)
unit_tests := $(call base,tests/unit/*.c)
fuzz_targets := $(filter-out tests/fuzz/replay,$(call base,tests/fuzz/*.c))
target_progs := $(call base,tests/data/prog/*.c)

src_run := $(filter lang/mem lang/diag,$(src_lang)) $(src_image) $(src_runtime) $(run_rows)
src_lib := $(sort $(src_run) $(src_lang) $(src_sema) $(src_codegen) $(src_rows))

# ---- tools and libraries ----
# LLVM 19 by default, else the nearest of 16 to 22 that is installed.
LLVM_CONFIG ?= $(firstword $(foreach v,19 20 21 22 18 17 16,$(shell command -v llvm-config-$(v))) llvm-config)
llvm_version := $(shell $(LLVM_CONFIG) --version 2>/dev/null)
llvm_major := $(firstword $(subst ., ,$(llvm_version)))
llvm_parts := bpf passes core target
ifeq ($(LLVM_LINK),static)
llvm_libs = -L$(shell $(LLVM_CONFIG) --libdir) $(shell $(LLVM_CONFIG) --link-static --libs $(llvm_parts)) \
	-Wl,--as-needed $(shell $(LLVM_CONFIG) --link-static --system-libs $(llvm_parts)) $(cxx_libs)
else
llvm_libs = -L$(shell $(LLVM_CONFIG) --libdir) $(shell $(LLVM_CONFIG) --link-shared --libs)
endif
# LLVM is C++, we are not: its runtime comes in statically, so that a start-up relocates less.
cxx_libs := -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -lm
dep_libs := -lbpf -lelf -lz
has_readline := $(shell printf '\043include <stdio.h>\n\043include <readline/readline.h>\nint main(void){return 0;}' \
	| $(CC) -x c -fsyntax-only - 2>/dev/null && echo 1)
has_libdw := $(shell printf '\043include <elfutils/libdwfl.h>\nint main(void){return 0;}' \
	| $(CC) -x c -fsyntax-only - 2>/dev/null && echo 1)
# lld of the same LLVM where there is one: it folds equal functions, and it is fast.
lld := $(firstword $(foreach v,$(llvm_major) 19 20 21 22 18 17 16,$(shell command -v ld.lld-$(v))) $(shell command -v ld.lld))
ifneq ($(lld),)
use_lld = -B$(OUT)/lld -fuse-ld=lld
fold := -Wl,--icf=all
lld_link := $(OUT)/lld/ld.lld
endif
host_arch := $(shell uname -m)

# ---- flags ----
sonde_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -I$(OUT) -fPIC -fvisibility=hidden -fno-common -ffunction-sections \
	-fdata-sections -MMD -MP -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings $(if $(DEBUG),,-DNDEBUG) $(if $(WERROR),-Werror) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
codegen_CFLAGS = -isystem $(shell $(LLVM_CONFIG) --includedir)
cli_CFLAGS = $(if $(has_readline),-DHAVE_READLINE)
san_ld = $(if $(SAN),-fsanitize=$(SAN))
link = $(CC) $(use_lld) $(san_ld) -Wl,--gc-sections $(fold) $(CFLAGS) $(LDFLAGS)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

obj = $(1:%=$(OUT)/%.o)
obj_lib := $(call obj,$(src_lib))
obj_run := $(call obj,$(src_run))
obj_cli := $(call obj,$(src_cli))

.PHONY: all help lib tests test check demo bench fuzz soak install uninstall clean golden-update deps
all: $(OUT)/sonde $(OUT)/libsonde.a $(OUT)/libsonde_run.a $(OUT)/libsonde.so $(OUT)/examples/embed
lib: $(OUT)/libsonde.a
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

$(OUT)/%.o: %.c | $(OUT)/syscalls.inc
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(sonde_CFLAGS) $($(firstword $(subst /, ,$<))_CFLAGS) $(CFLAGS) -c -o $@ $<

# The numbers of the system calls, by name, from the compiler's own headers.
$(OUT)/syscalls.inc:
	@mkdir -p $(@D)
	$(call say,GEN,$@){ echo '#include <sys/syscall.h>'; echo '#include <sys/syscall.h>' | $(CC) -E -dM - \
		| sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/row "\1" __NR_\1/p' | LC_ALL=C sort; } | $(CC) -E -P - \
		| sed -n 's/^row \("[a-z0-9_]*"\) \([0-9]*\)$$/{ \1, \2 },/p' > $@

$(OUT)/lld/ld.lld:
	@mkdir -p $(@D)
	@ln -sf $(lld) $@

# Removed first: ar would keep members whose source is gone.
$(OUT)/libsonde.a: $(obj_lib)
	$(call say,AR,$@)rm -f $@ && $(AR) crs $@ $(obj_lib)
# The run side alone: loads and runs saved images, knows nothing of LLVM.
$(OUT)/libsonde_run.a: $(obj_run)
	$(call say,AR,$@)rm -f $@ && $(AR) crs $@ $(obj_run)

$(OUT)/libsonde.map:
	@mkdir -p $(@D)
	@echo '{ global: sonde_*; local: *; };' > $@
$(OUT)/libsonde.so: $(obj_lib) $(OUT)/libsonde.map $(lld_link)
	$(call say,LINK,$@)$(link) -shared -Wl,-soname,libsonde.so.0 $(if $(SAN),,-Wl$(comma)-z$(comma)defs) -Wl,-z,now \
		-Wl,--version-script=$(OUT)/libsonde.map -o $@ $(obj_lib) $(dep_libs) $(llvm_libs) -lpthread

# Not position independent: half of the relocations of a start-up are LLVM's tables (HACKING.md has the figures).
$(OUT)/sonde: $(obj_cli) $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(link) -no-pie -o $@ $(obj_cli) $(OUT)/libsonde.a $(dep_libs) $(llvm_libs) \
		$(if $(has_readline),-lreadline) -lpthread
comma := ,

$(OUT)/examples/%: $(OUT)/examples/%.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(link) -no-pie -o $@ $< $(OUT)/libsonde.a $(dep_libs) $(llvm_libs) -lpthread
