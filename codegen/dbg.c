/* dbg.c - debug information: which line of the script each instruction comes from, for the verifier's log and bpftool.
 * LLVM turns it into .BTF and .BTF.ext.  The text of the lines it would read from a file; ours is in memory, and is added to the
 * object afterwards. */
#include <elf.h>
#include <linux/btf.h>
#include "codegen/emit.h"

void
dbg_open(struct gen *g)
{
	const struct source *src = diags_source(g->c->diags, (unsigned)g->c->file);
	const char *name = src && src->name ? src->name : "script";
	uint32_t n = 1;
	LLVMMetadataRef result;

	for (size_t i = 0; src && i < src->len; i++)
		n += src->text[i] == '\n';
	g->line_start = arena_alloc(g->c->tmp, n * sizeof(*g->line_start));
	g->n_lines = 1;
	for (size_t i = 0; src && i < src->len; i++)
		if (src->text[i] == '\n')
			g->line_start[g->n_lines++] = (uint32_t)i + 1;
	g->di = LLVMCreateDIBuilder(g->mod);
	/* A directory no file is found in: LLVM shall not read what happens to have the script's name. */
	g->di_file = LLVMDIBuilderCreateFile(g->di, name, strlen(name), "/dev/null", 9);
	g->di_unit = LLVMDIBuilderCreateCompileUnit(g->di, LLVMDWARFSourceLanguageC, g->di_file, "sonde", 5, 1, "", 0, 0, "", 0,
						    LLVMDWARFEmissionLineTablesOnly, 0, 0, 0, "", 0, "", 0);
	result = LLVMDIBuilderCreateBasicType(g->di, "long", 4, 64, 5 /* DW_ATE_signed */, LLVMDIFlagZero);
	/* No parameters: the kernel refuses BTF of functions whose parameters have no names. */
	g->di_proto = LLVMDIBuilderCreateSubroutineType(g->di, g->di_file, &result, 1, LLVMDIFlagZero);
	LLVMAddModuleFlag(g->mod, LLVMModuleFlagBehaviorWarning, "Debug Info Version", 18,
			  LLVMValueAsMetadata(LLVMConstInt(g->i32, LLVMDebugMetadataVersion(), 0)));
	LLVMAddModuleFlag(g->mod, LLVMModuleFlagBehaviorWarning, "Dwarf Version", 13, LLVMValueAsMetadata(LLVMConstInt(g->i32, 4, 0)));
}

static uint32_t
dbg_line(const struct gen *g, struct span at, uint32_t *col)
{
	uint32_t lo = 0, hi = g->n_lines;

	at = diags_blame(g->c->diags, at, (unsigned)g->c->file);
	if (at.file != g->c->file) { /* of a script that is imported */
		*col = 0;
		return 0;
	}
	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (g->line_start[mid] <= at.off)
			lo = mid;
		else
			hi = mid;
	}
	*col = at.off - g->line_start[lo] + 1;
	return lo + 1;
}

LLVMMetadataRef
dbg_function(struct gen *g, const char *name, struct span at)
{
	uint32_t col, line = dbg_line(g, at, &col);

	return LLVMDIBuilderCreateFunction(g->di, g->di_file, name, strlen(name), "", 0, g->di_file, line, g->di_proto, 1, 1, line,
					   LLVMDIFlagZero, 1);
}

void
dbg_place(struct gen *g, struct span at)
{
	uint32_t col, line = dbg_line(g, at, &col);

	/* .BTF.ext has 10 bits for the column. */
	LLVMSetCurrentDebugLocation2(g->b, LLVMDIBuilderCreateDebugLocation(g->lc, line, col < 1024 ? col : 0, g->f->sub, NULL));
}

void
dbg_close(struct gen *g)
{
	LLVMDIBuilderFinalize(g->di);
}

/* ---- the text of the lines ---- */

struct btf_ext_header { uint16_t magic; uint8_t version, flags; uint32_t hdr_len, func_off, func_len, line_off, line_len; };
struct line_info { uint32_t insn_off, file_name, line, place; };
struct object { uint8_t *data; size_t len; Elf64_Shdr *btf, *ext; };

static bool
inside(size_t len, uint64_t off, uint64_t n)
{
	return off <= len && n <= len - off;
}

