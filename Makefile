# Makefile - what sonde consists of, how it is built and how it is checked.
#
#   make                 build/sonde, build/libsonde.a, build/libsonde.so
#   sudo make demo       installs what is missing, builds, five seconds of live histograms
#   sudo make check      installs what the tests need, builds, runs every test
#   make test            every test that needs no root
#   make bench fuzz fuzz-load soak golden-update install uninstall clean
#
# Variables: OUT=build  V=1  DEBUG=1  WERROR=1  SAN=address,undefined  LLVM_CONFIG=llvm-config-19
#            LLVM_LINK=static|shared  PREFIX=/usr/local  DESTDIR=  CC  CFLAGS (added last)  LDFLAGS
OUT ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
LLVM_LINK ?= static
VERSION := $(shell sed -n 's/^.define SONDE_VERSION "\(.*\)"/\1/p' include/sonde.h)
.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ---- sources: the program, floor by floor ----
src_lang := $(addprefix lang/,cattr cdef cexpr cpp ctoken diag format_script format_tokens lex mem node number parse parse_decl parse_expr parse_macro parse_stmt \
	parse_type)
src_image := $(addprefix image/,binary btf context find format image load plugs save type verify)
src_sema := $(addprefix sema/,attach btf_type cdef check clang clayout cmacro cname config convert fold import infer infer_const \
	infer_stmt kernel ksyms macro macro_find option plan plug resolve resolve_name tracefs)
src_codegen := $(addprefix codegen/,arch compile complete convert dbg emit event format gen gen_expr gen_loop gen_stmt gen_value gen_var map \
	mem object str)
