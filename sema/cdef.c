/* cdef.c - what the C definitions of a script mean (LANGUAGE 1.2): names to types and constants, at the end of S.
 * Needs: the declarations as lang/ read them.
 * Gives: c->cdefs, which type_of_node(), resolve and infer ask; #defines expanded in the tree.
 * The script's types win over the kernel's of the same name; those it does not define come from BTF. */
#include <stdio.h>
#include "sema/cdef.h"

bool
cdef_error(struct cdefs *d, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	struct buf text = { .arena = d->c->tmp };
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	if (d->is_quiet)
		return false;
	d->ok = false;
	if (++d->n_errors > MAX_C_ERRORS)
		return false;            /* a macro can repeat one without end */
	return diag_error(d->c->diags, at, tag, "%s", buf_cstr(&text));
}

/* ---- types that C has by itself ---- */

/* Names that have the same size wherever they are defined: no BTF is needed for them. */
static const struct type *
fixed_type(struct types *ts, const char *name)
{
	static const struct { const char *name; uint8_t size; bool is_signed; } known[] = {
		{ "int8_t", 1, true }, { "int16_t", 2, true }, { "int32_t", 4, true }, { "int64_t", 8, true },
		{ "uint8_t", 1, false }, { "uint16_t", 2, false }, { "uint32_t", 4, false }, { "uint64_t", 8, false },
		{ "u8", 1, false }, { "u16", 2, false }, { "u32", 4, false }, { "u64", 8, false },
		{ "s8", 1, true }, { "s16", 2, true }, { "s32", 4, true }, { "s64", 8, true },
		{ "__u8", 1, false }, { "__u16", 2, false }, { "__u32", 4, false }, { "__u64", 8, false },
		{ "__s8", 1, true }, { "__s16", 2, true }, { "__s32", 4, true }, { "__s64", 8, true },
		{ "__le16", 2, false }, { "__le32", 4, false }, { "__le64", 8, false },
		{ "__be16", 2, false }, { "__be32", 4, false }, { "__be64", 8, false }, { "__sum16", 2, false },
		{ "int8", 1, true }, { "int16", 2, true }, { "int32", 4, true }, { "int64", 8, true },
		{ "uint8", 1, false }, { "uint16", 2, false }, { "uint32", 4, false }, { "uint64", 8, false },
		{ "u_char", 1, false }, { "u_short", 2, false }, { "u_int", 4, false }, { "u_long", 8, false },
		{ "ushort", 2, false }, { "uint", 4, false }, { "ulong", 8, false },
		{ "size_t", 8, false }, { "ssize_t", 8, true }, { "ptrdiff_t", 8, true }, { "uintptr_t", 8, false },
		{ "intptr_t", 8, true }, { "off_t", 8, true }, { "loff_t", 8, true }, { "pid_t", 4, true }, { "uid_t", 4, false },
		{ "gid_t", 4, false }, { "time_t", 8, true }, { "socklen_t", 4, false }, { "sa_family_t", 2, false },
		{ "in_port_t", 2, false }, { "in_addr_t", 4, false }, { "wchar_t", 4, true },
	};

	for (size_t i = 0; i < LENGTH(known); i++)
		if (!strcmp(known[i].name, name))
			return type_int(ts, known[i].size, known[i].is_signed);
	return NULL;
}

/* The alignment of a type that C did not give us: what its parts need. */
static uint32_t
align_of(struct cdefs *d, const struct type *t, unsigned depth, unsigned *budget)
{
	uint32_t align = 1, bits;

	if (t->kind == T_RECORD && t->home == d)
		return d->all[t->btf_id - 1]->is.align;
	if (t->kind == T_ARRAY)
		return align_of(d, t->elem, depth + 1, budget);
	if (t->kind != T_RECORD)
		return t->kind == T_STR || !t->align ? 1 : t->align;
	if (depth > 16 || !kernel_expand(d->c->kernel, d->c->types, t))
		return t->align;
	bits = t->size;
	for (uint32_t i = 0; i < t->n && *budget; i++, --*budget) {
		uint32_t one = align_of(d, t->fields[i].type, depth + 1, budget);

		align = one > align ? one : align;
		bits |= t->fields[i].bit_len ? 0 : t->fields[i].off & (one - 1);
	}
	while (align > 1 && (bits & (align - 1)))
		align /= 2;              /* packed */
	return align;
}

