/* clayout.c - where the members of a C struct lie: what compilers do on Linux (SysV ABI, GNU's packed and aligned,
 * #pragma pack).  tests/unit/test_cdef.c compares it with the host's compiler. */
#include "sema/cdef.h"

struct layout {
	struct cdefs *d;
	struct tag *tag;
	const struct c_body *body;
	uint64_t bit, size;              /* bit: where the next member may begin; size: in bits, what the largest took */
	uint32_t align;
	struct placed *out;
	uint32_t n;
	struct c_table names;
};

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static bool
read_align(struct layout *l, const struct c_attr *attr, struct span at, uint32_t *out)
{
	struct c_num n = { 16, 4, false }; /* as far as anything on these machines needs it */

	*out = 0;
	if (!attr->is_aligned)
		return true;
	if (attr->align && !cdef_number(l->d, attr->align, &n))
		return false;
	if (n.v == 0 || (n.v & (n.v - 1)) || n.v > 1 << 16)
		return cdef_error(l->d, at, E_CDEF, "an alignment is a power of two, this is %lld", (long long)n.v);
	*out = (uint32_t)n.v;
	return true;
}

static void
take(struct layout *l, uint64_t end)
{
	l->size = end > l->size ? end : l->size;
	l->bit = l->tag->record->is_union ? 0 : end;
}

static bool
check_bits(struct layout *l, const struct c_member *m, const struct meaning *is, uint64_t n)
{
	uint32_t most = is->type->kind == T_BOOL ? 1 : is->size * 8;

	if (!type_is_number(is->type))
		return cdef_error(l->d, m->at, E_CDEF, "a bit field is made of an integer type, not of %s", type_name(l->d->c->tmp, is->type));
	if (n > most)
		return cdef_error(l->d, m->bits->at, E_CDEF, "this type has %u bits, not %lld", most, (long long)n);
	if (n == 0 && m->name)
		return cdef_error(l->d, m->bits->at, E_CDEF, "only a bit field without a name has no bits");
	return true;
}

static bool
add_bits(struct layout *l, const struct c_member *m, const struct meaning *is, uint32_t own)
{
	bool is_packed = l->body->attr.is_packed || m->attr.is_packed;
	uint32_t align = own > is->align ? own : is->align;
	struct c_num n;

	if (!cdef_number(l->d, m->bits, &n) || !check_bits(l, m, is, n.v))
		return false;
	if (n.v == 0) {                  /* as far as its type needs it, packed or not */
		take(l, round_up(l->bit, align * 8));
		return true;
	}
	if (l->body->pack && align > l->body->pack)
		align = l->body->pack;
	if (l->body->pack && own > l->body->pack)
		own = l->body->pack;
	if (own)
		l->bit = round_up(l->bit, own * 8);
	/* It takes no more units of its alignment than its type has: else it begins in the next one. */
	if (!is_packed && !l->body->pack && (l->bit % (align * 8) + n.v + align * 8 - 1) / (align * 8) > is->size / align)
		l->bit = round_up(l->bit, align * 8);
	if (is_packed)
		align = own ? own : 1;
	if (m->name && align > l->align)
		l->align = align;
	if (m->name) {
		l->out[l->n].f = (struct field){ .name = m->name, .type = is->type };
		l->out[l->n].bit = l->bit;
		l->out[l->n++].n_bits = (uint32_t)n.v;
	}
	take(l, l->bit + n.v);
	return true;
}

static bool
check_member(struct layout *l, const struct c_member *m, const struct meaning *is)
{
	const char *type = type_name(l->d->c->tmp, is->type);

	if (is->is_function)
		return cdef_error(l->d, m->at, E_CDEF, "a function is no member: a pointer to it is");
	if (is->is_incomplete && is->type == l->tag->is.type)
		return cdef_error(l->d, m->at, E_CDEF, "%s holds itself", type);
	if (is->is_incomplete)
		return cdef_error(l->d, m->at, E_CDEF, "%s has no size here: it is not defined before this member", type);
	if (m->name && c_table_get(&l->names, m->name))
		return cdef_error(l->d, m->at, E_CDEF, "there is a member '%s' already", m->name);
	if (m->name)
		c_table_put(&l->names, l->d->c->tmp, m->name, l);
	return true;
}