static bool
find_sections(struct object *o)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)o->data;
	Elf64_Shdr *sh, *names;

	if (o->len < sizeof(*eh) || !inside(o->len, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(*sh)) || eh->e_shstrndx >= eh->e_shnum)
		return false;
	sh = (Elf64_Shdr *)(o->data + eh->e_shoff);
	names = &sh[eh->e_shstrndx];
	for (unsigned i = 0; i < eh->e_shnum; i++) {
		const char *name = (const char *)o->data + names->sh_offset + sh[i].sh_name;

		if (strcmp(name, ".BTF") == 0)
			o->btf = &sh[i];
		else if (strcmp(name, ".BTF.ext") == 0)
			o->ext = &sh[i];
	}
	return o->btf && o->ext && inside(o->len, o->btf->sh_offset, o->btf->sh_size) && inside(o->len, o->ext->sh_offset, o->ext->sh_size);
}

/* Offset in the string table of a line's text, added when it is not there yet. */
static uint32_t
line_text(struct gen *g, uint32_t line, uint32_t *known, struct buf *strings)
{
	const struct source *src = diags_source(g->c->diags, (unsigned)g->c->file);
	const char *s, *end;

	if (!src || line == 0 || line > g->n_lines)
		return 0;
	if (known[line])
		return known[line];
	s = src->text + g->line_start[line - 1];
	end = memchr(s, '\n', (size_t)(src->text + src->len - s));
	if (!end)
		end = src->text + src->len;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	known[line] = (uint32_t)strings->len;
	buf_add(strings, s, (size_t)(end - s) < 200 ? (size_t)(end - s) : 200);
	buf_char(strings, '\0');
	return known[line];
}

static bool
patch_lines(struct gen *g, struct object *o, struct buf *strings)
{
	uint32_t *known = arena_alloc(g->c->tmp, (g->n_lines + 1) * sizeof(*known));
	uint8_t *ext = o->data + o->ext->sh_offset, *at, *end;
	struct btf_ext_header *h = (struct btf_ext_header *)ext;
	uint32_t size;

	if (o->ext->sh_size < sizeof(*h) || !inside(o->ext->sh_size, (uint64_t)h->hdr_len + h->line_off, h->line_len) || h->line_len < 4)
		return false;
	at = ext + h->hdr_len + h->line_off;
	end = at + h->line_len;
	memcpy(&size, at, 4);
	if (size < sizeof(struct line_info))
		return false;
	for (at += 4; end - at >= 8;) {
		uint32_t n;

		memcpy(&n, at + 4, 4);
		at += 8;
		if (n > (size_t)(end - at) / size)
			return false;
		for (; n--; at += size) {
			struct line_info li;

			memcpy(&li, at, sizeof(li));
			li.line = line_text(g, li.place >> 10, known, strings);
			memcpy(at, &li, sizeof(li));
		}
	}
	return true;
}

/* A new .BTF with more strings goes to the end of the file; the section's header points there. */
bool
dbg_add_lines(struct gen *g, const uint8_t *elf, size_t len, const uint8_t **out, size_t *out_len)
{
	struct buf strings = { .arena = g->c->tmp };
	struct object o = { .len = len };
	struct btf_header *h;
	size_t old, pad = (8 - len % 8) % 8, n;
	uint8_t *copy = arena_dup(g->c->tmp, elf, len);

	o.data = copy;
	if (!find_sections(&o) || o.btf->sh_size < sizeof(*h))
		return false;
	h = (struct btf_header *)(copy + o.btf->sh_offset);
	if (!inside(o.btf->sh_size, (uint64_t)h->hdr_len + h->str_off, h->str_len))
		return false;
	buf_add(&strings, copy + o.btf->sh_offset + h->hdr_len + h->str_off, h->str_len);
	if (!patch_lines(g, &o, &strings))
		return false;
	old = h->hdr_len + h->str_off; /* the strings are the last part */
	n = old + strings.len;
	h->str_len = (uint32_t)strings.len;
	uint8_t *all = arena_alloc(g->c->keep, len + pad + n);
	memcpy(all + len + pad, copy + o.btf->sh_offset, old);
	memcpy(all + len + pad + old, strings.data, strings.len);
	o.btf->sh_offset = len + pad;
	o.btf->sh_size = n;
	memcpy(all, copy, len);
	*out = all;
	*out_len = len + pad + n;
	return true;
}
