/* elf.c - reads the image's object: program sections, relocations, BTF and what .BTF.ext says of each section.  The bytes
 * may come from a file: every offset is checked. */
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdlib.h>
#include "runtime/rt.h"

#define R_BPF_64_64 1  /* ld_imm64 */
#define R_BPF_64_32 10 /* call */

struct ext_header {                      /* of .BTF.ext */
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};
struct ext_info { const uint8_t *data; uint32_t len, rec_size, next; }; /* next: where the search goes on */
struct object {
	struct sonde_session *ses;
	struct arena *arena;             /* owns this too */
	Elf *elf;
	size_t n_sections, names;        /* names: section number of the section names */
	Elf_Data **data;                 /* of each section, NULL where not read yet */
	size_t *rel_of;                  /* number of the REL section of each section, 0: none */
	size_t next;                     /* where the search for the next program starts: they come in order */
	size_t symtab, strings;
	const uint8_t *btf; size_t btf_len;
	const char *btf_strs; uint32_t btf_strs_len;
	struct ext_info funcs, lines;
};

static int
bad(struct object *o, const char *what)
{
	return rt_error(o->ses, NO_SPAN, E_IMAGE, -EBADMSG, "the image's BPF object is damaged: %s", what);
}

static const char *
section_name(struct object *o, size_t i)
{
	GElf_Shdr head;
	Elf_Scn *scn = elf_getscn(o->elf, i);
	const char *name = scn && gelf_getshdr(scn, &head) ? elf_strptr(o->elf, o->names, head.sh_name) : NULL;

	return name ? name : "";
}

static Elf_Data *
section_data(struct object *o, size_t i)
{
	if (i >= o->n_sections)
		return NULL;
	if (!o->data[i]) {
		Elf_Scn *scn = elf_getscn(o->elf, i);

		o->data[i] = scn ? elf_rawdata(scn, NULL) : NULL;
	}
	return o->data[i] && o->data[i]->d_buf ? o->data[i] : NULL;
}