struct meaning
cdef_meaning(struct cdefs *d, const struct type *t)
{
	unsigned budget = 1 << 16;
	struct meaning m = { .type = t, .size = t->size, .depth = 1 };

	if (t->kind == T_RECORD && t->home == d)
		return d->all[t->btf_id - 1]->is;
	m.is_incomplete = t->kind == T_VOID;
	m.align = align_of(d, t, 0, &budget);
	return m;
}

static bool
mean_base(struct cdefs *d, const struct c_type *t, struct meaning *out)
{
	struct types *ts = d->c->types;

	*out = (struct meaning){ .size = t->size, .align = t->size, .depth = 1 };
	switch (t->word) {
	case C_VOID:
		out->type = type_void(ts);
		out->is_incomplete = true;
		out->align = 1;
		break;
	case C_BOOL: out->type = type_bool(ts); break;
	case C_FLOAT: /* bytes: the language has no such numbers */
		out->type = type_array(ts, type_int(ts, 1, false), t->size);
		break;
	default:
		out->type = type_int(ts, t->size, t->word == C_CHAR || !t->is_unsigned);
		out->is_char = t->word == C_CHAR;
	}
	return true;
}

/* ---- constant expressions ---- */

struct env { struct c_env env; struct cdefs *d; };

static struct c_num
number_of(int64_t value, bool is_unsigned)
{
	if (!is_unsigned && value >= INT32_MIN && value <= INT32_MAX)
		return (struct c_num){ (uint64_t)value, 4, false };
	if (value >= 0 && value <= UINT32_MAX)
		return (struct c_num){ (uint64_t)value, value <= INT32_MAX ? 4 : 8, false };
	return (struct c_num){ (uint64_t)value, 8, is_unsigned };
}

static bool
env_name(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	struct cdefs *d = ((struct env *)env)->d;
	const struct constant *k = c_table_get(&d->constants, e->name);
	struct c_macro *m = k ? NULL : c_macro_find(d->file, e->name);
	const struct c_expr *text = m && !m->is_open ? c_expr_of_text(d->file, m->text, m->text_len, e->at) : NULL;
	int64_t value;

	if (k) {
		*out = k->num;
		return true;
	}
	if (text) {                      /* of a header: the script's own were expanded while it was read */
		m->is_open = true;
		bool ok = cdef_number(d, text, out);
		m->is_open = false;
		return ok;
	}
	if (kernel_enum_value(d->c->kernel, d->c->types, e->name, &value, NULL)) {
		*out = number_of(value, false);
		return true;
	}
	return cdef_error(d, e->at, E_CDEF, "'%s' is no constant that is known here", e->name);
}

static bool
env_cast(struct c_env *env, const struct c_expr *e, struct c_num *io)
{
	struct cdefs *d = ((struct env *)env)->d;
	struct meaning m;

	if (!cdef_mean(d, e->type, NULL, &m))
		return false;
	if (!type_is_scalar(m.type))
		return cdef_error(d, e->at, E_CDEF, "a constant cannot be cast to %s", type_name(d->c->tmp, m.type));
	if (m.type->kind == T_BOOL)
		*io = (struct c_num){ io->v != 0, 4, false };
	else
		*io = c_num_fit(*io, m.size, !m.type->is_signed);
	return true;
}

static bool
env_size(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	struct cdefs *d = ((struct env *)env)->d;
	const struct c_type named = { .kind = C_NAME, .at = e->at, .name = e->a ? e->a->name : NULL };
	const struct c_type *type = e->type;
	struct meaning m;
	struct c_num n;

	if (e->a && e->a->kind == CE_NAME && !c_table_get(&d->constants, e->a->name))
		type = &named;           /* sizeof(x): only here do we know that x is a type */
	if (!type) {
		if (!cdef_number(d, e->a, &n))
			return false;
		*out = (struct c_num){ n.size, 8, true };
		return true;
	}
	if (!cdef_mean(d, type, NULL, &m))
		return false;
	if (m.is_incomplete)
		return cdef_error(d, e->at, E_CDEF, "the size of %s is not known", type_name(d->c->tmp, m.type));
	*out = (struct c_num){ e->kind == CE_SIZEOF ? m.size : m.align, 8, true };
	return true;
}