src_runtime := $(addprefix runtime/,alone api api_maps elf event format histogram hook load maps poll print session show sym value verifier)
src_probes := $(addprefix probes/,all common kprobe list perf rawtracepoint special syscall tracepoint uprobe)
run_probes := $(addprefix probes/,attach_run kprobe_run perf_run rawtracepoint_run run_all special_run tracepoint_run uprobe_run)
src_stdlib := $(addprefix stdlib/,aggr all arg comptime hist maps mem net now out rows scripts signal stack str task tseries)
run_stdlib := $(addprefix stdlib/,aggr_run arg_run hist_run net_run now_run out_run run_all stack_run str_run task_run tseries_run)
std_scripts := $(addsuffix .bt,$(addprefix stdlib/,task types))
src_cli := $(addprefix cli/,child list main options out_json out_text repl report run)
src_rows := $(src_probes) $(src_stdlib)
run_rows := $(run_probes) $(run_stdlib)
# Tests are whatever lies there.
base = $(sort $(basename $(wildcard $(1))))
unit_tests := $(call base,tests/unit/*.c)
fuzz_targets := $(call base,tests/fuzz/fuzz_*.c)
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
cxx_libs := -static-libgcc -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -lm
dep_libs := -lbpf -lelf -lz
has_readline := $(shell printf '\043include <stdio.h>\n\043include <readline/readline.h>\nint main(void){return 0;}' \
	| $(CC) -x c -fsyntax-only - 2>/dev/null && echo 1)
# lld of the same LLVM where there is one: it folds equal functions, and it is fast.
lld := $(firstword $(foreach v,$(llvm_major) 19 20 21 22 18 17 16,$(shell command -v ld.lld-$(v))) $(shell command -v ld.lld))
ifneq ($(lld),)
use_lld = -B$(OUT)/lld -fuse-ld=lld
fold := -Wl,--icf=all
lld_link := $(OUT)/lld/ld.lld
# Functions of a start-up side by side: 12 MB of memory touched instead of 29 (make order writes the file).
order = $(if $(SAN),,-Wl$(comma)--symbol-ordering-file=bench/startup.order -Wl$(comma)--no-warn-symbol-ordering)
endif

# ---- flags ----
sonde_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -I$(OUT) -fPIC -fvisibility=hidden -fno-common -ffunction-sections \
	-fdata-sections -MMD -MP -Wall -Wextra -Wshadow -Wvla -Wundef -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings $(if $(DEBUG),,-DNDEBUG) $(if $(WERROR),-Werror) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
# Tests look at their own symbols.
tests_CFLAGS = -fvisibility=default
codegen_CFLAGS = -isystem $(shell $(LLVM_CONFIG) --includedir)
cli_CFLAGS = $(if $(has_readline),-DHAVE_READLINE)
san_ld = $(if $(SAN),-fsanitize=$(SAN))
link = $(CC) $(use_lld) $(san_ld) -Wl,--gc-sections $(fold) $(CFLAGS) $(LDFLAGS)
is_silent := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V),,@$(if $(is_silent),:,printf '  %-5s %s\n') $(1) $(2);)

obj = $(1:%=$(OUT)/%.o)
obj_lib := $(call obj,$(src_lib))
obj_run := $(call obj,$(src_run))
obj_cli := $(call obj,$(src_cli))

comma := ,

.PHONY: all help lib tests test check demo bench order fuzz fuzz-load soak install uninstall clean golden-update
all: $(OUT)/sonde $(OUT)/libsonde.a $(OUT)/libsonde_run.a $(OUT)/libsonde.so $(OUT)/examples/embed
lib: $(OUT)/libsonde.a
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

$(OUT)/%.o: %.c | $(OUT)/syscalls.inc $(OUT)/scripts.inc
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(sonde_CFLAGS) $($(firstword $(subst /, ,$<))_CFLAGS) $(CFLAGS) -c -o $@ $<

# The numbers of the system calls, by name, from the compiler's own headers.
$(OUT)/syscalls.inc:
	@mkdir -p $(@D)
	$(call say,GEN,$@){ echo '#include <sys/syscall.h>'; echo '#include <sys/syscall.h>' | $(CC) -E -dM - \
		| sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/row "\1" __NR_\1/p' | LC_ALL=C sort; } | $(CC) -E -P - \
		| sed -n 's/^row \("[a-z0-9_]*"\) \([0-9]*\)$$/{ \1, \2 },/p' > $@

# The scripts of the standard library, their text and the names of their macros.
$(OUT)/scripts.inc: $(std_scripts) Makefile
	@mkdir -p $(@D)
	$(call say,GEN,$@){ for f in $(std_scripts); do \
		printf 'SCRIPT("%s", " %s ",\n' $$f "$$(sed -n 's/^macro \([A-Za-z0-9_]*\).*/\1/p' $$f | sort -u | tr '\n' ' ')"; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $$f; echo ')'; done; } > $@

$(OUT)/lld/ld.lld:
	@mkdir -p $(@D)
	@ln -sf $(lld) $@

# Removed first: ar would keep members whose source is gone.
$(OUT)/libsonde.a: $(obj_lib)
	$(call say,AR,$@)rm -f $@ && $(AR) qcs $@ $(obj_lib)
# The run side alone: loads and runs saved images, knows nothing of LLVM.
$(OUT)/libsonde_run.a: $(obj_run)
	$(call say,AR,$@)rm -f $@ && $(AR) qcs $@ $(obj_run)

$(OUT)/libsonde.map:
	@mkdir -p $(@D)
	@echo '{ global: sonde_*; local: *; };' > $@
$(OUT)/libsonde.so: $(obj_lib) $(OUT)/libsonde.map $(lld_link)
	$(call say,LINK,$@)$(link) -shared -Wl,-soname,libsonde.so.0 $(if $(SAN),,-Wl$(comma)-z$(comma)defs) -Wl,-z,now \
		-Wl,--version-script=$(OUT)/libsonde.map -o $@ $(obj_lib) $(dep_libs) $(llvm_libs) -lpthread
	@ln -sf libsonde.so $(OUT)/libsonde.so.0

