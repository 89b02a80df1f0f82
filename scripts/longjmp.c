// Lets the thread sanitizer see how Lua's errors leave functions.
//
// Preloaded with LD_PRELOAD by scripts/test-sanitized. Debian's Lua is compiled with _FORTIFY_SOURCE, where `longjmp`
// is `__longjmp_chk`, and of the two the sanitizer knows only `longjmp`. It keeps a stack of the functions that a
// thread is in, 65,536 deep and with no check of its end; those that an error left stayed on it, and after some
// ten thousand errors in a script it had run over what lies behind, the sanitizer's own state of the thread.
#undef _FORTIFY_SOURCE
#include <setjmp.h>

void __longjmp_chk(jmp_buf environment, int value) __attribute__((noreturn));

void __longjmp_chk(jmp_buf environment, int value) { longjmp(environment, value); }
