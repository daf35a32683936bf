/* print.c - values as text (LANGUAGE 5.2, 5.6): by kind, or by the row that a type carries. */
#include "runtime/rt.h"

/* ---- numbers ---- */
void
print_u64(struct buf *out, uint64_t v)
{
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(out, text + at, sizeof(text) - at);
}

void
print_i64(struct buf *out, int64_t v)
{
	if (v < 0)
		buf_char(out, '-');
	print_u64(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
print_hex(struct buf *out, uint64_t v)
{
	char text[16];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	buf_add(out, text + at, sizeof(text) - at);
}

static void
print_int(const struct type *t, int64_t v, int64_t div, struct buf *out)
{
	for (uint32_t i = 0; t->enums && i < t->n; i++)
		if (t->enums[i].value == v) {
			buf_str(out, t->enums[i].name);
			return;
		}
	if (t->is_signed)
		print_i64(out, div > 1 ? v / div : v);
	else
		print_u64(out, div > 1 ? (uint64_t)v / (uint64_t)div : (uint64_t)v);
}

/* ---- text ---- */
static void
print_str(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	bool is_cut;
	size_t len = str_length(t, data, &is_cut);

	buf_add(out, data, len);
	if (is_cut && r->img->config.str_trunc_trailer)
		buf_str(out, r->img->config.str_trunc_trailer);
}

static void
print_bytes(const struct type *t, const void *data, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t len;
	const uint8_t *p = bytes_read(t, data, &len);

	for (uint32_t i = 0; i < len; i++) {
		if (p[i] >= 32 && p[i] < 127) {
			buf_char(out, (char)p[i]);
		} else {
			char text[4] = { '\\', 'x', hex[p[i] >> 4], hex[p[i] & 15] };

			buf_add(out, text, sizeof(text));
		}
	}
}

/* ---- stacks ---- */
void
print_frame(struct render *r, const struct type *t, uint32_t pid, uint64_t addr, struct buf *out)
{
	if (!r->ses) {
		buf_str(out, "0x");
		print_hex(out, addr);
	} else if (t->is_user) {
		sym_user(r->ses->syms, pid, addr, true, out);
	} else {
		sym_kernel(r->ses->syms, addr, true, out);
	}
}

static void
print_perf_frame(struct render *r, const struct type *t, uint32_t pid, uint64_t addr, struct buf *out)
{
	size_t at;
	bool is_known;

	buf_char(out, '\t');
	print_hex(out, addr);
	buf_char(out, ' ');
	at = out->len;
	print_frame(r, t, pid, addr, out);
	is_known = !out->failed && out->len > at + 1 && memcmp(out->data + at, "0x", 2) != 0;
	buf_str(out, is_known && !t->is_user ? " ([kernel.kallsyms])" : " ([unknown])");
}

static void
print_stack(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint32_t head[2];

	memcpy(head, data, sizeof(head));
	buf_char(out, '\n');
	for (uint32_t i = 0; i < head[1] && i < t->n; i++) {
		uint64_t addr;

		memcpy(&addr, (const char *)data + 8 + (size_t)i * 8, sizeof(addr));
		switch (t->param[0]) {
		case STACK_PERF:
			print_perf_frame(r, t, head[0], addr, out);
			break;
		case STACK_RAW:
		case STACK_BUILD_ID: /* addresses are what a frame holds here */
			print_hex(out, addr);
			break;
		default:
			buf_fill(out, ' ', 8);
			print_frame(r, t, head[0], addr, out);
		}
		buf_char(out, '\n');
	}
}

/* ---- what holds other values ---- */
static void
print_array(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			buf_char(out, ',');
		print_value(r, t->elem, (const char *)data + (size_t)i * t->elem->size, 0, out);
	}
	buf_char(out, ']');
}

static void
print_members(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			buf_str(out, ", ");
		print_value(r, t->fields[i].type, (const char *)data + t->fields[i].off, 0, out);
	}
}

/* The text of a tracepoint's __data_loc field lies behind the record's fields: there only when it was sent too. */
const char *
data_loc_text(const struct type *record, const struct field *f, const void *data, size_t *len)
{
	uint32_t loc, off, max;

	memcpy(&loc, (const char *)data + f->off, sizeof(loc));
	off = loc & 0xffff;
	max = loc >> 16;
	if (off >= record->size || max > record->size - off)
		return NULL;
	*len = strnlen((const char *)data + off, max);
	return (const char *)data + off;
}

void
print_field(struct render *r, const struct type *record, const struct field *f, const void *data, struct buf *out)
{
	struct type unit = *f->type;

	if (f->is_data_loc) {
		size_t len = 4;
		const char *text = data_loc_text(record, f, data, &len);

		buf_add(out, text ? text : "null", len);
	} else if (f->bit_len && type_is_number(f->type)) {
		int64_t v = field_read(f, data);

		unit.fmt = NULL;
		if (unit.kind == T_BOOL)
			buf_str(out, v ? "true" : "false");
		else
			print_int(&unit, v, 0, out);
	} else {
		print_value(r, f->type, (const char *)data + f->off, 0, out);
	}
}

/* Members of anonymous structs and unions stand among those of the struct around them, as a script names them. */
static void
print_fields(struct render *r, const struct type *t, const void *data, bool *is_first, struct buf *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if (!f->name && f->type->kind == T_RECORD) {
			print_fields(r, f->type, (const char *)data + f->off, is_first, out);
			continue;
		}
		if (!f->name)
			continue;        /* padding bits */
		buf_str(out, *is_first ? " ." : ", .");
		*is_first = false;
		buf_str(out, f->name);
		buf_str(out, " = ");
		print_field(r, t, f, data, out);
	}
}

static void
print_record(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	bool is_first = true;

	if (t->is_open) {
		buf_str(out, "null");
		return;
	}
	buf_char(out, '{');
	print_fields(r, t, data, &is_first, out);
	buf_str(out, is_first ? "}" : " }");
}

void
print_value(struct render *r, const struct type *t, const void *data, int64_t div, struct buf *out)
{
	if (t->fmt) {
		t->fmt->print(r, t, data, out);
		return;
	}
	switch (t->kind) {
	case T_BOOL:
		buf_str(out, *(const uint8_t *)data ? "true" : "false");
		break;
	case T_INT:
		print_int(t, type_read_int(t, data), div, out);
		break;
	case T_PTR: {
		int64_t v;

		value_read(t, data, &v);
		buf_str(out, "0x");
		print_hex(out, (uint64_t)v);
		break;
	}
	case T_STR:
		print_str(r, t, data, out);
		break;
	case T_BYTES:
		print_bytes(t, data, out);
		break;
	case T_ARRAY:
		print_array(r, t, data, out);
		break;
	case T_TUPLE:
		buf_char(out, '(');
		print_members(r, t, data, out);
		buf_char(out, ')');
		break;
	case T_RECORD:
		print_record(r, t, data, out);
		break;
	case T_AGGR:
		t->aggr->print(r, t, data, div, out);
		break;
	case T_STACK:
		print_stack(r, t, data, out);
		break;
	case T_WORD:
		buf_str(out, t->name ? t->name : "");
		break;
	case T_VOID:
		buf_str(out, "null");
		break;
	}
}

void
print_key(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	if (t->kind == T_TUPLE && !t->fmt)
		print_members(r, t, data, out);
	else
		print_value(r, t, data, 0, out);
}
