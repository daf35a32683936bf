/* object.c - pass O: optimise, emit the ELF object.
 * Needs: a verified module (G).
 * Gives: c->img->elf.
 * LLVM is asked for little: the emitter makes good code by itself, and passes that move loads or join conditions make programs
 * that the kernel's verifier cannot follow. */
#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>
#include "codegen/open.h"

enum { LONG_FUNCTION = 10000 };          /* LLVM instructions, of which each becomes three of BPF at most */

#define PASSES "function(sroa,early-cse,sccp),globaldce"

static void
init_target(void)
{
	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
}

/* Keeps the first error.  No memory of ours is asked for here: that could jump out of LLVM. */
static void
on_diagnostic(LLVMDiagnosticInfoRef info, void *ud)
{
	struct gen *g = ud;
	char *text;

	if (g->llvm_text[0])
		return;
	text = LLVMGetDiagInfoDescription(info);
	if (LLVMGetDiagInfoSeverity(info) == LLVMDSError || strstr(text, "stack limit"))
		for (size_t i = 0; i + 1 < sizeof(g->llvm_text) && text[i]; i++)
			g->llvm_text[i] = text[i] == '\n' ? ' ' : text[i];
	LLVMDisposeMessage(text);
}

static bool
internal(struct gen *g, const char *what, char *text)
{
	struct buf b = { .arena = g->c->tmp };

	buf_str(&b, text ? text : "");
	LLVMDisposeMessage(text);
	for (char *s = (char *)buf_cstr(&b); *s; s++)
		if (*s == '\n')
			*s = ' ';
	return diag_error(g->c->diags, NO_SPAN, E_INTERNAL, "%s: %.400s", what, buf_cstr(&b));
}

static bool
open_machine(struct gen *g, const char *cpu)
{
	LLVMTargetRef target;
	char *error = NULL;

	if (g->tm)
		LLVMDisposeTargetMachine(g->tm);
	g->tm = NULL;
	if (LLVMGetTargetFromTriple(arch_host()->triple, &target, &error))
		return internal(g, "LLVM has no BPF target", error);
	g->tm = LLVMCreateTargetMachine(target, arch_host()->triple, cpu, "", LLVMCodeGenLevelLess, LLVMRelocDefault, LLVMCodeModelDefault);
	return g->tm || diag_error(g->c->diags, NO_SPAN, E_INTERNAL, "LLVM gives no target machine for %s", arch_host()->triple);
}

/* A jump reaches 32767 instructions; past that LLVM ends the process.  The fourth version of the instruction set has longer ones,
 * which kernels know since 6.6.  Its other instructions are no gain to us, so the third is what everything else gets. */
static bool
choose_machine(struct gen *g)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (g->longest <= LONG_FUNCTION)
		return true;
	if (uname(&u) == 0)
		sscanf(u.release, "%u.%u", &major, &minor);
	if (major > 6 || (major == 6 && minor >= 6))
		return open_machine(g, "v4");
	diag_error(g->c->diags, g->longest_at, E_SIZE, "the probe is too long for this kernel (Linux 6.6 has longer jumps)");
	diag_hint(g->c->diags, "split it into several probes on the same event");
	return false;
}

bool
llvm_open(struct gen *g)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	LLVMTargetDataRef layout;

	pthread_once(&once, init_target);
	g->lc = LLVMContextCreate();
	LLVMContextSetDiagnosticHandler(g->lc, on_diagnostic, g);
	g->mod = LLVMModuleCreateWithNameInContext("sonde", g->lc);
	g->b = LLVMCreateBuilderInContext(g->lc);
	g->allocas = LLVMCreateBuilderInContext(g->lc);
	g->i1 = LLVMInt1TypeInContext(g->lc);
	g->i8 = LLVMInt8TypeInContext(g->lc);
	g->i16 = LLVMInt16TypeInContext(g->lc);
	g->i32 = LLVMInt32TypeInContext(g->lc);
	g->i64 = LLVMInt64TypeInContext(g->lc);
	g->ptr = LLVMPointerTypeInContext(g->lc, 0);
	if (!open_machine(g, "v3"))
		return false;
	LLVMSetTarget(g->mod, arch_host()->triple);
	layout = LLVMCreateTargetDataLayout(g->tm);
	LLVMSetModuleDataLayout(g->mod, layout);
	LLVMDisposeTargetData(layout);
	return true;
}