/* .BTF.ext: the two tables of func_info and line_info, each a record size and then a part for each section. */
static void
read_ext(struct object *o, const uint8_t *data, size_t len)
{
	struct ext_header head;
	uint32_t off[2], n[2];
	struct ext_info *info[2] = { &o->funcs, &o->lines };

	if (len < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	if (head.magic != BTF_MAGIC || head.hdr_len < sizeof(head) || head.hdr_len > len)
		return;
	off[0] = head.func_off;
	off[1] = head.line_off;
	n[0] = head.func_len;
	n[1] = head.line_len;
	data += head.hdr_len;
	len -= head.hdr_len;
	for (int i = 0; i < 2; i++) {
		if (n[i] < 4 || off[i] > len || n[i] > len - off[i])
			continue;
		memcpy(&info[i]->rec_size, data + off[i], 4);
		if (info[i]->rec_size < 8 || info[i]->rec_size > 256)
			continue;
		info[i]->data = data + off[i] + 4;
		info[i]->len = n[i] - 4;
	}
}

static void
read_btf(struct object *o, const uint8_t *data, size_t len)
{
	struct btf_header head;

	if (len < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	if (head.magic != BTF_MAGIC || head.hdr_len > len || head.str_off > len - head.hdr_len ||
	    head.str_len > len - head.hdr_len - head.str_off || head.str_len == 0 ||
	    data[head.hdr_len + head.str_off + head.str_len - 1] != 0)
		return;
	o->btf = data;
	o->btf_len = len;
	o->btf_strs = (const char *)data + head.hdr_len + head.str_off;
	o->btf_strs_len = head.str_len;
}

static int
read_sections(struct object *o)
{
	size_t ext = 0;

	for (size_t i = 1; i < o->n_sections; i++) {
		GElf_Shdr head;
		Elf_Scn *scn = elf_getscn(o->elf, i);
		const char *name = section_name(o, i);
		Elf_Data *d;

		if (!scn || !gelf_getshdr(scn, &head))
			return bad(o, "a section cannot be read");
		if (head.sh_type == SHT_SYMTAB) {
			o->symtab = i;
			o->strings = head.sh_link;
		} else if (head.sh_type == SHT_REL && head.sh_info < o->n_sections) {
			o->rel_of[head.sh_info] = i;
		} else if (strcmp(name, ".BTF") == 0 && (d = section_data(o, i))) {
			read_btf(o, d->d_buf, d->d_size);
		} else if (strcmp(name, ".BTF.ext") == 0) {
			ext = i;
		}
	}
	if (o->btf && ext && section_data(o, ext))
		read_ext(o, section_data(o, ext)->d_buf, section_data(o, ext)->d_size);
	return 0;
}

static int
open_elf(struct object *o)
{
	const struct sonde_image *img = o->ses->img;
	GElf_Ehdr head;

	/* With these bytes libelf only reads, though its prototype does not say so. */
	if (elf_version(EV_CURRENT) == EV_NONE ||
	    !(o->elf = elf_memory((char *)(uintptr_t)img->elf, img->elf_len)))
		return bad(o, "it is not an ELF file");
	if (!gelf_getehdr(o->elf, &head) || head.e_machine != EM_BPF ||
	    gelf_getclass(o->elf) != ELFCLASS64)
		return bad(o, "it is not a BPF object");
	if (elf_getshdrnum(o->elf, &o->n_sections) || elf_getshdrstrndx(o->elf, &o->names))
		return bad(o, "it has no sections");
	o->data = arena_alloc(o->arena, (o->n_sections + 1) * sizeof(*o->data));
	o->rel_of = arena_alloc(o->arena, (o->n_sections + 1) * sizeof(*o->rel_of));
	if (!o->data || !o->rel_of)
		return -ENOMEM;
	return read_sections(o);
}

struct object *
object_open(struct sonde_session *ses)
{
	struct arena *arena = arena_new();
	struct object *o = arena ? arena_alloc(arena, sizeof(*o)) : NULL;

	if (!o) {
		arena_free(arena);
		return NULL;
	}
	o->ses = ses;
	o->arena = arena;
	o->next = 1;
	if (open_elf(o)) {
		object_close(o);
		return NULL;
	}
	return o;
}

void
object_close(struct object *o)
{
	if (!o)
		return;
	if (o->elf)
		elf_end(o->elf);
	arena_free(o->arena);
}

const void *
object_btf(const struct object *o, size_t *len)
{
	*len = o->btf_len;
	return o->btf;
}

/* ---- relocations ---- */
static bool
read_symbol(struct object *o, size_t i, Elf64_Sym *sym, const char **name)
{
	Elf_Data *d = o->symtab ? section_data(o, o->symtab) : NULL;

	if (!d || i >= d->d_size / sizeof(*sym))
		return false;
	memcpy(sym, (const char *)d->d_buf + i * sizeof(*sym), sizeof(*sym));
	*name = elf_strptr(o->elf, o->strings, sym->st_name);
	if (!*name)
		*name = "";
	return true;
}

/* "map_3" with prefix "map_" is 3; -1: something else. */
static int
symbol_slot(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);
	char *end;
	unsigned long slot;

	if (strncmp(name, prefix, n) != 0 || name[n] < '0' || name[n] > '9')
		return -1;
	slot = strtoul(name + n, &end, 10);
	return *end || slot > INT32_MAX ? -1 : (int)slot;
}

static int
patch_map(struct object *o, struct bpf_insn *insn, const char *name)
{
	int slot = symbol_slot(name, "map_"), value = symbol_slot(name, "mapval_");
	int at = slot >= 0 ? slot : value;

	if (at < 0)
		return rt_error(o->ses, NO_SPAN, E_INTERNAL, -EBADMSG, "a program refers to '%s', which is no map", name);
	if ((uint32_t)at >= o->ses->img->n_maps || o->ses->map_fd[at] < 0)
		return rt_error(o->ses, NO_SPAN, E_INTERNAL, -EBADMSG, "a program refers to map %d, which was not made", at);
	if (slot >= 0) {
		insn[0].src_reg = BPF_PSEUDO_MAP_FD;
		insn[1].imm = 0;
	} else {
		insn[0].src_reg = BPF_PSEUDO_MAP_VALUE;
		insn[1].imm = insn[0].imm; /* the offset into the value */
	}
	insn[0].imm = o->ses->map_fd[at];
	return 0;
}

/* Where in the section, in instructions, a function symbol or a section symbol with an addend points; -1: elsewhere. */
static int64_t
local_target(const Elf64_Sym *sym, size_t section, int64_t addend, uint32_t n)
{
	unsigned kind = ELF64_ST_TYPE(sym->st_info);
	uint64_t at = sym->st_value + (uint64_t)addend;

	if (sym->st_shndx != section || (kind != STT_FUNC && kind != STT_SECTION && kind != STT_NOTYPE) ||
	    at % sizeof(struct bpf_insn) != 0 || at / sizeof(struct bpf_insn) >= n)
		return -1;
	return (int64_t)(at / sizeof(struct bpf_insn));
}

static int
patch_one(struct object *o, size_t section, struct code *code, const Elf64_Rel *rel)
{
	uint64_t i = rel->r_offset / sizeof(struct bpf_insn);
	struct bpf_insn *insn = &code->insns[i];
	const char *name;
	Elf64_Sym sym;
	int64_t to;

	if (rel->r_offset % sizeof(struct bpf_insn) != 0 || i >= code->n ||
	    !read_symbol(o, ELF64_R_SYM(rel->r_info), &sym, &name))
		return bad(o, "a relocation points nowhere");
	switch (ELF64_R_TYPE(rel->r_info)) {
	case R_BPF_64_64:
		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW) || i + 1 >= code->n)
			return bad(o, "a relocation is not at a 64-bit load");
		if (sym.st_shndx == SHN_UNDEF)
			return patch_map(o, insn, name);
		to = local_target(&sym, section, insn->imm, code->n);
		if (to < 0)
			return rt_error(o->ses, code->prog->at, E_INTERNAL, -EBADMSG,
					"a program refers to '%s', which is neither a map nor a function of its section", name);
		insn[0].src_reg = BPF_PSEUDO_FUNC;
		insn[0].imm = (int32_t)(to - (int64_t)i - 1);
		insn[1].imm = 0;
		code->has_callbacks = true;
		return 0;
	case R_BPF_64_32:
		/* imm holds the place in units of instructions, counted from the symbol and one too low. */
		to = local_target(&sym, section, ((int64_t)insn->imm + 1) * (int64_t)sizeof(*insn), code->n);
		if (insn->code != (BPF_JMP | BPF_CALL) || to < 0)
			return rt_error(o->ses, code->prog->at, E_INTERNAL, -EBADMSG,
					"a program calls '%s', which is not in its section", name);
		insn->src_reg = BPF_PSEUDO_CALL;
		insn->imm = (int32_t)(to - (int64_t)i - 1);
		return 0;
	default:
		return bad(o, "a relocation is of an unknown kind");
	}
}

