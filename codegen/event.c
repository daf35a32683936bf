/* event.c - events for the ring buffer, and what fails while a program runs. */
#include <linux/bpf.h>
#include "codegen/emit.h"

static void
count_one(struct gen *g, size_t off)
{
	gen_atomic_add(g, gen_state(g, (uint32_t)off, 8), gen_u64(g, 1));
}

struct gval
gen_event_begin(struct gen *g, const struct action *a)
{
	struct event *e = arena_alloc(g->c->tmp, sizeof(*e));
	struct gblock *full = gen_label(g, "ring_full"), *done = gen_label(g, "event_done"), *room = gen_label(g, "event"), *from;
	LLVMValueRef arg[] = { map_symbol(g, MAP_RING), const64(g, 8 + (uint64_t)a->payload->size), const64(g, 0) };
	struct gval at = reg_of(emit_helper(g, BPF_FUNC_ringbuf_reserve, arg, 3), type_int(g->c->types, 8, false)), mem;

	from = gen_here(g);
	emit_likely(g, at, room, full);
	gen_place(g, full);
	count_one(g, offsetof(struct run_state, lost));
	gen_jump(g, done);
	emit_place_hot(g, room, from);
	mem = gen_mem_at(g, at, a->payload);
	*e = (struct event){ .below = g->events, .mem = llvm(mem), .done = block(done) };
	g->events = e;
	g->n_events++;
	gen_store(g, gen_at(g, mem, 0, type_int(g->c->types, 8, false)), gen_u64(g, (uint64_t)(a - g->c->img->actions)));
	return gen_at(g, mem, 8, a->payload);
}

/* Waking the session for each event costs more than the event.  Who finds it asleep rings once and notes that it has rung. */
static LLVMValueRef
wake_flags(struct gen *g)
{
	struct gval awake = gen_state(g, offsetof(struct run_state, awake), 4), is_awake = gen_load(g, awake);
	struct gblock *ring = gen_label(g, "ring"), *submit = gen_label(g, "submit"), *from = gen_here(g);
	const struct type *u64 = type_int(g->c->types, 8, false);

	emit_likely(g, is_awake, submit, ring);
	gen_place(g, ring);
	gen_store(g, awake, gen_u64(g, 1));
	emit_place_hot(g, submit, from);
	return llvm(gen_phi(g, u64, gen_u64(g, BPF_RB_NO_WAKEUP), from, gen_u64(g, BPF_RB_FORCE_WAKEUP), ring));
}

void
gen_event_end(struct gen *g)
{
	struct event *e = g->events;

	if (!emit_is_ended(g)) {
		LLVMValueRef arg[] = { e->mem, wake_flags(g) };

		emit_helper(g, BPF_FUNC_ringbuf_submit, arg, 2);
	}
	g->events = e->below;
	g->n_events--;
	gen_place(g, (struct gblock *)e->done);
}

/* The verifier wants every reservation given back on every way out. */
void
event_unwind(struct gen *g, unsigned depth)
{
	struct event *e = g->events;

	for (unsigned n = g->n_events; n > depth; n--, e = e->below) {
		LLVMValueRef arg[] = { e->mem, const64(g, BPF_RB_NO_WAKEUP) };

		emit_helper(g, BPF_FUNC_ringbuf_discard, arg, 2);
	}
}

/* ---- the default of BI_ACTION rows ---- */

static bool
has_effect(struct node *n, void *ud)
{
	bool *found = ud;

	*found |= n->kind == N_INCDEC || n->kind == N_BLOCK || n->kind == N_ASSIGN;
	return !*found;
}

/* Arguments that change something are evaluated whether or not the ring has room. */
static bool
eval_early(struct gen *g, const struct node *call, struct gval *early, uint32_t n)
{
	uint32_t i = 0;

	for (const struct node *a = call->kid[0]; a; a = a->next) {
		bool found = false;

		if (!action_sends(call->action, call, a))
			continue;
		if (i == n)
			break;
		node_walk((struct node *)a, has_effect, &found);
		if (found && !gen_expr(g, a, &early[i]))
			return false;
		i++;
	}
	return true;
}

bool
gen_action(struct gen *g, const struct node *call)
{
	const struct action *act = call->action;
	const struct type *t = act->payload;
	struct gval *early = arena_alloc(g->c->tmp, (t->n + 1) * sizeof(*early)), event;
	uint32_t i = 0;

	if (!eval_early(g, call, early, t->n))
		return false;
	event = gen_event_begin(g, act);
	for (const struct node *a = call->kid[0]; a && i < t->n; a = a->next) {
		if (!action_sends(call->action, call, a))
			continue;
		struct gval dst = gen_at(g, event, t->fields[i].off, t->fields[i].type);

		if (early[i].v ? !gen_to(g, early[i], dst, false) : !gen_expr_to(g, a, dst, false))
			return false;
		i++;
	}
	gen_event_end(g);
	return true;
}

/* ---- runtime errors ---- */

static uint32_t
error_site(struct gen *g, enum run_error what, const char *detail, struct span at)
{
	struct sonde_image *img = g->c->img;

	for (uint32_t i = img->n_errors; i-- > 0 && i + 64 > img->n_errors;) {
		const struct errsite *e = &img->errors[i];

		if (e->what == what && e->at.off == at.off && e->at.len == at.len && e->at.file == at.file)
			return i;
	}
	if (img->n_errors == g->n_errors_cap) {
		struct errsite *more;

		g->n_errors_cap = g->n_errors_cap ? 2 * g->n_errors_cap : 16;
		more = arena_alloc(g->c->keep, g->n_errors_cap * sizeof(*more));
		if (img->n_errors)
			memcpy(more, img->errors, img->n_errors * sizeof(*more));
		img->errors = more;
	}
	img->errors[img->n_errors] = (struct errsite){ what, detail ? arena_strndup(g->c->keep, detail, strlen(detail)) : NULL, at };
	return img->n_errors++;
}

void
gen_error(struct gen *g, enum run_error what, const char *detail, struct span at, struct gval code)
{
	uint32_t off = (uint32_t)offsetof(struct run_state, error) + error_site(g, what, detail, at) * (uint32_t)sizeof(((struct run_state *)0)->error[0]);

	count_one(g, off);
	gen_store(g, gen_state(g, off + 8, 8), code);
}