# Not position independent: relocating LLVM's tables would be half of a start-up (HACKING.md has the figures).
$(OUT)/sonde: $(obj_cli) $(OUT)/libsonde.a bench/startup.order $(lld_link)
	$(call say,LINK,$@)$(link) $(order) -no-pie -o $@ $(obj_cli) $(OUT)/libsonde.a $(dep_libs) $(llvm_libs) \
		$(if $(has_readline),-lreadline) -lpthread

$(OUT)/examples/%: $(OUT)/examples/%.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(link) -no-pie -o $@ $< $(OUT)/libsonde.a $(dep_libs) $(llvm_libs) -lpthread

# ---- tests ----
test_obj = $(link) -no-pie -o $@ $(filter %.o,$^) $(OUT)/libsonde.a $(dep_libs) $(1) -lpthread
unit_bins := $(unit_tests:%=$(OUT)/%)
fuzz_bins := $(fuzz_targets:%=$(OUT)/%)
prog_bins := $(target_progs:tests/data/prog/%=$(OUT)/tests/prog/%)
api_bins := $(OUT)/tests/api/calls $(OUT)/tests/api/threads $(OUT)/tests/api/run_image
tests: $(unit_bins) $(fuzz_bins) $(prog_bins) $(api_bins) $(OUT)/tests/golden/run $(OUT)/tests/format/format $(OUT)/tests/oom/oom $(OUT)/tests/fuzz/load_random
$(unit_bins): %: %.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(call test_obj,$(llvm_libs) -lcmocka)
$(fuzz_bins): %: %.o $(OUT)/tests/fuzz/replay.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(call test_obj,$(llvm_libs))
# Scripts made of bytes: see tests/fuzz/grammar.h.
$(OUT)/tests/fuzz/fuzz_compile $(OUT)/fuzz-fuzz_compile: $(OUT)/tests/fuzz/grammar.o
$(OUT)/tests/fuzz/load_random: $(OUT)/tests/fuzz/load_random.o $(OUT)/tests/fuzz/grammar.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(call test_obj,$(llvm_libs))
$(OUT)/tests/golden/run $(OUT)/tests/format/format $(OUT)/tests/api/calls $(OUT)/tests/api/threads: %: %.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(call test_obj,$(llvm_libs))
# Without LLVM and without a single object of the compile side: the linker is the judge.
$(OUT)/tests/api/run_image: %: %.o $(OUT)/libsonde_run.a $(lld_link)
	$(call say,LINK,$@)$(link) -no-pie -o $@ $< $(OUT)/libsonde_run.a $(dep_libs) -lpthread
# The library's only callers of malloc, compiled once more over an allocator that fails on demand.
$(OUT)/tests/oom/mem.o: lang/mem.c tests/oom/oom.h | $(OUT)/syscalls.inc $(OUT)/scripts.inc
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(sonde_CFLAGS) $(CFLAGS) -include tests/oom/oom.h -c -o $@ $<
$(OUT)/tests/oom/oom: $(OUT)/tests/oom/oom.o $(OUT)/tests/oom/mem.o $(OUT)/libsonde.a $(lld_link)
	$(call say,LINK,$@)$(call test_obj,$(llvm_libs))
# Programs to be traced: built plainly, so that what they call is what their source says.
$(OUT)/tests/prog/%: tests/data/prog/%.c
	@mkdir -p $(@D)
	$(call say,PROG,$@)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -o $@ $<

checks := lists floors io globals tags size run-side header unit golden format oom corpora api
.PHONY: $(checks:%=check-%) check-accepted check-self check-live check-load check-json check-werror
test: all tests
	@bash tests/tools/check.sh $(checks)

