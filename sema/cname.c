/* cname.c - what other passes ask of C definitions: types, constants, members by name. */
#include "sema/cdef.h"

const struct type *
cdef_type(struct compile *c, const char *name)
{
	const struct meaning *alias = c->cdefs ? c_table_get(&c->cdefs->aliases, name) : NULL;
	const struct tag *tag = c->cdefs && !alias ? c_table_get(&c->cdefs->tags, name) : NULL;

	if (alias)
		return alias->type;
	return tag && tag->body ? tag->is.type : NULL;
}

bool
cdef_enum_value(struct compile *c, const char *name, int64_t *value, const struct type **type)
{
	const struct constant *k = c->cdefs ? c_table_get(&c->cdefs->constants, name) : NULL;

	if (!k)
		return false;
	*value = (int64_t)k->num.v;
	*type = k->type;
	return true;
}

/* The script's definition of a record, or the record. */
static const struct type *
own_record(struct compile *c, const struct type *record)
{
	bool is_kernel = c->cdefs && record->home && record->home != c->cdefs && record->name;
	const struct type *own = is_kernel ? cdef_type(c, str_intern(c->tmp, record->name, strlen(record->name))) : NULL;

	return own && own->kind == T_RECORD ? own : record;
}

bool
script_field(struct compile *c, const struct type *record, const char *name, struct field *out)
{
	return kernel_field(c->kernel, c->types, own_record(c, record), name, out);
}

const struct type *
script_value(struct compile *c, const struct type *record, const struct type *member)
{
	if (member->kind != T_STR || !c->cdefs || own_record(c, record)->home != c->cdefs)
		return member;
	return type_str(c->types, member->size + 1);
}

struct offer { struct near *near; const char *name; };

static void
offer(void *ud, const char *key, void *value)
{
	struct offer *o = ud;

	(void)value;
	near_offer(o->near, o->name, key);
}

void
cdef_near_type(struct compile *c, const char *name, struct near *near)
{
	struct offer o = { near, name };

	if (c->cdefs) {
		c_table_each(&c->cdefs->aliases, offer, &o);
		c_table_each(&c->cdefs->tags, offer, &o);
	}
}

void
cdef_near_constant(struct compile *c, const char *name, struct near *near)
{
	struct offer o = { near, name };

	if (c->cdefs) {
		c_table_each(&c->cdefs->constants, offer, &o);
		c_table_each(&c->cdefs->file->macros, offer, &o);
	}
}