bool
cdef_number(struct cdefs *d, const struct c_expr *e, struct c_num *out)
{
	struct env env = { { .diags = d->is_quiet ? NULL : d->c->diags, .tag = E_CDEF, .name = env_name, .cast = env_cast, .size = env_size }, d };

	bool ok = c_eval(&env.env, e, out);

	d->ok &= ok || d->is_quiet;
	return ok;
}

/* ---- enums ---- */

void
cdef_constant(struct cdefs *d, const char *name, struct c_num n, const struct type *type)
{
	struct constant *k = arena_alloc(d->c->tmp, sizeof(*k));

	k->num = n;
	k->type = type;
	c_table_put(&d->constants, d->c->tmp, name, k);
}

/* How many bytes hold it: 1, 2, 4, 8. */
static uint32_t
bytes_for(int64_t least, uint64_t most, bool is_signed)
{
	for (uint32_t size = 1; size < 8; size *= 2) {
		unsigned bits = size * 8 - is_signed;

		if (most >> bits == 0 && (!is_signed || least >= -((int64_t)1 << bits)))
			return size;
	}
	return 8;
}

static bool
enum_size(struct cdefs *d, const struct c_body *body, int64_t least, uint64_t most, uint32_t *size, bool *is_signed)
{
	struct meaning m;

	*is_signed = least < 0;
	*size = bytes_for(least, most, *is_signed);
	if (!body->attr.is_packed && *size < 4)
		*size = 4;
	if (!body->base)
		return true;
	if (!cdef_mean(d, body->base, NULL, &m))
		return false;
	if (m.type->kind != T_INT)
		return cdef_error(d, body->base->at, E_CDEF, "an enum is made of an integer type, not of %s", type_name(d->c->tmp, m.type));
	*size = m.size;
	*is_signed = m.type->is_signed;
	return true;
}

static bool
define_enum(struct cdefs *d, struct tag *tag)
{
	struct enumval *vals;
	uint32_t n = 0, size;
	int64_t least = 0;
	uint64_t most = 0;
	struct c_num next = { 0, 4, false };
	bool is_signed;

	for (const struct c_member *m = tag->body->members; m; m = m->next)
		n++;
	vals = arena_alloc(d->c->tmp, (n + 1) * sizeof(*vals));
	n = 0;
	for (const struct c_member *m = tag->body->members; m; m = m->next) {
		if (c_table_get(&d->constants, m->name))
			return cdef_error(d, m->at, E_CDEF, "'%s' was already defined", m->name);
		if (m->bits && !cdef_number(d, m->bits, &next))
			return false;
		next = number_of((int64_t)next.v, next.is_unsigned);
		vals[n++] = (struct enumval){ m->name, (int64_t)next.v };
		if (!next.is_unsigned && (int64_t)next.v < least)
			least = (int64_t)next.v;
		if ((next.is_unsigned || (int64_t)next.v >= 0) && next.v > most)
			most = next.v;
		cdef_constant(d, m->name, next, NULL);
		next.v++;
	}
	if (!enum_size(d, tag->body, least, most, &size, &is_signed))
		return false;
	tag->is.type = type_enum(d->c->types, *tag->name ? tag->name : NULL, size, is_signed, vals, n);
	tag->is.size = tag->is.align = size;
	tag->is.is_incomplete = false;
	for (const struct c_member *m = tag->body->members; m; m = m->next) {
		struct constant *k = c_table_get(&d->constants, m->name);

		k->type = tag->is.type;
	}
	return true;
}

/* ---- structs, unions, enums by name ---- */

struct tag *
cdef_tag_new(struct cdefs *d, const char *name, bool is_union, bool is_enum)
{
	struct tag *t = arena_alloc(d->c->tmp, sizeof(*t));

	t->name = name ? name : "";
	t->is = (struct meaning){ .align = 1, .depth = 1, .is_incomplete = true };
	if (name)
		c_table_put(&d->tags, d->c->tmp, name, t);
	if (is_enum) {
		t->is.type = type_int(d->c->types, 4, false);
		return t;
	}
	if (d->n_all == d->all_cap) {
		uint32_t cap = d->all_cap ? d->all_cap * 2 : 16;
		struct tag **more = arena_alloc(d->c->tmp, cap * sizeof(*more));

		if (d->n_all)
			memcpy(more, d->all, d->n_all * sizeof(*more));
		d->all = more;
		d->all_cap = cap;
	}
	d->all[d->n_all++] = t;
	t->record = type_open(d->c->types, t->name, 0, is_union, d, d->n_all);
	t->is.type = t->record;
	return t;
}