# The lists above name every source there is.
check-lists:
	@ls lang/*.c image/*.c sema/*.c codegen/*.c runtime/*.c probes/*.c stdlib/*.c cli/*.c | sort > $(OUT)/sources.found
	@printf '%s\n' $(patsubst %,%.c,$(src_lib) $(src_cli)) | sort | diff - $(OUT)/sources.found
# A file includes only its own floor and those below it.  lang/base.h is below everything.
not = @! grep -nE '^\#include "($(1))' $(2) | grep -vE '"($(3))"'
check-floors:
	$(call not,sema/|codegen/|image/|runtime/|probes/|stdlib/|cli/,lang/*.[ch],none)
	$(call not,lang/|sema/|codegen/|runtime/|probes/|stdlib/|cli/,image/*.[ch],lang/base.h)
	$(call not,lang/|sema/|codegen/|probes/|stdlib/|cli/,runtime/*.[ch],lang/base.h)
	$(call not,codegen/|runtime/|probes/|stdlib/|cli/,sema/*.[ch],none)
	$(call not,runtime/|cli/,codegen/*.[ch],none)
	$(call not,lang/|sema/|codegen/|cli/,$(run_rows:%=%.c),lang/base.h)
	$(call not,runtime/|cli/,$(src_rows:%=%.c),none)
	$(call not,lang/|sema/|image/|codegen/|runtime/|probes/|stdlib/,cli/*.[ch] examples/*.c bench/*.c,none)
	@! grep -nE 'llvm-c/' $$(find lang sema image runtime probes stdlib cli include -name '*.[ch]')
# The library never prints, ends the process or reads the environment.
check-io: $(OUT)/libsonde.a
	@! nm -u $< | grep -wE '_*[dfv]*printf(_chk)?|f?puts|putchar|perror|_?exit|abort|std(out|err)|(secure_)?getenv|__assert_fail'
# It has no variables but the few that dependencies force on us.
check-globals: $(OUT)/libsonde.a
	@objdump -t $< | awk 'NF > 3 && $$(NF-2) ~ /^\.t?(data|bss)/ && $$(NF-2) !~ /^\.data\.rel\.ro/ && $$NF !~ /^\.|^__odr/ \
		{ sub(/\.[0-9]+$$/, "", $$NF); print $$NF }' | sort -u | grep -vxFf tests/tools/globals.allow > $(OUT)/globals.found || :
	@[ ! -s $(OUT)/globals.found ] || { echo "writable globals:"; cat $(OUT)/globals.found; exit 1; }
check-tags:
	@bash tests/tools/tags.sh
check-size:
	@wc -l */*.[ch] | awk '$$1 > 600 && $$2 != "total" { print "over 600 lines:", $$2, $$1 }'
# The run side knows no LLVM and nothing of the compile side.
check-run-side: $(OUT)/libsonde_run.a $(OUT)/tests/api/run_image $(OUT)/tests/api/calls
	@! nm -u $(OUT)/libsonde_run.a | grep -E ' (LLVM|_ZN4llvm)'
	@bash tests/tools/run_side.sh $(OUT)
check-header:
	@echo '#include "include/sonde.h"' | $(CC) -std=c11 -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only -x c -
	@echo '#include "include/sonde.h"' | $(CC) -std=c++11 -Wall -Wextra -Wpedantic -Werror -I. -fsyntax-only -x c++ -
	@echo '2 passed, 0 failed, 0 skipped'
check-unit: $(unit_bins)
	@bash tests/tools/unit.sh $(unit_bins)
