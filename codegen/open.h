/* open.h - LLVM's life cycle in one compilation. */
#ifndef CODEGEN_OPEN_H
#define CODEGEN_OPEN_H
#include "codegen/emit.h"

/* Makes context, module, builders and target machine.  false after an error; gen_free() frees what was made. */
bool llvm_open(struct gen *);
/* false with E_INTERNAL when the module is not well formed: LLVM would abort the process on it. */
bool llvm_verify(struct gen *);
void dump_module(struct compile *, struct buf *); /* LLVM's text: dump G */
void dump_object(struct compile *, struct buf *); /* assembly of what was emitted: dump O */
#endif