/* The tag of that name without a body in this place: the script's, else a kernel type, else one that stays unknown. */
static bool
named_tag(struct cdefs *d, const struct c_type *t, struct meaning *out)
{
	struct tag *tag = c_table_get(&d->tags, t->name);
	const struct type *type = tag || c_table_get(&d->bodies, t->name) ? NULL : kernel_type(d->c->kernel, d->c->types, t->name);

	if (type) {
		*out = cdef_meaning(d, type);
		return true;
	}
	if (!tag && t->is_enum)
		return cdef_error(d, t->at, E_TYPE_NAME, "Cannot resolve unknown type \"%s\"", t->name);
	if (!tag)
		tag = cdef_tag_new(d, t->name, t->is_union, false);
	*out = tag->is;
	return true;
}

static bool
mean_tag(struct cdefs *d, const struct c_type *t, const char *alias, struct meaning *out)
{
	struct tag *tag;

	if (!t->body)
		return named_tag(d, t, out);
	tag = t->name ? c_table_get(&d->tags, t->name) : NULL;
	if (!tag)
		tag = cdef_tag_new(d, t->name ? t->name : alias && !t->is_enum ? alias : NULL, t->is_union, t->is_enum);
	if (t->is_enum && !t->name && alias)
		tag->name = alias;
	if (tag->body && tag->body != t->body)
		return cdef_error(d, t->at, E_CDEF, "%s was already defined", t->name);
	if (!tag->body) {
		tag->body = t->body;
		tag->is_open = true;
		bool ok = t->is_enum ? define_enum(d, tag) : cdef_layout(d, tag);
		tag->is_open = false;
		if (!ok)
			return false;
	}
	*out = tag->is;
	return true;
}

static bool
unknown_type(struct cdefs *d, const struct c_type *t)
{
	struct near near = { 0 };
	const char *why;

	if (d->is_quiet)
		return false;
	cdef_near_type(d->c, t->name, &near);
	cdef_error(d, t->at, E_TYPE_NAME, "Cannot resolve unknown type \"%s\"", t->name);
	if (near.best)
		diag_hint(d->c->diags, "did you mean '%s'?", near.best);
	else if (!kernel_has_btf(d->c->kernel, &why))
		diag_hint(d->c->diags, "kernel types are not known here: %s", why);
	return false;
}

static bool
mean_name(struct cdefs *d, const struct c_type *t, struct meaning *out)
{
	const struct meaning *alias = c_table_get(&d->aliases, t->name);
	const struct type *type;

	if (alias) {
		*out = *alias;
		return true;
	}
	type = fixed_type(d->c->types, t->name);
	if (!type)
		type = kernel_type(d->c->kernel, d->c->types, t->name);
	if (!type)
		return unknown_type(d, t);
	*out = cdef_meaning(d, type);
	return true;
}

static bool
mean_pointer(struct cdefs *d, const struct c_type *t, struct meaning *out)
{
	struct meaning of;

	if (!cdef_mean(d, t->of, NULL, &of))
		return false;
	*out = (struct meaning){ .size = 8, .align = 8, .depth = of.type->kind == T_RECORD ? 1 : of.depth + 1 };
	out->type = type_ptr(d->c->types, of.is_function ? NULL : of.type, t->is_user ? AS_USER : AS_KERNEL);
	return true;
}

static bool
mean_array(struct cdefs *d, const struct c_type *t, struct meaning *out)
{
	struct c_num n = { 0 };
	struct meaning of;

	if (!cdef_mean(d, t->of, NULL, &of) || (t->len && !cdef_number(d, t->len, &n)))
		return false;
	if (of.is_incomplete || of.is_function)
		return cdef_error(d, t->at, E_CDEF, "there is no array of %s: its size is not known", type_name(d->c->tmp, of.type));
	if ((!n.is_unsigned && (int64_t)n.v < 0) || n.v > MAX_C_SIZE || n.v * of.size > MAX_C_SIZE)
		return cdef_error(d, t->len->at, E_SIZE, "an array of %lld elements is not possible here", (long long)n.v);
	*out = (struct meaning){ .size = (uint32_t)n.v * of.size, .align = of.align, .depth = of.depth + 1 };
	out->type = of.is_char && n.v ? type_str(d->c->types, (uint32_t)n.v) : type_array(d->c->types, of.type, (uint32_t)n.v);
	return true;
}