static bool
add_member(struct layout *l, const struct c_member *m)
{
	struct meaning is;
	uint32_t own, align;

	if (!cdef_mean(l->d, m->type, NULL, &is))
		return false;
	if (m->is_no_member)
		return true;
	if (!check_member(l, m, &is) || !read_align(l, &m->attr, m->at, &own))
		return false;
	if (is.depth >= MAX_C_NESTED)
		return cdef_error(l->d, m->at, E_NESTING, "types nest up to %d levels deep", MAX_C_NESTED);
	if (is.depth >= l->tag->is.depth)
		l->tag->is.depth = is.depth + 1;
	if (m->bits)
		return add_bits(l, m, &is, own);
	align = l->body->attr.is_packed || m->attr.is_packed ? 1 : is.align;
	if (own > align)
		align = own;
	if (l->body->pack && align > l->body->pack)
		align = l->body->pack;
	if (align > l->align)
		l->align = align;
	l->bit = round_up(l->bit, (uint64_t)align * 8);
	if (l->bit / 8 + is.size > MAX_C_SIZE)
		return cdef_error(l->d, m->at, E_SIZE, "a struct has up to %d bytes", MAX_C_SIZE);
	l->out[l->n].f = (struct field){ .name = m->name, .type = is.type };
	l->out[l->n++].bit = l->bit;
	take(l, l->bit + (uint64_t)is.size * 8);
	return true;
}

/* Turns places into fields and makes the record known.  What sonde keeps of it in memory is aligned to 8 at most. */
bool
cdef_fill(struct cdefs *d, struct tag *tag, struct placed *p, uint32_t n, uint64_t size, uint32_t align)
{
	struct field *fields = arena_alloc(d->c->keep, (n + 1) * sizeof(*fields));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct field *f = &fields[kept];

		*f = p[i].f;
		if (f->name)
			f->name = str_intern(d->c->keep, f->name, strlen(f->name));
		f->off = (uint32_t)(p[i].bit / 8);
		if (!p[i].n_bits || btf_bit_field(d->c->types, f, (uint32_t)p[i].bit, p[i].n_bits, (uint32_t)size))
			kept++;
		else
			return cdef_error(d, tag->body->at, E_UNSUPPORTED, "the bit field '%s' cannot be read: no 1, 2, 4 or 8 bytes of this struct hold it", f->name);
		if (!p[i].n_bits && f->type->kind == T_RECORD && f->type->home != d)
			kernel_expand(d->c->kernel, d->c->types, f->type); /* it will be printed with the others */
	}
	tag->record->fields = fields;
	tag->record->n = kept;
	tag->record->size = (uint32_t)size;
	tag->record->align = align > 8 ? 8 : align;
	tag->record->is_open = false;
	tag->is.size = (uint32_t)size;
	tag->is.align = align;
	tag->is.is_incomplete = false;
	return true;
}

bool
cdef_layout(struct cdefs *d, struct tag *tag)
{
	struct layout l = { .d = d, .tag = tag, .body = tag->body, .align = 1 };
	uint32_t n = 0, own;

	for (const struct c_member *m = tag->body->members; m; m = m->next)
		n++;
	l.out = arena_alloc(d->c->tmp, (n + 1) * sizeof(*l.out));
	for (const struct c_member *m = tag->body->members; m; m = m->next)
		if (!add_member(&l, m))
			return false;
	if (!read_align(&l, &tag->body->attr, tag->body->at, &own))
		return false;
	if (own > l.align)
		l.align = own;
	uint64_t size = round_up(round_up(l.size, 8) / 8, l.align);
	if (size > MAX_C_SIZE)
		return cdef_error(d, tag->body->at, E_SIZE, "a struct has up to %d bytes", MAX_C_SIZE);
	return cdef_fill(d, tag, l.out, l.n, size, l.align);
}