bool
llvm_verify(struct gen *g)
{
	char *error = NULL;

	if (LLVMVerifyModule(g->mod, LLVMReturnStatusAction, &error))
		return internal(g, "the emitter made a bad module", error);
	LLVMDisposeMessage(error);
	return true;
}

void
gen_free(struct gen *g)
{
	if (!g)
		return;
	mem_free((void *)g->elf);
	if (g->di)
		LLVMDisposeDIBuilder(g->di);
	if (g->tm)
		LLVMDisposeTargetMachine(g->tm);
	if (g->allocas)
		LLVMDisposeBuilder(g->allocas);
	if (g->b)
		LLVMDisposeBuilder(g->b);
	if (g->mod)
		LLVMDisposeModule(g->mod);
	if (g->lc)
		LLVMContextDispose(g->lc);
}

static bool
optimise(struct gen *g)
{
	LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
	LLVMErrorRef e = LLVMRunPasses(g->mod, PASSES, g->tm, o);

	LLVMDisposePassBuilderOptions(o);
	if (!e)
		return true;
	char *text = LLVMGetErrorMessage(e);
	diag_error(g->c->diags, NO_SPAN, E_INTERNAL, "LLVM's passes failed: %.400s", text);
	LLVMDisposeErrorMessage(text);
	return false;
}

/* What LLVM complained about while emitting. */
static bool
refused(struct gen *g)
{
	struct span at = g->c->img->n_progs == 1 ? g->c->img->progs[0].at : NO_SPAN;

	if (!strstr(g->llvm_text, "stack limit"))
		return diag_error(g->c->diags, NO_SPAN, E_INTERNAL, "LLVM cannot emit the program: %s", g->llvm_text);
	diag_error(g->c->diags, at, E_SIZE, "the program keeps more values at a time than the kernel's stack of 512 bytes holds");
	diag_hint(g->c->diags, "split the probe, or use fewer variables in one expression or loop");
	return false;
}

bool
pass_object(struct compile *c)
{
	struct gen *g = c->gen;
	LLVMMemoryBufferRef mem;
	char *error = NULL;
	const uint8_t *elf, *out;
	size_t len;

	/* Without variables the emitter's code has nothing to gain, and setting up LLVM's passes alone takes 0.4 ms. */
	if (!choose_machine(g) || (g->needs_passes && !optimise(g)))
		return false;
	if (LLVMTargetMachineEmitToMemoryBuffer(g->tm, g->mod, LLVMObjectFile, &error, &mem))
		return internal(g, "LLVM cannot emit the object", error);
	if (g->llvm_text[0]) {
		LLVMDisposeMemoryBuffer(mem);
		return refused(g);
	}
	len = LLVMGetBufferSize(mem);
	/* Copied by mem_alloc's rules first: an arena that jumps must not leave LLVM's buffer behind. */
	elf = mem_alloc(len);
	if (elf)
		memcpy((uint8_t *)elf, LLVMGetBufferStart(mem), len);
	LLVMDisposeMemoryBuffer(mem);
	if (!elf)
		longjmp(c->nomem, 1);
	g->elf = elf;
	if (!dbg_add_lines(g, elf, len, &out, &len))
		return diag_error(c->diags, NO_SPAN, E_INTERNAL, "the object LLVM emitted has no .BTF");
	c->img->elf = out;
	c->img->elf_len = len;
	return true;
}

void
dump_module(struct compile *c, struct buf *out)
{
	char *text = LLVMPrintModuleToString(c->gen->mod);

	buf_str(out, text);
	LLVMDisposeMessage(text);
}

void
dump_object(struct compile *c, struct buf *out)
{
	LLVMMemoryBufferRef mem;
	char *error = NULL;

	/* Emitting changed the module; a text of it is close enough only when made from the same one. */
	if (LLVMTargetMachineEmitToMemoryBuffer(c->gen->tm, c->gen->mod, LLVMAssemblyFile, &error, &mem)) {
		buf_str(out, error);
		LLVMDisposeMessage(error);
		return;
	}
	buf_add(out, LLVMGetBufferStart(mem), LLVMGetBufferSize(mem));
	LLVMDisposeMemoryBuffer(mem);
}