/* alias: the typedef that names this type, for those that have no other name. */
bool
cdef_mean(struct cdefs *d, const struct c_type *t, const char *alias, struct meaning *out)
{
	bool ok;

	switch (t->kind) {
	case C_BASE: ok = mean_base(d, t, out); break;
	case C_NAME: ok = mean_name(d, t, out); break;
	case C_TAG: ok = mean_tag(d, t, alias, out); break;
	case C_PTR: ok = mean_pointer(d, t, out); break;
	case C_ARRAY: ok = mean_array(d, t, out); break;
	default:
		*out = (struct meaning){ .type = type_void(d->c->types), .align = 1, .is_incomplete = true, .is_function = true };
		ok = cdef_mean(d, t->of, NULL, &(struct meaning){ .type = NULL });
	}
	if (ok && out->depth > MAX_C_NESTED)
		return cdef_error(d, t->at, E_NESTING, "types nest up to %d levels deep", MAX_C_NESTED);
	return ok;
}

/* ---- declarations ---- */

void
cdef_collect(struct cdefs *d, const struct c_type *t)
{
	for (; t && t->kind != C_TAG; t = t->of)
		;
	if (!t || !t->body)
		return;
	if (t->name && !c_table_get(&d->bodies, t->name))
		c_table_put(&d->bodies, d->c->tmp, t->name, (void *)(uintptr_t)t);
	for (const struct c_member *m = t->body->members; m; m = m->next)
		cdef_collect(d, m->type);
}

static bool
define_alias(struct cdefs *d, const struct c_decl *decl)
{
	struct meaning *m = arena_alloc(d->c->tmp, sizeof(*m));
	const struct meaning *old = c_table_get(&d->aliases, decl->name);
	struct c_num n = { 16, 4, false };

	if (!cdef_mean(d, decl->type, decl->name, m))
		return false;
	if (decl->attr.is_aligned && decl->attr.align && !cdef_number(d, decl->attr.align, &n))
		return false;
	if (decl->attr.is_aligned) {
		if (n.v == 0 || (n.v & (n.v - 1)) || n.v > 1 << 16)
			return cdef_error(d, decl->at, E_CDEF, "an alignment is a power of two, this is %lld", (long long)n.v);
		m->align = (uint32_t)n.v;
	}
	if (old && (old->type != m->type || old->align != m->align))
		return cdef_error(d, decl->at, E_CDEF, "%s was already defined as another type", decl->name);
	c_table_put(&d->aliases, d->c->tmp, decl->name, m);
	return true;
}

void
cdef_define(struct cdefs *d, const struct c_decl *decl)
{
	struct meaning m;

	/* The script's definitions win over those of headers. */
	if (d->is_quiet && decl->type && decl->type->kind == C_TAG && decl->type->name && decl->type->body &&
	    c_table_get(&d->bodies, decl->type->name) != decl->type)
		return;
	if (d->is_quiet && decl->kind == C_DECL_TYPEDEF && c_table_get(&d->file->typedefs, decl->name) != decl)
		return;
	if (decl->kind == C_DECL_INCLUDE)
		cdef_header(d, decl);
	else if (decl->kind == C_DECL_TYPEDEF)
		define_alias(d, decl);
	else
		cdef_mean(d, decl->type, NULL, &m);
}

static bool
is_predefined(void *ud, const char *name)
{
	struct compile *c = ud;

	return !strcmp(name, "SONDE") || (!strcmp(name, "BPFTRACE_HAVE_BTF") && kernel_has_btf(c->kernel, NULL));
}

struct c_file *
cdef_file(struct compile *c)
{
	struct c_file *f = c_file_new(c->tmp, c->diags);

	f->is_predefined = is_predefined;
	f->ud = c;
	return f;
}

bool
cdef_apply(struct compile *c)
{
	struct cdefs *d = arena_alloc(c->tmp, sizeof(*d));

	d->c = c;
	d->file = c->c_file;
	d->ok = true;
	c->cdefs = d;
	for (const struct c_decl *decl = c->c_file->decls; decl; decl = decl->next)
		if (decl->type)
			cdef_collect(d, decl->type);
	for (const struct c_decl *decl = c->c_file->decls; decl; decl = decl->next)
		cdef_define(d, decl);
	return d->ok && cdef_expand(d);
}