golden_files = $(sort $(wildcard tests/golden/*/*.bt))
check-golden: $(OUT)/tests/golden/run
	@$< $(golden_files)
golden-update: $(OUT)/tests/golden/run
	@$< --update $(golden_files)
# Every script there is, whatever it is kept for.
check-format: $(OUT)/tests/format/format
	@$< $(golden_files) $(wildcard tests/format/*.bt stdlib/*.bt examples/*.bt tests/data/corpus/compile/* tests/data/corpus/parse/*) README.md
check-accepted: $(OUT)/tests/golden/run
	@$< --accepted $(golden_files)
check-self: $(OUT)/tests/golden/run
	@$< --self $(golden_files)
check-oom: $(OUT)/tests/oom/oom
	@$<
check-corpora: $(fuzz_bins)
	@bash tests/tools/corpora.sh $(fuzz_bins)
# The running kernel's verifier accepts what the grammar makes: always the same scripts.
check-load: $(OUT)/tests/fuzz/load_random
	@nice $< 1 40
check-api: $(api_bins) $(OUT)/examples/embed
	@bash tests/tools/api.sh $(OUT)
check-threads: $(OUT)/tests/api/threads
	@$<
check-live: $(OUT)/sonde $(prog_bins)
	@SONDE=$(OUT)/sonde B=$(OUT)/tests/prog bash tests/live/run.sh $(sort $(wildcard tests/live/*.t))
check-peers check-cli check-json: check-%: $(OUT)/sonde $(prog_bins)
	@SONDE=$(OUT)/sonde B=$(OUT)/tests/prog bash tests/live/$*.sh

# Everything, installing what it needs.  The scripts run make again: only then are the new tools found.
check:
	@bash tests/tools/full_check.sh
demo:
	@bash tests/tools/demo.sh

# ---- measuring ----
order:
	@touch bench/startup.order && $(MAKE) --no-print-directory $(OUT)/sonde && bash bench/order.sh && $(MAKE) --no-print-directory $(OUT)/sonde
bench: $(OUT)/sonde $(OUT)/bench/bench $(OUT)/tests/prog/reads
	@SONDE=$(OUT)/sonde B=$(OUT)/tests/prog $(OUT)/bench/bench
$(OUT)/bench/bench: bench/bench.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra $(CFLAGS) -o $@ $< -lbpf
FUZZ_SECONDS ?= 60
fuzz:
	@bash tests/tools/fuzz.sh $(OUT) $(FUZZ_SECONDS) $(notdir $(fuzz_targets))
# Other scripts each time; a seed that fails is run again with: load_random SEED 1.
FUZZ_LOADS ?= 2000
fuzz-load: $(OUT)/tests/fuzz/load_random
	@nice $< $$(date +%s)000 $(FUZZ_LOADS)
$(OUT)/fuzz-%: $(OUT)/tests/fuzz/%.o $(OUT)/libsonde.a $(lld_link)
	$(CC) $(use_lld) -fsanitize=fuzzer,address,undefined -no-pie -o $@ $(filter %.o,$^) $(OUT)/libsonde.a $(dep_libs) $(llvm_libs) -lpthread
SOAK_SECONDS ?= 600
soak: $(OUT)/sonde $(prog_bins)
	@SONDE=$(OUT)/sonde B=$(OUT)/tests/prog bash tests/tools/soak.sh $(SOAK_SECONDS)

# ---- installing ----
libdir ?= $(PREFIX)/lib
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(OUT)/sonde $(DESTDIR)$(PREFIX)/bin/sonde
	install -m 644 $(OUT)/libsonde.a $(OUT)/libsonde_run.a $(DESTDIR)$(libdir)/
	install -m 755 $(OUT)/libsonde.so $(DESTDIR)$(libdir)/libsonde.so.$(VERSION)
	ln -sf libsonde.so.$(VERSION) $(DESTDIR)$(libdir)/libsonde.so.0
	ln -sf libsonde.so.0 $(DESTDIR)$(libdir)/libsonde.so
	install -m 644 include/sonde.h $(DESTDIR)$(PREFIX)/include/sonde.h
	printf 'Name: sonde\nDescription: compiles tracing scripts to eBPF and runs them\nVersion: %s\nLibs: -L%s -lsonde\nCflags: -I%s\n' \
		$(VERSION) $(libdir) $(PREFIX)/include > $(DESTDIR)$(libdir)/pkgconfig/sonde.pc
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/sonde $(DESTDIR)$(PREFIX)/include/sonde.h $(DESTDIR)$(libdir)/pkgconfig/sonde.pc \
		$(DESTDIR)$(libdir)/libsonde*
clean:
	rm -rf $(OUT)

-include $(obj_lib:.o=.d) $(obj_cli:.o=.d) $(wildcard $(OUT)/tests/*/*.d $(OUT)/examples/*.d)