static int
patch_all(struct object *o, size_t section, struct code *code)
{
	Elf_Data *d = o->rel_of[section] ? section_data(o, o->rel_of[section]) : NULL;
	size_t n = d ? d->d_size / sizeof(Elf64_Rel) : 0;

	for (size_t i = 0; i < n; i++) {
		Elf64_Rel rel;
		int err;

		memcpy(&rel, (const char *)d->d_buf + i * sizeof(rel), sizeof(rel));
		err = patch_one(o, section, code, &rel);
		if (err)
			return err;
	}
	return 0;
}

/* ---- func_info and line_info ---- */
/* Finds the part of a table that is for a section, between two offsets.  NULL: not there. */
static const uint8_t *
ext_find(struct object *o, struct ext_info *info, uint32_t from, uint32_t to, const char *section, uint32_t *count)
{
	while (to - from >= 8) {
		uint32_t name, n;

		memcpy(&name, info->data + from, 4);
		memcpy(&n, info->data + from + 4, 4);
		from += 8;
		if ((uint64_t)n * info->rec_size > to - from)
			return NULL;
		if (name < o->btf_strs_len && strcmp(o->btf_strs + name, section) == 0) {
			*count = n;
			info->next = from + n * info->rec_size;
			return info->data + from;
		}
		from += n * info->rec_size;
	}
	return NULL;
}

/* The records for a section, copied, their offsets in instructions instead of bytes. */
static const void *
ext_records(struct object *o, struct ext_info *info, const char *section, uint32_t *count)
{
	uint32_t n = 0, next = info->next;
	const uint8_t *found;
	uint8_t *copy;

	if (!info->data)
		return NULL;
	/* Programs are asked for in the order of their sections. */
	found = ext_find(o, info, next, info->len, section, &n);
	if (!found)
		found = ext_find(o, info, 0, next, section, &n);
	copy = found ? arena_dup(o->arena, found, (size_t)n * info->rec_size) : NULL;
	for (uint32_t i = 0; copy && i < n; i++) {
		uint32_t off;

		memcpy(&off, copy + (size_t)i * info->rec_size, 4);
		off /= sizeof(struct bpf_insn);
		memcpy(copy + (size_t)i * info->rec_size, &off, 4);
	}
	*count = copy ? n : 0;
	return copy;
}

static size_t
find_section(struct object *o, const char *name)
{
	for (size_t i = 0; i < o->n_sections; i++) {
		size_t at = (o->next + i) % o->n_sections;

		if (strcmp(section_name(o, at), name) == 0) {
			o->next = at + 1;
			return at;
		}
	}
	return 0;
}

int
object_code(struct object *o, const struct prog *prog, struct code *code)
{
	size_t at = find_section(o, prog->section);
	Elf_Data *d = at ? section_data(o, at) : NULL;
	int err;

	*code = (struct code){ .prog = prog };
	if (!d || d->d_size == 0 || d->d_size % sizeof(struct bpf_insn) != 0)
		return rt_error(o->ses, prog->at, E_IMAGE, -EBADMSG, "the image's BPF object has no program '%s'", prog->section);
	code->n = (uint32_t)(d->d_size / sizeof(struct bpf_insn));
	code->insns = arena_dup(o->arena, d->d_buf, d->d_size);
	if (!code->insns)
		return -ENOMEM;
	err = patch_all(o, at, code);
	if (err)
		return err;
	code->func_info = ext_records(o, &o->funcs, prog->section, &code->n_funcs);
	code->func_size = o->funcs.rec_size;
	code->line_info = ext_records(o, &o->lines, prog->section, &code->n_lines);
	code->line_size = o->lines.rec_size;
	return 0;
}
