# C definitions of a script (LANGUAGE 1.2, 2.3, 2.4, 2.5) against a program that has the same structs.

NAME  members of a struct in user memory
NEEDS uprobe
OPTS  -c "@B@/structs"
PROG  struct inner { const char *text; int n; };
PROG  struct mine { char tag[4]; unsigned a : 3, b : 11; int neg : 5; struct inner in; struct inner *arr[2]; const char *texts[2]; union { long l; struct { short lo, hi; }; }; int dims[2][3]; struct mine *next; double d; unsigned char raw[4]; int flex[]; };
PROG  uprobe:@B@/structs:look { $m = (struct mine *)arg0; $k = 1; print($m->tag); print(($m->a, $m->b, $m->neg)); print(str($m->in.text));
PROG  print(str($m->arr[1]->text)); print($m->arr[$k]->n); print(str($m->texts[$k])); print(($m->l, $m->lo, $m->hi)); print($m->dims);
PROG  print($m->dims[1][2]); print($m->next->next->in.n); print($m->raw); print($m->flex[1]); print($m->flex[$k]); @[$m->in.n, $m->tag] = count();
PROG  $c = *$m; print(str($c.next->in.text)); print($c.b); print($m->tag == "ABCD"); print((sizeof($m->tag), strlen($m->tag), sizeof(struct mine))); }
OUT   ABCD
OUT   (5, 1234, -3)
OUT   hello
OUT   deep
OUT   7
OUT   two
OUT   (2147418113, 1, 32767)
OUT   [[0,0,0],[0,0,99]]
OUT   99
OUT   42
OUT   [200,0,0,0]
OUT   77
OUT   77
OUT   hello
OUT   1234
OUT   true
OUT   (4, 4, 112)
OUT   
OUT   @[42, ABCD]: 1

NAME  packed structs, bit fields across bytes, enums
NEEDS uprobe
OPTS  -c "@B@/structs"
PROG  struct wire { u8 kind; u64 id; u16 len : 12, flags : 4; } __attribute__((packed)); enum color { RED, GREEN = 5 };
PROG  uprobe:@B@/structs:look { $w = (struct wire *)arg1; printf("%d %lx %x %d\n", $w->kind, $w->id, $w->len, $w->flags); print(*$w);
PROG  print((enum color)arg2); @c[(enum color)arg2] = 1; print((enum color)arg2 == GREEN); print(sizeof(struct wire)); }
OUT   9 1122334455667788 abc 5
OUT   { .kind = 9, .id = 1234605616436508552, .len = 2748, .flags = 5 }
OUT   GREEN
OUT   true
OUT   11
OUT   
OUT   @c[GREEN]: 1

NAME  a kernel struct that the script defines, the kernel's own beside it
PROG  struct task_struct { u64 first; };
PROG  begin { $own = (struct task_struct *)curtask; print(sizeof(struct task_struct)); print($own->first == curtask->first); print(comm != ""); exit(); }
OUT   8
OUT   true
OUT   true

NAME  definitions between probes, as old scripts have them
PROG  begin { print(sizeof(struct late)); print(LATE); exit(); }
PROG  struct late { int a; char b; };
PROG  enum { LATE = 3 };
OUT   8
OUT   LATE

NAME  a header that is not there
PROG  #include <no/such.h>
PROG  begin { }
ERR~  #include of no/such.h: .*(not found|libclang)
EXIT  1
